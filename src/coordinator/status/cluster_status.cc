#include "coordinator/status/cluster_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "base/interruption.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/lock_status.h"
#include "coordinator/failover/parents.h"
#include "coordinator/requeue/stuck_workflows.h"
#include "coordinator/status/asked_masters.h"
#include "coordinator/status/checks.h"
#include "coordinator/status/command_backlog.h"
#include "coordinator/status/leaders.h"
#include "coordinator/status/mark_view.h"
#include "coordinator/status/standing_workflows.h"
#include "coordinator/status/task_view.h"
#include "coordinator/status/unfinished_workflows.h"
#include "registry/paths.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

/// One status under way.
class StatusReader {
  public:
    StatusReader(const RunContext& context, const StatusOptions& options)
        : context_(context),
          options_(options),
          servers_(read_servers(context.registry, true)),
          status_(options.items),
          workflows_(context, servers_, with_command_, status_, found_) {}

    void run() {
        add_servers();
        read_leaders(context_, servers_, status_, found_);
        read_clocks();
        read_tables();
        find_stuck();
        find_lost_kills();
        find_idle(context_, options_, servers_, workflows_, status_, found_);
        find_serial_waits(context_, options_, workflows_, status_);
        find_parents();
        read_locks();
        read_mark_view(context_, servers_, workflows_, status_, found_);
        if (context_.servers) ask();
        add_names();
        check();
        context_.report.status = std::move(status_);
    }

  private:
    void add_servers() {
        const auto add = [](const std::vector<Server>& servers, Items<ServerItem>& items) {
            for (const Server& server : servers)
                items.add({server.address, true, server.startup_time, server.process_id,
                           server.report_time, server.server_status,
                           server.problem.empty() ? std::nullopt : std::optional(server.problem),
                           server.worker_group});
        };
        add(servers_.masters, status_.masters);
        add(servers_.workers, status_.workers);
        for (const Server& master : servers_.masters)
            ++status_.totals.masters[master.server_status.value_or("")];
        for (const Server& worker : servers_.workers)
            ++status_.totals.workers[worker.server_status.value_or("")];
        found_.masters = std::ssize(servers_.masters);
        found_.normal_masters =
            std::count_if(servers_.masters.begin(), servers_.masters.end(),
                          [](const Server& each) { return each.server_status == "NORMAL"; });
        found_.workers = std::ssize(servers_.workers);
    }

    void read_clocks() {
        const EpochMs before = now_ms();
        const EpochMs database = context_.database.clock_ms();
        status_.clock_skew_ms = database - (before + (now_ms() - before) / 2);
        CheckItem& clocks = found_.clocks;
        clocks.detail =
            fmt::format("the database's clock is {} ms from ours", *status_.clock_skew_ms);
        try {
            check_clocks(context_, servers_);
        } catch (const EnvironmentError& error) {
            context_.fail(error.exit_code(), error.what());
            clocks = {clocks.name, false, error.what(), "set the clocks right (NTP)"};
        }
        const Activity activity = read_activity(context_);
        if (const auto fault = zone_fault(context_, servers_, activity)) {
            context_.warn(fmt::format("{} Way out: {}.", fault->what, fault->hint));
            clocks = {clocks.name, false, fault->what, fault->hint};
        } else {
            activity_lags(context_, servers_, activity);
        }
    }

    // Each table once: the commands, the workflows, and the tasks of those that have not ended.
    void read_tables() {
        CommandWatch watch;
        with_command_ = read_command_backlog(context_, options_, !servers_.masters.empty(), watch,
                                             status_.commands);
        workflows_.read(watch);
        check_interruption();
        read_tasks(context_, options_, servers_, workflows_, status_);
    }

