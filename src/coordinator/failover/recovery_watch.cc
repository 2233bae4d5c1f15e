#include "coordinator/failover/recovery_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/interruption.h"
#include "base/log.h"
#include "base/polling.h"
#include "base/terminal_text.h"
#include "coordinator/retried_transaction.h"
#include "store/command_store.h"

namespace dsfailover {

namespace {

constexpr std::size_t kProblemsShown = 10;
constexpr Millis kProgressEvery{10'000};
constexpr Millis kUnclaimedAfter = std::chrono::minutes(2);

}  // namespace

std::vector<std::string> watch_recovery(const RunContext& context,
                                        std::vector<std::int64_t> pending, EpochMs until,
                                        RecoveryInfo& counts) {
    CommandStore commands(context.store());
    std::vector<std::string> problems;
    counts.pending = static_cast<std::int64_t>(pending.size());
    std::sort(pending.begin(), pending.end());
    Polling polling{until, Millis(1000), kProgressEvery};
    const auto look = [&] {
        std::vector<std::int64_t> waiting =
            read_patiently(context.database, [&] { return commands.still_waiting(pending); });
        std::sort(waiting.begin(), waiting.end());
        std::vector<std::int64_t> taken;
        std::set_difference(pending.begin(), pending.end(), waiting.begin(), waiting.end(),
                            std::back_inserter(taken));
        const std::vector<ErrorCommand> failed =
            read_patiently(context.database, [&] { return commands.failed(taken); });
        for (const ErrorCommand& command : failed) {
            if (problems.size() == kProblemsShown) break;
            problems.push_back(fmt::format("Command {} for workflow instance {} failed: {}",
                                           command.id, command.workflow_instance_id,
                                           first_line(command.message)));
        }
        counts.errored += static_cast<std::int64_t>(failed.size());
        counts.recovered += static_cast<std::int64_t>(taken.size() - failed.size());
        counts.pending = static_cast<std::int64_t>(waiting.size());
        pending = std::move(waiting);
        // Many commands make a long question; ask it less often.
        polling.step = Millis(pending.size() > 5000 ? 3000 : 1000);
        return pending.empty();
    };
    poll(polling, look, [&](std::int64_t) {
        spdlog::info("{} recovered, {} errored, {} commands waiting for a master", counts.recovered,
                     counts.errored, counts.pending);
    });
    return problems;
}

std::string_view way_on_for_untaken(std::optional<Millis> waited) {
    if (!waited) {
        return "Look in status whether masters are BUSY, which passes by itself, and into the logs "
               "of those that are NORMAL.";
    }
    if (*waited < kUnclaimedAfter) {
        return "Look at status again; if masters live and commands older than two minutes stay, "
               "use requeue (on JDBC and etcd masters share commands out to masters that are "
               "gone).";
    }
    return "If status shows a master that lives and is NORMAL, use requeue now (on JDBC and etcd "
           "masters share commands out to masters that are gone).";
}

void report_recovery(const RunContext& context, const RecoveryInfo& counts,
                     const std::vector<std::string>& problems, std::optional<Millis> waited) {
    for (const std::string& problem : problems) context.fail(ExitCode::needs_person, problem);
    if (counts.errored > 0) {
        context.fail(ExitCode::needs_person,
                     fmt::format("{} workflows stay in state FAILOVER because their command "
                                 "failed: see the causes in the "
                                 "report of status, remove them, then use requeue.",
                                 counts.errored));
    }
    if (counts.pending > 0) {
        context.fail(ExitCode::needs_person,
                     fmt::format("{} commands were not taken by a master in time. {}",
                                 counts.pending, way_on_for_untaken(waited)));
    }
}

}  // namespace dsfailover
