#include "coordinator/requeue/requeue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "coordinator/asking/holders.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/chunk_size.h"
#include "coordinator/failover/host_stamps.h"
#include "coordinator/failover/recovery_watch.h"
#include "coordinator/failover/selection.h"
#include "coordinator/report_names.h"
#include "coordinator/requeue/command_exchange.h"
#include "coordinator/requeue/queue_watch.h"
#include "coordinator/requeue/requeue_record.h"
#include "coordinator/requeue/requeue_selection.h"
#include "coordinator/retried_transaction.h"
#include "coordinator/run_claim.h"
#include "registry/living_servers.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::int64_t kCommandsAtOnce = 1000;
constexpr int kLooks = 3;  // while commands are watched
constexpr int kMostExchanges = 20;
constexpr Millis kShortestPause{2'000};
constexpr Millis kLongestPause{5'000};

/// One run.
class Requeue {
  public:
    Requeue(const RunContext& context, const RequeueOptions& options)
        : context_(context),
          options_(options),
          workflows_(context.store()),
          commands_(context.store()),
          record_(context, options.items),
          selection_(context, options, record_),
          stamps_(context),
          holders_(context, options.ask, servers_) {}

    void run() {
        try {
            work();
        } catch (...) {
            record_.list(false);
            throw;
        }
        record_.say_why_left(options_.ids);
        record_.list(options_.dry_run);
    }

  private:
    void work() {
        servers_ = read_servers(context_.registry, true);
        check_clocks(context_, servers_);
        check_zone(context_, servers_, read_activity(context_));
        if (options_.dry_run)
            select();
        else
            claims_ = claim_selected(context_, options_.lock_timeout, [&] { return select(); });
        selection_.tell();
        selection_.leave_out_hopeless();
        record_.limit(static_cast<std::size_t>(
            options_.limit.value_or(options_.commands ? kCommandsAtOnce : INT64_MAX)));
        leave_out_held();
        record_.count_selected();
        selection_.choose_states();
        if (options_.dry_run) return plan();
        give_commands();
        const bool exchanged = exchange_unclaimed();
        if (options_.wait) follow(exchanged);
    }

    // -- which

    /// Returns the hosts of what is selected.
    std::set<std::string> select() {
        selection_.select();
        record_.count_selected();
        std::set<std::string> hosts;
        for (const auto& [id, stuck] : record_.stuck()) hosts.insert(stuck.row.host.value_or(""));
        return hosts;
    }

    // A second command makes what a master holds hang. Asked once: what comes to be held later had
    // its row changed, or its command taken.
    void leave_out_held() {
        const std::vector<std::int64_t> ids = record_.ids();
        if (ids.empty()) return;
        holders_.ask(ids);
        std::vector<std::int64_t> held, unanswered;
        for (const std::int64_t id : ids) {
            const HeldBy by = holders_.of(id);
            if (by.masters > 0) {
                held.push_back(id);
                record_.skip(id, SkipReason::held, by.holder);
                record_.stuck().erase(id);
            } else if (is_unfinished(record_.at(id).row.state) && !by.complete) {
                unanswered.push_back(id);
            }
        }
        record_.leave_out(unanswered, SkipReason::unanswered);
        if (!held.empty())
            context_.fail(ExitCode::needs_person,
                          fmt::format("{} held by a living master, and would hang with a second "
                                      "command; {} not requeued: {}. See explain.",
                                      counted(std::ssize(held), "workflow is", "workflows are"),
                                      held.size() == 1 ? "it was" : "they were", some_ids(held)));
        if (!unanswered.empty())
            context_.fail(
                ExitCode::needs_person,
                fmt::format("A master may be running {}, and not every living master said whether "
                            "it is ({}); {} not requeued: {}.",
                            counted(std::ssize(unanswered), "workflow"), holders_.problems(),
                            unanswered.size() == 1 ? "it was" : "they were", some_ids(unanswered)));
    }

    // -- stamps

    // Those whose host's stamps cannot be read fail.
    void add_stamps_for(std::span<const std::int64_t> ids) {
        std::set<std::string> hosts;
        for (const std::int64_t id : ids) {
            if (record_.at(id).in_failover()) hosts.insert(record_.at(id).row.host.value_or(""));
        }
        if (hosts.empty()) return;
        stamps_.add(hosts, servers_, [&](const std::string& host, const std::string& problem) {
            record_.fail_all_of(host, problem);
        });
    }

    // Of one in state FAILOVER.
    EpochMs restart_time(std::int64_t id) const {
        return stamps_.restart_time(record_.at(id).row.host);
    }

    // -- without a command

    void give_commands() {
        if (record_.without_command().empty()) return;
        add_stamps_for(record_.without_command());
        const std::vector<std::int64_t> ids = record_.without_command();
        for (std::span<const std::int64_t> left(ids); !left.empty();) {
            check_interruption();
            const auto chunk = left.first(std::min(chunk_size_.get(), left.size()));
            left = left.subspan(chunk.size());
            std::string problem;
            in_halves(
                chunk, [&](std::span<const std::int64_t> some) { return give_to(some, problem); },
                [&](std::int64_t id) { record_.fail(id, problem); });
        }
    }

    /// What became of some workflows that are to get a command each, in one try after the other.
    struct Giving {
        std::map<std::int64_t, std::int64_t> given;  ///< workflow -> command
        std::map<std::int64_t, SkipReason> changed;
        std::set<std::int64_t> in_flight;   ///< before the commit under way
        std::set<std::int64_t> uncertain;   ///< before one that had no answer
        std::set<std::int64_t> of_another;  ///< have a command of somebody else
    };

    // False, and why, where one of them may be at fault.
    bool give_to(std::span<const std::int64_t> ids, std::string& problem) {
        context_.audit.check();
        Giving giving;
        try {
            run_retried_transaction(
                context_.database,
                [&] {
                    while (!try_to_give(ids, giving)) {
                    }
                },
                [&] { giving.uncertain = giving.in_flight; });
        } catch (const DatabaseError& error) {
            if (ends_run(error)) throw;
            problem = error.what();
            return false;
        }
        for (const auto& [id, command_id] : giving.given) record_.requeued(id, command_id);
        for (const auto& [id, reason] : giving.changed) record_.drop(id, reason);
        return true;
    }

    // One transaction; false if it has to be done without those that came to be of_another. Rows
    // first, then commands without locks: a master takes both in the other order. The row is
    // written, so that two nodes of one database cannot both commit.
    bool try_to_give(std::span<const std::int64_t> ids, Giving& giving) {
        const EpochMs began = now_ms();
        Transaction transaction(context_.database);
        const std::vector<std::int64_t> open = lock_and_compare(ids, giving);
        if (open.empty()) return true;  // all was committed before, whoever has the claim by now
        const std::vector<FailedOver> inserted = insert_commands(open);
        const auto theirs = selection_.watch().look_locked(commands_, inserted);
        giving.of_another.insert(theirs.begin(), theirs.end());
        if (!theirs.empty()) return false;
        for (const FailedOver& each : inserted) giving.given[each.id] = each.command_id;
        giving.in_flight.insert(open.begin(), open.end());
        claims_.require_held();
        transaction.commit();
        selection_.watch().committed(inserted);
        chunk_size_.learn(open.size(), Millis(now_ms() - began));
        return true;
    }

    // Returns those that are as they were read, and have no command that is known.
    std::vector<std::int64_t> lock_and_compare(std::span<const std::int64_t> ids, Giving& giving) {
        giving.given.clear();
        giving.changed.clear();
        giving.in_flight.clear();
        std::set<std::int64_t> as_read;
        std::vector<std::int64_t> ours, open;
        for (const WorkflowInstance& row : workflows_.by_ids(ids, true)) {
            if (is_as_read(row, record_.at(row.id).row)) as_read.insert(row.id);
            const bool stamped = row.restart_time && row.restart_time->was_written_as(
                                                         restart_time(row.id), context_.zone);
            if (stamped && giving.uncertain.contains(row.id)) ours.push_back(row.id);
        }
        for (const std::int64_t id : ours) giving.given[id] = 0;
        for (const WaitingCommand& command : commands_.for_workflows(ours))
            giving.given[command.workflow_instance_id] = command.id;
        for (const std::int64_t id : ids) {
            if (giving.given.contains(id)) continue;
            if (!as_read.contains(id))
                giving.changed[id] = SkipReason::state_changed;
            else if (giving.of_another.contains(id))
                giving.changed[id] = SkipReason::command_pending;
            else
                open.push_back(id);
        }
        return open;
    }

    std::vector<FailedOver> insert_commands(std::span<const std::int64_t> ids) {
        std::map<int, std::vector<std::int64_t>> by_state;
        std::map<EpochMs, std::vector<std::int64_t>> by_restart_time;
        for (const std::int64_t id : ids) {
            by_state[record_.at(id).state].push_back(id);
            by_restart_time[restart_time(id)].push_back(id);
        }
        std::vector<FailedOver> inserted;
        for (const auto& [state, those] : by_state) {
            const auto added = commands_.insert_recovery_command(those, state);
            inserted.insert(inserted.end(), added.begin(), added.end());
        }
        for (const auto& [time, those] : by_restart_time) workflows_.set_restart_time(those, time);
        return inserted;
    }

    // -- with a command that no master takes

    bool exchange_unclaimed() {
        if (record_.unclaimed().empty()) return false;
        if (!a_master_takes_commands()) return false;
        log_info("watching for {} whether masters take the commands of {}",
                 format_duration(options_.watch),
                 counted(std::ssize(record_.unclaimed()), "workflow"));
        QueueWatch queue;
        queue.look(commands_);
        for (int looks = 0; looks < kLooks; ++looks) {
            wait_for(options_.watch / kLooks);
            read_patiently(context_.database, [&] { queue.look(commands_); });
        }
        leave_out_taken(queue);
        servers_ = read_servers(context_.registry, true);
        if (record_.unclaimed().empty() || !a_master_takes_commands()) return false;
        exchange_all(record_.unclaimed());
        return true;
    }

    // Those that were taken, and those whose turn comes.
    void leave_out_taken(const QueueWatch& queue) {
        const auto ids = record_.unclaimed();
        const auto found = commands_.still_waiting(record_.command_ids(ids));
        const std::set<std::int64_t> waiting(found.begin(), found.end());
        std::int64_t queued = 0;
        for (const std::int64_t id : ids) {
            const WaitingCommand& command = record_.at(id).command;
            if (!waiting.contains(command.id)) {
                record_.drop(id, SkipReason::taken);
            } else if (!queue.nobody_takes(command)) {
                record_.drop(id, SkipReason::command_pending);
                ++queued;
            }
        }
        if (queued > 0)
            context_.warn(
                queued == 1
                    ? "The command of 1 workflow waits for its turn: masters took others, and "
                      "none that comes after it."
                    : fmt::format("The commands of {} workflows wait for their turn: masters "
                                  "took others, and none that comes after these.",
                                  queued));
    }

    bool a_master_takes_commands() {
        const auto normal =
            std::any_of(servers_.masters.begin(), servers_.masters.end(),
                        [](const Server& master) { return master.server_status == "NORMAL"; });
        if (normal) return true;
        const std::int64_t count = std::ssize(record_.unclaimed());
        const std::string_view them = count == 1 ? "it" : "them";
        context_.fail(
            ExitCode::needs_person,
            fmt::format(
                "{}: the {} not exchanged, because nobody would take {}. {}",
                servers_.masters.empty() ? "No master lives" : "Only masters that are BUSY live",
                counted(count, "command that waits was", "commands that wait were"), them,
                servers_.masters.empty()
                    ? any_in_doubt(context_, servers_)
                          ? "Workflows are in doubt or running elsewhere (see status): settle "
                            "those first, a master that starts now would fail them over again."
                          : fmt::format("A master that starts takes {}.", them)
                    : "Wait until a master is NORMAL again (see status), then run requeue "
                      "again."));
        return false;
    }

    void exchange_all(const std::vector<std::int64_t>& ids) {
        add_stamps_for(ids);
        for (const std::int64_t id : ids) {
            check_interruption();
            context_.audit.check();
            StuckInstance& stuck = record_.at(id);
            if (stuck.outcome == WorkflowOutcome::failed) continue;
            const ExchangeResult result = exchange_command(
                context_,
                {stuck.command.id, stuck.row,
                 stuck.in_failover() ? std::optional(restart_time(id)) : std::nullopt,
                 selection_.looked_up_to()},
                [&] { claims_.require_held(); });
            const bool first = stuck.outcome == WorkflowOutcome::left;
            switch (result.kind) {
                case ExchangeResult::Kind::exchanged:
                    stuck.reason = "unclaimed";
                    record_.requeued(id, result.command_id);
                    break;
                case ExchangeResult::Kind::taken:
                    if (first) record_.drop(id, SkipReason::taken);
                    break;
                case ExchangeResult::Kind::unknown:
                    if (first) record_.drop_unknown(id);
                    break;
                case ExchangeResult::Kind::state_changed:
                    if (first) record_.drop(id, SkipReason::state_changed);
                    break;
                case ExchangeResult::Kind::several:
                    if (first) record_.drop(id, SkipReason::several_commands);
                    break;
                case ExchangeResult::Kind::failed:
                    if (first) record_.fail(id, result.problem);
                    break;
            }
        }
    }

    // -- --wait

    void follow(bool exchange) {
        const EpochMs until = now_ms() + options_.wait->count();
        const auto done = [&] {
            std::vector<FailedOver> all;
            for (const auto& [id, stuck] : record_.stuck()) {
                if (stuck.outcome == WorkflowOutcome::requeued && stuck.command.id != 0)
                    all.push_back({id, stuck.command.id});
            }
            return all;
        };
        context_.report.recovery = RecoveryInfo{0, static_cast<std::int64_t>(done().size()), 0};
        if (exchange) exchange_until_taken(until);
        claims_.release();  // from here on we only look
        const auto problems = watch_recovery(context_, {done(), {}}, until, nullptr, false,
                                             *context_.report.recovery);
        report_recovery(context_, *context_.report.recovery, problems, std::nullopt);
    }

    void exchange_until_taken(EpochMs until) {
        const Millis pause =
            std::clamp(*options_.wait / kMostExchanges, kShortestPause, kLongestPause);
        for (int exchanges = 1; exchanges < kMostExchanges; ++exchanges) {
            const EpochMs now = now_ms();
            if (now + pause.count() >= until) return;
            const EpochMs next = now + pause.count();
            QueueWatch queue;
            queue.look(commands_);
            std::vector<std::int64_t> left;
            do {
                wait_for(std::min(Millis(500), pause));
                left = still_untaken();
            } while (!left.empty() && now_ms() < next);
            if (left.empty()) return;
            queue.look(commands_);
            std::erase_if(
                left, [&](std::int64_t id) { return !queue.nobody_takes(record_.at(id).command); });
            if (left.empty()) continue;
            servers_ = read_servers(context_.registry, false);
            if (!a_master_takes_commands()) return;
            log_info("{} not taken; exchanging again",
                     counted(std::ssize(left), "command was", "commands were"));
            exchange_all(left);
        }
    }

    std::vector<std::int64_t> still_untaken() {
        std::vector<std::int64_t> ids;
        for (const std::int64_t id : record_.unclaimed()) {
            if (record_.at(id).outcome == WorkflowOutcome::requeued) ids.push_back(id);
        }
        const auto found = read_patiently(
            context_.database, [&] { return commands_.still_waiting(record_.command_ids(ids)); });
        const std::set<std::int64_t> waiting(found.begin(), found.end());
        std::erase_if(
            ids, [&](std::int64_t id) { return !waiting.contains(record_.at(id).command.id); });
        return ids;
    }

    void plan() {
        record_.plan();
        if (!record_.unclaimed().empty()) a_master_takes_commands();
    }

    const RunContext& context_;
    const RequeueOptions& options_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    RequeueRecord record_;
    RequeueSelection selection_;
    HostStamps stamps_;
    Servers servers_;
    Holders holders_;
    ChunkSize chunk_size_;
    RunClaims claims_;
};

}  // namespace

void requeue_workflows(const RunContext& context, const RequeueOptions& options) {
    Requeue(context, options).run();
}

}  // namespace dsfailover
