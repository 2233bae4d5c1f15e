#include "coordinator/status/cluster_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/option_defaults.h"
#include "base/interruption.h"
#include "coordinator/cluster_check.h"
#include "coordinator/failover/global_targets.h"
#include "coordinator/failover/lock_status.h"
#include "coordinator/failover/one_cluster.h"
#include "coordinator/failover/parents.h"
#include "coordinator/failover/selection.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/marks/fence.h"
#include "coordinator/requeue/stuck_workflows.h"
#include "coordinator/status/asked_masters.h"
#include "registry/paths.h"
#include "store/command_type.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

using option_defaults::kUnclaimedAfter;
constexpr Millis kExpiredAfter = std::chrono::hours(24 * 7);
constexpr std::size_t kPage = 1000;

void add_servers(const std::vector<Server>& servers, Items<ServerItem>& items) {
    for (const Server& server : servers) {
        items.add({server.address, true, server.startup_time, server.process_id, server.report_time,
                   server.server_status,
                   server.problem.empty() ? std::nullopt : std::optional(server.problem)});
    }
}

std::int64_t count_of(const AddressSelection& found, Verdict verdict) {
    const auto count = found.skipped.find(verdict);
    return count == found.skipped.end() ? 0 : count->second;
}

// Later releases: a workflow that was recovered got a restart_time of its own.
bool was_started_again(const WorkflowInstance& instance) {
    return instance.restart_time &&
           (!instance.start_time || instance.restart_time->text != instance.start_time->text);
}

/// One status under way.
class StatusReader {
  public:
    StatusReader(const RunContext& context, const StatusOptions& options)
        : context_(context),
          options_(options),
          servers_(read_servers(context.registry, true)),
          status_(options.items) {}

    void run() {
        add_servers(servers_.masters, status_.masters);
        add_servers(servers_.workers, status_.workers);
        read_leaders();
        read_clocks();
        read_unfinished();
        check_interruption();
        read_commands();
        find_stuck();
        find_lost_kills();
        find_parents();
        for (LockNote& lock : read_failover_locks(context_, servers_))
            status_.locks.add(std::move(lock));
        read_marks();
        if (context_.servers) ask();
        add_names();
        status_.checks.push_back(clocks_);
        if (status_.asked) {
            status_.checks.push_back(abandoned_check(*status_.asked));
            status_.checks.push_back(held_idle_check(*status_.asked));
        }
        const std::vector<std::string> needs = what_needs_doing();
        context_.report.status = std::move(status_);
        if (!options_.check || needs.empty()) return;
        context_.warn(fmt::format("--check: {}.", fmt::join(needs, "; ")));
        context_.report.check_failed = true;
    }

  private:
    struct Unkilled {
        std::int64_t id = 0;
        std::string host;
        bool recovered = false;
    };

    void read_leaders() {
        if (const auto node = context_.registry.get(std::string(paths::kCoordinator))) {
            status_.coordinator = node->value;
            status_.coordinator_alive = servers_.master(node->value) != nullptr;
            if (!*status_.coordinator_alive) warn_of_leader("coordinator of the masters", *node);
        } else if (!servers_.masters.empty()) {
            warn_of_no_leader("coordinator of the masters");
        }
        const auto living = context_.registry.living(std::string(paths::kAlertServers), true);
        if (const auto node = context_.registry.get(std::string(paths::kAlertLeader))) {
            status_.alert_leader = node->value;
            status_.alert_leader_alive =
                std::any_of(living.begin(), living.end(),
                            [&](const Node& server) { return server.name == node->value; });
            if (!*status_.alert_leader_alive) warn_of_leader("leader of the alert servers", *node);
        } else if (!living.empty()) {
            warn_of_no_leader("leader of the alert servers");
        }
    }

    void warn_of_leader(std::string_view what, const Node& node) const {
        context_.warn(fmt::format("The {}, {}, is gone{}.", what, node.value, and_nobody_elects()));
    }

