#include "coordinator/requeue/stuck_workflows.h"

#include <set>
#include <unordered_set>
#include <utility>

#include "base/terminal_text.h"
#include "store/task_instance_store.h"

namespace dsfailover {

namespace {

constexpr const char* kDuplicateTasks = "duplicate valid tasks";

}  // namespace

bool is_unclaimed(const WaitingCommand& command, Millis after, EpochMs clock) {
    return command.update_time && *command.update_time < clock - after.count();
}

std::vector<std::string> causes_of_being_stuck(const RunContext& context,
                                               std::span<const std::int64_t> ids) {
    if (ids.empty()) return {};
    const auto failed = newest_of_each(CommandStore(context.store()).failed_for_workflows(ids));
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

std::map<std::int64_t, std::string> failed_twice(std::span<const ErrorCommand> failed) {
    std::set<std::pair<std::int64_t, std::string>> causes;
    std::map<std::int64_t, std::string> found;
    for (const ErrorCommand& command : failed) {
        const std::int64_t id = command.workflow_instance_id;
        std::string cause = first_line(command.message);
        if (!cause.empty() && !causes.emplace(id, cause).second) found[id] = std::move(cause);
    }
    return found;
}

}  // namespace dsfailover
