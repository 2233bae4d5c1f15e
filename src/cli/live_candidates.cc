#include "cli/live_candidates.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "base/log.h"
#include "base/plural.h"
#include "cli/invocation.h"
#include "coordinator/status/cluster_status.h"

namespace dsfailover {
namespace {

constexpr suseconds_t kTimeLimit = 300'000;  // microseconds

/// Ends the process, which may hang in a call of a client library, after kTimeLimit.
void end_in_time() {
    std::signal(SIGALRM, [](int) { _exit(0); });
    const itimerval once{{0, 0}, {0, kTimeLimit}};
    setitimer(ITIMER_REAL, &once, nullptr);
}

StatusSection read_status(const GivenOptions& options) {
    Report report;
    report.dry_run = true;  // so that no audit log is opened
    Invocation invocation(collect_options(options, process_environment()), {},
                          process_environment(), report);
    invocation.work_on_cluster(
        Invocation::Access::reading, AskAbout::nobody,
        [](const RunContext& context) { read_cluster_status(context, StatusOptions{}); });
    return report.status.value();
}

std::string described(std::string_view what, const std::optional<std::string>& name) {
    return name ? fmt::format("{}: {}", what, *name) : std::string(what);
}

std::vector<Candidate> addresses(const Command& command, const StatusSection& status) {
    std::vector<Candidate> found;
    if (command.name == "failover-master")
        for (const NeedsFailover& master : status.needs_failover.kept())
            found.push_back({master.address, "needs failover"});
    if (command.name == "failover-worker")
        for (const GoneWorker& worker : status.workers_gone.kept())
            found.push_back({worker.address, "gone, with " + counted(worker.tasks, "task")});
    if (command.name == "list-marks") {
        for (const ServerItem& server : status.masters.kept())
            found.push_back({server.address, "master"});
        for (const ServerItem& server : status.workers.kept())
            found.push_back({server.address, "worker"});
    }
    return found;
}

std::vector<Candidate> workflows(const Command& command, const StatusSection& status) {
    std::vector<Candidate> found;
    for (const StuckWorkflow& workflow : status.stuck.kept())
        found.push_back({std::to_string(workflow.id), described("stuck", workflow.name)});
    if (command.name == "requeue") return found;
    for (const WorkflowNote& workflow : status.uncertain.kept())
        found.push_back({std::to_string(workflow.id), described("in doubt", workflow.name)});
    return found;
}

Completion ask_cluster(const LiveWish& wish) {
    const StatusSection status = read_status(wish.options);
    Completion result;
    for (Candidate& candidate : wish.argument == "ADDRESS" ? addresses(*wish.command, status)
                                                           : workflows(*wish.command, status))
        if (candidate.word.starts_with(wish.begin))
            result.candidates.push_back({wish.fixed + candidate.word, std::move(candidate.what)});
    return result;
}

}  // namespace

int answer_shell(const std::vector<std::string>& words) {
    // A line being typed is no place for what is wrong with the cluster.
    set_up_logging({.level = "off"});
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    try {
        const Completion completion = complete(words);
        std::cout << lines_of(completion) << std::flush;
        if (completion.live) {
            end_in_time();
            std::cout << lines_of(ask_cluster(*completion.live)) << std::flush;
        }
    } catch (const std::exception&) {
    }
    // Closing sessions may take longer than the time there is.
    _exit(0);
}

}  // namespace dsfailover
