#include "coordinator/recovery_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/stuck_workflows.h"
#include "store/command_store.h"

namespace dsfailover {

namespace {

constexpr std::size_t kProblemsShown = 10;

}  // namespace

RecoveryOutcome watch_recovery(const RunContext& context, std::vector<std::int64_t> pending,
                               EpochMs until) {
    CommandStore commands(context.store());
    RecoveryOutcome outcome;
    std::sort(pending.begin(), pending.end());
    for (;;) {
        std::vector<std::int64_t> waiting = commands.still_waiting(pending);
        std::sort(waiting.begin(), waiting.end());
        std::vector<std::int64_t> taken;
        std::set_difference(pending.begin(), pending.end(), waiting.begin(), waiting.end(),
                            std::back_inserter(taken));
        const std::vector<ErrorCommand> failed = commands.failed(taken);
        for (const ErrorCommand& command : failed) {
            if (outcome.problems.size() == kProblemsShown) break;
            outcome.problems.push_back(fmt::format("Command {} for workflow instance {} failed: {}",
                                                   command.id, command.workflow_instance_id,
                                                   first_line(command.message)));
        }
        outcome.counts.errored += static_cast<std::int64_t>(failed.size());
        outcome.counts.recovered += static_cast<std::int64_t>(taken.size() - failed.size());
        outcome.counts.pending = static_cast<std::int64_t>(waiting.size());
        pending = std::move(waiting);
        const EpochMs now = now_ms();
        if (pending.empty() || now >= until) return outcome;
        spdlog::info("{} recovered, {} errored, {} commands waiting for a master",
                     outcome.counts.recovered, outcome.counts.errored, outcome.counts.pending);
        // Many commands make a long question; ask it less often.
        wait_for(std::min(Millis(pending.size() > 5000 ? 3000 : 1000), Millis(until - now)));
    }
}

void report_recovery(const RunContext& context, const RecoveryOutcome& outcome) {
    for (const std::string& problem : outcome.problems)
        context.fail(ExitCode::needs_person, problem);
    if (outcome.counts.errored > 0) {
        context.fail(ExitCode::needs_person,
                     fmt::format("{} workflows stay in state FAILOVER because their command "
                                 "failed: see the causes in the "
                                 "report of status, remove them, then use requeue.",
                                 outcome.counts.errored));
    }
    if (outcome.counts.pending > 0) {
        context.fail(
            ExitCode::needs_person,
            fmt::format(
                "{} commands were not taken by a master in time. Look at status again; if masters "
                "live and "
                "commands older than two minutes stay, use requeue (on JDBC and etcd masters share "
                "commands out to masters that are gone).",
                outcome.counts.pending));
    }
}

}  // namespace dsfailover
