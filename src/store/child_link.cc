#include "store/child_link.h"

#include "base/json.h"

namespace dsfailover {

bool is_sub_workflow_type(std::string_view task_type) {
    return task_type == "SUB_WORKFLOW" || task_type == "SUB_PROCESS";  // its name before 3.3
}

std::optional<std::int64_t> child_of_app_link(std::string_view app_link) {
    return Json::parse_object(app_link).integer("subWorkflowInstanceId");
}

}  // namespace dsfailover
