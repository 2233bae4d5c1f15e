#include "store/command_param.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

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
    const auto param = nlohmann::json::parse(command_param, nullptr, false);
    if (!param.is_object()) return std::nullopt;
    const auto status = param.find("workflowExecutionStatus");
    if (status == param.end() || !status->is_string()) return std::nullopt;
    for (const int state : kUnfinishedStates) {
        if (status->get_ref<const std::string&>() == workflow_state_name(state)) return state;
    }
    return std::nullopt;
}

bool has_command_type(const std::string& command_param) {
    const auto param = nlohmann::json::parse(command_param, nullptr, false);
    return param.is_object() && param.contains("commandType") && param["commandType"].is_string();
}

}  // namespace dsfailover
