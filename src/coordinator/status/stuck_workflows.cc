#include "coordinator/status/stuck_workflows.h"

#include <nlohmann/json.hpp>

#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

constexpr const char* kDuplicateTasks = "duplicate valid tasks";

}  // namespace

bool is_unclaimed(const WaitingCommand& command, Millis after, EpochMs clock) {
    return command.command_type == kRecoverToleranceFault && command.update_time &&
           *command.update_time < clock - after.count();
}

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

std::string first_line(const std::string& text) {
    return text.substr(0, text.find_first_of("\r\n"));
}

std::vector<std::string> causes_of_being_stuck(const RunContext& context,
                                               std::span<const std::int64_t> ids) {
    if (ids.empty()) return {};
    const auto failed = CommandStore(context.store()).last_failed(ids);
    const auto duplicated = TaskInstanceStore(context.store()).with_duplicate_tasks(ids);
    const std::unordered_set<std::int64_t> duplicates(duplicated.begin(), duplicated.end());
    std::vector<std::string> causes;
    for (const std::int64_t id : ids) {
        const auto command = failed.find(id);
        std::string cause = command == failed.end() ? "" : first_line(command->second.message);
        if (duplicates.contains(id)) {
            cause = cause.empty() ? kDuplicateTasks : cause + " (" + kDuplicateTasks + ")";
        }
        causes.push_back(cause.empty() ? "none" : std::move(cause));
    }
    return causes;
}

}  // namespace dsfailover
