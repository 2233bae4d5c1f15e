#include "coordinator/failover/inserted_commands.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "coordinator/failover/recovery_watch.h"
#include "coordinator/retried_transaction.h"
#include "store/command_store.h"

namespace dsfailover {

void InsertedCommands::add(std::int64_t workflow_id, std::int64_t command_id) {
    if (command_id != 0)
        known_.push_back({workflow_id, command_id});
    else
        workflows_.push_back(workflow_id);
}

std::int64_t InsertedCommands::count() const { return std::ssize(known_) + std::ssize(workflows_); }

std::vector<std::string> InsertedCommands::follow(const RunContext& context, std::int64_t before,
                                                  EpochMs until, WorkflowInquiry* inquiry,
                                                  bool rehosts, RecoveryInfo& recovery) {
    std::vector<std::int64_t> taken = find_unknown(context, before);
    return watch_recovery(context, {known_, std::move(taken)}, until, inquiry, rehosts, recovery);
}

// Returns those whose command neither waits nor failed: a master took it.
std::vector<std::int64_t> InsertedCommands::find_unknown(const RunContext& context,
                                                         std::int64_t before) {
    if (workflows_.empty()) return {};
    CommandStore commands(context.store());
    std::set<std::int64_t> found;
    const auto ours = [&](std::int64_t workflow_id, std::int64_t command_id) {
        if (command_id <= before) return;
        found.insert(workflow_id);
        known_.push_back({workflow_id, command_id});
    };
    const auto waiting =
        read_patiently(context.database, [&] { return commands.for_workflows(workflows_); });
    for (const WaitingCommand& command : waiting) ours(command.workflow_instance_id, command.id);
    const auto failed = read_patiently(context.database, [&] {
        return newest_of_each(commands.failed_for_workflows(workflows_));
    });
    for (const auto& [workflow_id, command] : failed) ours(workflow_id, command.id);
    std::vector<std::int64_t> taken;
    std::copy_if(workflows_.begin(), workflows_.end(), std::back_inserter(taken),
                 [&](std::int64_t id) { return !found.contains(id); });
    return taken;
}

}  // namespace dsfailover