    // Its node goes with it, so that this is how one that is gone looks for good.
    void warn_of_no_leader(std::string_view what) const {
        context_.warn(fmt::format("No {} is registered{}.", what, and_nobody_elects()));
    }

    std::string_view and_nobody_elects() const {
        return context_.registry.masters_notice_departures() ? ""
                                                             : ", and here nobody elects another";
    }

    void read_clocks() {
        const EpochMs before = now_ms();
        const EpochMs database = context_.database.clock_ms();
        status_.clock_skew_ms = database - (before + (now_ms() - before) / 2);
        clocks_.detail =
            fmt::format("the database's clock is {} ms from ours", *status_.clock_skew_ms);
        try {
            check_clocks(context_, servers_);
        } catch (const EnvironmentError& error) {
            context_.fail(error.exit_code(), error.what());
            clocks_ = {clocks_.name, false, error.what(), "set the clocks right (NTP)"};
        }
        if (const auto fault = zone_fault(context_, servers_)) {
            context_.warn(fmt::format("{} Way out: {}.", fault->what, fault->hint));
            clocks_ = {clocks_.name, false, fault->what, fault->hint};
        } else {
            activity_lags(context_, servers_);
        }
    }

    void read_unfinished() {
        SelectionRequest request;
        request.all_hosts = true;
        request.event_time = clock_ = latest_clock(context_.database);
        request.run_began = now_ms();
        request.in_failover = [&](const WorkflowInstance& instance) {
            in_failover_.push_back(instance.id);
            if (instance.host) hosts_.insert(*instance.host);
        };
        Selection selection;
        try {
            selection =
                read_selection(context_, servers_, request,
                               [&](const std::string& address, const SkippedWorkflow& skipped) {
                                   note_skipped(address, skipped);
                               });
        } catch (const EnvironmentError& error) {
            context_.fail(error.exit_code(), error.what());
            return read_in_failover();
        }
        warn_of_the_whole(context_, servers_, selection);
        const bool any = std::any_of(selection.addresses.begin(), selection.addresses.end(),
                                     [](const auto& entry) { return entry.second.total > 0; });
        if (servers_.masters.empty() && (any || selection.ownerless > 0))
            warn_of_no_master(context_);
        status_.ownerless = selection.ownerless;
        odd_hosts_ = static_cast<std::int64_t>(selection.odd_hosts.size());
        for (auto& [address, found] : selection.addresses) note_address(address, found);
    }

    // Where a row cannot be read nothing of the others can be told.
    void read_in_failover() {
        in_failover_.clear();
        constexpr int kStates[] = {kFailover};
        WorkflowInstanceStore(context_.store())
            .scan_states(kStates, [&](const WorkflowInstance& instance) {
                in_failover_.push_back(instance.id);
            });
    }

    void note_skipped(const std::string& address, const SkippedWorkflow& skipped) {
        const WorkflowInstance& instance = skipped.instance;
        const Verdict verdict = skipped.verdict;
        if (std::string ahead = start_ahead(instance, clock_); clocks_.ok && !ahead.empty())
            clocks_ = {clocks_.name, false, std::move(ahead), "check --time-zone"};
        const bool uncertain = verdict == Verdict::in_doubt || verdict == Verdict::settling ||
                               verdict == Verdict::running_elsewhere ||
                               verdict == Verdict::command_pending;
        if (uncertain) {
            parents_.push_back(instance.id);
            status_.uncertain.add({instance.id, std::nullopt, address,
                                   std::string(to_string(skip_reason(verdict))),
                                   skipped.last_task_activity});
        }
        const bool recovered =
            uncertain || verdict == Verdict::done_before ||
            (!context_.schema.recovery_leaves_host() && was_started_again(instance));
        if (instance.state == kReadyStop && recovered) {
            unkilled_.push_back({instance.id, address, true});
        }
    }

