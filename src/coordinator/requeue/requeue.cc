#include "coordinator/requeue/requeue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "coordinator/asking/holders.h"
#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/chunk_size.h"
#include "coordinator/failover/host_stamps.h"
#include "coordinator/failover/parallel_failover.h"
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
            record_.say_why_left(options_.ids);
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
            claims_ = claim_selected(context_, options_.lock_timeout, [&, first = true]() mutable {
                return std::exchange(first, false) ? first_look() : select();
            });
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

    // What to claim before anything is selected.
    std::set<std::string> first_look() {
        if (options_.commands || !options_.ids.empty()) return select();
        const std::vector<std::string> hosts = workflows_.hosts_without_command();
        return hosts.empty() ? select() : std::set<std::string>(hosts.begin(), hosts.end());
    }

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

    /// Those of one restart_time that go back to one state, in ascending order.
    using Groups = std::map<std::pair<EpochMs, int>, std::deque<std::int64_t>>;

    void give_commands() {
        if (record_.without_command().empty()) return;
        add_stamps_for(record_.without_command());
        Groups left;
        for (const std::int64_t id : record_.without_command())
            left[{restart_time(id), record_.at(id).state}].push_back(id);
        try {
            ParallelFailover(context_).run([&] { return next_chunk(left); }, false);
        } catch (...) {
            take_over_lost();
            throw;
        }
        take_over_lost();
    }

    std::optional<FailoverChunk> next_chunk(Groups& left) {
        take_over_lost();
        if (left.empty()) return std::nullopt;
        context_.audit.check();
        const auto group = left.begin();
        const auto [stamp, state] = group->first;
        FailoverChunk chunk;
        for (auto& ids = group->second; !ids.empty() && chunk.instances.size() < chunk_size_.get();
             ids.pop_front())
            chunk.instances.push_back(record_.at(ids.front()).row);
        if (group->second.empty()) left.erase(group);
        chunk.values = {stamp, "", state};
        chunk.watch = &selection_.watch();
        chunk.confirm = [this] { claims_.require_held(); };
        chunk.held = [this](std::size_t rows, Millis held) { chunk_size_.learn(rows, held); };
        chunk.done = [this](const WorkflowFailoverResult& result) { take_over(result); };
        chunk.failed = [](const std::exception_ptr& problem) { std::rethrow_exception(problem); };
        return chunk;
    }

    void take_over(const WorkflowFailoverResult& result) {
        using Kind = WorkflowFailoverResult::Kind;
        switch (result.kind) {
            case Kind::failed_over:
                if (result.command_id == 0)
                    lost_.push_back(result.id);
                else
                    record_.requeued(result.id, result.command_id);
                break;
            case Kind::command_pending:
                record_.drop(result.id, SkipReason::command_pending);
                break;
            case Kind::unknown:
                record_.unknown(result.id, result.problem);
                break;
            case Kind::failed:
                record_.fail(result.id, result.problem);
                break;
            case Kind::state_changed:
            case Kind::child_running:
            case Kind::held:
            case Kind::unanswered:
                record_.drop(result.id, SkipReason::state_changed);
                break;
        }
    }

    // Their commit had no answer. A command that a master took already keeps the id 0.
    void take_over_lost() {
        if (lost_.empty()) return;
        std::map<std::int64_t, std::int64_t> ids;
        try {
            for (const WaitingCommand& command : commands_.for_workflows(lost_))
                ids[command.workflow_instance_id] = command.id;
        } catch (const DatabaseError& error) {
            log_warn("the ids of {} are not known: {}", counted(std::ssize(lost_), "command"),
                     error.what());
        }
        for (const std::int64_t id : std::exchange(lost_, {})) record_.requeued(id, ids[id]);
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
        claims_.release();  // rehosting takes its own
        std::optional<WorkflowInquiry> inquiry;
        if (context_.servers != nullptr) inquiry.emplace(context_, options_.ask);
        const auto problems =
            watch_recovery(context_, {done(), {}}, until, inquiry ? &*inquiry : nullptr,
                           options_.rehost, *context_.report.recovery);
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
    std::vector<std::int64_t> lost_;  // requeued by commands whose ids are to be found
    RunClaims claims_;
};

}  // namespace

void requeue_workflows(const RunContext& context, const RequeueOptions& options) {
    Requeue(context, options).run();
}

}  // namespace dsfailover
