#include "store/command_param.h"

#include <nlohmann/json.hpp>

#include "store/workflow_instance_store.h"

namespace dsfailover {

std::optional<int> state_of_command_param(const std::string& command_param) {
    using namespace workflow_state;
    const auto param = nlohmann::json::parse(command_param, nullptr, false);
    if (!param.is_object()) return std::nullopt;
    const auto status = param.find("workflowExecutionStatus");
    if (status == param.end() || !status->is_string()) return std::nullopt;
    for (const int state : {kRunning, kReadyPause, kReadyStop}) {
        if (status->get_ref<const std::string&>() == workflow_state_name(state)) return state;
    }
    return std::nullopt;
}

}  // namespace dsfailover