    void find_stuck() {
        std::vector<std::int64_t> candidates;
        for (const SeenWorkflow& seen : workflows_.seen()) {
            if (seen.state != kFailover) continue;
            in_failover_.push_back(seen.id);
            if (!seen.command_waits) candidates.push_back(seen.id);
        }
        // Instances and commands were not read at one moment.
        const auto stuck =
            WorkflowInstanceStore(context_.store()).in_failover_without_command(candidates);
        const auto causes = causes_of_being_stuck(context_, stuck);
        for (std::size_t i = 0; i < stuck.size(); ++i) {
            status_.stuck.add({stuck[i], std::nullopt, causes[i]});
        }
    }

    // Recovery takes the tasks of a workflow in READY_STOP over without killing them.
    void find_lost_kills() {
        const std::unordered_set<std::int64_t> restartable(workflows_.restartable().begin(),
                                                           workflows_.restartable().end());
        for (const SeenWorkflow& seen : workflows_.seen()) {
            if (seen.state != kReadyStop || !seen.at_work || !seen.host) continue;
            if (!seen.recovered && !restartable.contains(seen.id)) continue;
            status_.waiting_for_kill.add(
                {seen.id, std::nullopt, *seen.host,
                 seen.recovered ? "it was recovered, and recovery kills no tasks: stop it again"
                                : "its master is gone, and recovery kills no tasks: stop it "
                                  "again once it is recovered",
                 seen.last_task_activity});
        }
    }

    void find_parents() {
        std::vector<std::int64_t> parents = workflows_.restartable();
        parents.insert(parents.end(), in_failover_.begin(), in_failover_.end());
        for (ParentNote& parent : parents_of_unfinished(context_, parents))
            status_.parents.add(std::move(parent));
    }

    void read_locks() {
        for (LockNote& lock : read_failover_locks(context_, servers_)) {
            if (lock.leaked) found_.leaked.push_back(address_of_failover_lock(lock.path));
            status_.locks.add(std::move(lock));
        }
        status_.totals.leaked_locks = std::ssize(found_.leaked);
    }

    void ask() {
        try {
            status_.asked = ask_masters(context_, options_);
        } catch (const EnvironmentError& error) {
            context_.fail(error.exit_code(), error.what());
        }
    }

    void add_names() {
        std::vector<std::int64_t> ids;
        const auto each = [&](const auto& use) {
            for (auto& item : status_.ownerless_items.kept()) use(item);
            for (auto& item : status_.stuck.kept()) use(item);
            for (auto& item : status_.uncertain.kept()) use(item);
            for (auto& item : status_.parents.kept()) use(item);
            for (auto& item : status_.waiting_for_kill.kept()) use(item);
            for (auto& item : status_.idle.kept()) use(item);
            if (!status_.asked) return;
            for (auto& item : status_.asked->abandoned.kept()) use(item);
            for (auto& item : status_.asked->held_idle.kept()) use(item);
            for (auto& item : status_.asked->misplaced.kept()) use(item);
        };
        each([&](auto& item) { ids.push_back(item.id); });
        const auto names = WorkflowInstanceStore(context_.store()).names(ids);
        std::size_t next = 0;
        each([&](auto& item) { item.name = names[next++]; });
    }

    void check() {
        status_.checks = status_checks(status_, found_, options_);
        for (CheckItem& check : status_.checks)
            check.counts = options_.check ? options_.checks.has(check.name)
                                          : !options_.checks.skipped.contains(check.name);
        if (!options_.check) return;
        std::vector<std::string> failed;
        for (const CheckItem& check : status_.checks)
            if (!check.ok && check.counts)
                failed.push_back(fmt::format("{}: {}", to_string(check.name), check.detail));
        if (failed.empty()) return;
        context_.warn(fmt::format("--check: {}.", fmt::join(failed, "; ")));
        context_.report.check_failed = true;
    }

    const RunContext& context_;
    const StatusOptions& options_;
    const Servers servers_;
    StatusSection status_;
    StatusFindings found_;
    std::unordered_set<std::int64_t> with_command_;  // workflows
    UnfinishedWorkflows workflows_;
    std::vector<std::int64_t> in_failover_;  // in state 18
};

}  // namespace

void read_cluster_status(const RunContext& context, const StatusOptions& options) {
    StatusReader(context, options).run();
}

}  // namespace dsfailover