    void note_address(const std::string& address, AddressSelection& found) {
        hosts_.insert(address);
        const std::int64_t in_doubt = count_of(found, Verdict::in_doubt) +
                                      count_of(found, Verdict::settling) +
                                      count_of(found, Verdict::command_pending);
        const std::int64_t elsewhere = count_of(found, Verdict::running_elsewhere);
        if (found.selectable > 0 || in_doubt > 0 || elsewhere > 0 || found.impossible > 0) {
            status_.needs_failover.add({address, found.facts.lives, found.selectable, in_doubt,
                                        elsewhere, found.oldest_start});
        }
        const Server* living = servers_.master(address);
        const bool unreadable = living && !living->startup_time && found.total > 0;
        // As global, which says so with exit status 3 at least.
        if (found.selectable > 0 || found.impossible > 0 || in_doubt > 0 || unreadable) ++failing_;
        if (found.impossible > 0) {
            context_.warn(fmt::format(
                "{} workflows of {}, which is gone, have a start time that still lies ahead: a "
                "wrong --time-zone or clock. global would leave them.",
                found.impossible, address));
        }
        for (;;) {
            const auto page = found.selected.take(kPage, address);
            if (page.empty()) return;
            for (const WorkflowInstance& instance : page) {
                parents_.push_back(instance.id);
                if (instance.state == kReadyStop)
                    unkilled_.push_back({instance.id, address, false});
            }
        }
    }

    void read_commands() {
        const EpochMs clock = context_.database.clock_ms();
        CommandsInfo& info = status_.commands;
        CommandStore(context_.store()).scan([&](const WaitingCommand& command) {
            with_command_.insert(command.workflow_instance_id);
            if (command.command_type != command_type::kRecoverToleranceFault) return;
            ++info.pending;
            if (command.update_time) {
                info.oldest_update_time =
                    std::min(info.oldest_update_time.value_or(INT64_MAX), *command.update_time);
            }
            if (!servers_.masters.empty() && is_unclaimed(command, kUnclaimedAfter, clock)) {
                ++info.unclaimed;
            }
        });
    }

    void find_stuck() {
        std::vector<std::int64_t> candidates;
        for (const std::int64_t id : in_failover_) {
            if (!with_command_.contains(id)) candidates.push_back(id);
        }
        std::sort(candidates.begin(), candidates.end());
        // Instances and commands were not read at one moment.
        const auto stuck =
            WorkflowInstanceStore(context_.store()).in_failover_without_command(candidates);
        const auto causes = causes_of_being_stuck(context_, stuck);
        for (std::size_t i = 0; i < stuck.size(); ++i) {
            status_.stuck.add({stuck[i], std::nullopt, causes[i]});
        }
        stuck_ = static_cast<std::int64_t>(stuck.size());
        parents_.insert(parents_.end(), in_failover_.begin(), in_failover_.end());
    }

    // Recovery takes the tasks of a workflow in READY_STOP over without killing them.
    void find_lost_kills() {
        std::vector<std::int64_t> ids;
        for (const Unkilled& one : unkilled_) ids.push_back(one.id);
        TaskInstanceStore tasks(context_.store());
        const auto found = tasks.with_tasks_at_work(ids);
        const std::unordered_set<std::int64_t> at_work(found.begin(), found.end());
        const auto activity = tasks.activity(found);
        for (const Unkilled& one : unkilled_) {
            if (!at_work.contains(one.id)) continue;
            WorkflowNote note{one.id, std::nullopt, one.host,
                              one.recovered
                                  ? "it was recovered, and recovery kills no tasks: stop it again"
                                  : "its master is gone, and recovery kills no tasks: stop it "
                                    "again once it is recovered",
                              std::nullopt};
            const auto its = activity.find(one.id);
            if (its != activity.end() && its->second.latest) {
                note.last_task_activity = its->second.latest->epoch_ms();
            }
            status_.waiting_for_kill.add(std::move(note));
        }
    }

