#include "coordinator/requeue/stuck_workflows.h"

#include <unordered_set>

#include "base/terminal_text.h"
#include "store/command_type.h"
#include "store/task_instance_store.h"

namespace dsfailover {

namespace {

constexpr const char* kDuplicateTasks = "duplicate valid tasks";

}  // namespace

bool waits_longer(const WaitingCommand& command, Millis after, EpochMs clock) {
    return command.update_time && *command.update_time < clock - after.count();
}

bool is_unclaimed(const WaitingCommand& command, Millis after, EpochMs clock) {
    return command.command_type == command_type::kRecoverToleranceFault &&
           waits_longer(command, after, clock);
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
