#include "store/command_param.h"

#include <fmt/format.h>

#include "base/json.h"
#include "store/workflow_state.h"

namespace dsfailover {

std::string recovery_command_param(int state) {
    require_unfinished(state);
    return fmt::format(R"({{"commandType":"RECOVER_TOLERANCE_FAULT","subWorkflowInstance":false,)"
                       R"("startNodes":null,"commandParams":null,"timeZone":null,)"
                       R"("workflowExecutionStatus":"{}"}})",
                       workflow_state_name(state));
}

std::optional<int> state_of_command_param(const std::string& command_param) {
    const Json param = Json::parse_object(command_param);
    const std::string* const status = param.text("workflowExecutionStatus");
    if (!status) return std::nullopt;
    for (const int state : kUnfinishedStates) {
        if (*status == workflow_state_name(state)) return state;
    }
    return std::nullopt;
}

bool has_command_type(const std::string& command_param) {
    return Json::parse_object(command_param).text("commandType") != nullptr;
}

}  // namespace dsfailover
