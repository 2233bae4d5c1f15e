#include "coordinator/status/command_backlog.h"

#include <algorithm>

#include "coordinator/requeue/stuck_workflows.h"

namespace dsfailover {

std::unordered_set<std::int64_t> read_command_backlog(const RunContext& context,
                                                      const StatusOptions& options,
                                                      bool master_lives, CommandWatch& watch,
                                                      CommandsInfo& info) {
    const EpochMs clock = context.database.clock_ms();
    std::unordered_set<std::int64_t> workflows;
    CommandStore commands(context.store());
    watch.look(commands, [&](const WaitingCommand& command) {
        workflows.insert(command.workflow_instance_id);
        CommandsOfType& of_type = info.by_type[command.command_type];
        ++of_type.count;
        if (const auto& updated = command.update_time)
            of_type.oldest_update_time =
                std::min(of_type.oldest_update_time.value_or(*updated), *updated);
        if (master_lives && is_unclaimed(command, options.unclaimed_after, clock))
            ++of_type.unclaimed;
        if (is_unclaimed(command, options.backlog_after, clock)) ++info.old;
    });
    return workflows;
}

}  // namespace dsfailover