    void find_parents() {
        for (ParentNote& parent : parents_of_unfinished(context_, parents_))
            status_.parents.add(std::move(parent));
    }

    // What clean-marks would take counts for --check; it keeps the newest mark of an address with
    // unfinished workflows.
    void read_marks() {
        const EpochMs now = now_ms();
        std::vector<std::pair<std::string, EpochMs>> expired;
        std::map<std::string, EpochMs> newest;
        context_.registry.read_children(std::string(paths::kMarks), [&](const NodeRead& child) {
            if (!child.node && child.problem.empty()) return;  // gone
            ++status_.marks;
            const auto value = child.node ? parse_mark_value(child.node->value) : std::nullopt;
            const auto name = parse_mark_name(child.name);
            if (!value) {
                ++status_.unreadable_marks;
                return;
            }
            const std::string address = name ? name->address : "";
            if (*value == kFenceValue) return note_fence(child.name, name, now);
            EpochMs& latest = newest[address];
            latest = std::max(latest, *value);
            if (now - *value > kExpiredAfter.count()) expired.emplace_back(address, *value);
        });
        status_.expired_marks += std::ssize(expired);
        cleanable_ += std::count_if(expired.begin(), expired.end(), [&](const auto& mark) {
            return !hosts_.contains(mark.first) || newest[mark.first] != mark.second;
        });
    }

    void note_fence(const std::string& mark, const std::optional<MarkName>& name, EpochMs now) {
        FenceNote note{mark, std::nullopt, std::nullopt, name && lives_at(*name, servers_)};
        if (name) note.address = name->address;
        if (name && name->process) note.age_ms = now - name->process->startup_time;
        status_.fences.add(std::move(note));
        if (name && is_fence_kept(*name, servers_, now)) return;
        ++status_.expired_marks;
        ++cleanable_;
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
            for (auto& item : status_.stuck.kept()) use(item);
            for (auto& item : status_.uncertain.kept()) use(item);
            for (auto& item : status_.parents.kept()) use(item);
            for (auto& item : status_.waiting_for_kill.kept()) use(item);
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

    std::vector<std::string> what_needs_doing() const {
        std::vector<std::string> needs;
        const auto add = [&](std::int64_t count, std::string_view what) {
            if (count > 0) needs.push_back(fmt::format("{} {}", count, what));
        };
        add(failing_, "addresses need failover (global, or a look at what is in doubt)");
        add(odd_hosts_, "hosts of unfinished workflows are no HOST:PORT");
        add(stuck_, "workflows stuck in FAILOVER without a command need requeue");
        add(status_.commands.unclaimed, "commands that no master takes need requeue");
        add(cleanable_, "marks need cleaning (clean-marks)");
        for (const CheckItem& check : status_.checks) {
            if (!check.ok)
                needs.push_back(fmt::format("{}: {}", to_string(check.name), check.detail));
        }
        return needs;
    }

    const RunContext& context_;
    const StatusOptions& options_;
    const Servers servers_;
    StatusSection status_;
    CheckItem clocks_{CheckName::clocks, true, "", std::nullopt};
    EpochMs clock_ = 0;                              // the latest, when the workflows were read
    std::unordered_set<std::string> hosts_;          // of unfinished workflows
    std::vector<std::int64_t> in_failover_;          // in state 18
    std::vector<std::int64_t> parents_;              // those that a failover would start again
    std::vector<Unkilled> unkilled_;                 // in state 4, with tasks or without
    std::unordered_set<std::int64_t> with_command_;  // workflows
    std::int64_t failing_ = 0, odd_hosts_ = 0, stuck_ = 0, cleanable_ = 0;
};

}  // namespace

void read_cluster_status(const RunContext& context, const StatusOptions& options) {
    StatusReader(context, options).run();
}

}  // namespace dsfailover
