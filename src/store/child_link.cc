#include "store/child_link.h"

#include <nlohmann/json.hpp>

namespace dsfailover {

bool is_sub_workflow_type(std::string_view task_type) {
    return task_type == "SUB_WORKFLOW" || task_type == "SUB_PROCESS";  // its name before 3.3
}

std::optional<std::int64_t> child_of_app_link(std::string_view app_link) {
    const auto link = nlohmann::json::parse(app_link, nullptr, false);
    if (!link.is_object()) return std::nullopt;
    const auto child = link.find("subWorkflowInstanceId");
    if (child == link.end() || !child->is_number_integer()) return std::nullopt;
    return child->get<std::int64_t>();
}

}  // namespace dsfailover
