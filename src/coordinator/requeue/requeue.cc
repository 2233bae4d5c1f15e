#include "coordinator/requeue/requeue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/address.h"
#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/cluster_check.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/failover/recovery_watch.h"
#include "coordinator/failover/selection.h"
#include "coordinator/requeue/command_exchange.h"
#include "coordinator/requeue/stuck_workflows.h"
#include "coordinator/retried_transaction.h"
#include "coordinator/run_claim.h"
#include "registry/cluster.h"
#include "registry/paths.h"
#include "store/batches.h"
#include "store/command_param.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

constexpr std::size_t kChunk = 500;
constexpr Millis kSecondLook{15'000};
constexpr int kMostExchanges = 20;
constexpr Millis kShortestPause{2'000};
constexpr Millis kLongestPause{5'000};
constexpr std::size_t kIdsShown = 10;
constexpr int kStampConflicts = 10;

std::string some_ids(const std::vector<std::int64_t>& ids) {
    const auto shown = std::span(ids).first(std::min(ids.size(), kIdsShown));
    return fmt::format("{}{}", fmt::join(shown, ", "), shown.size() < ids.size() ? ", ..." : "");
}

/// One run.
class Requeue {
  public:
    Requeue(const RunContext& context, const RequeueOptions& options)
        : context_(context),
          options_(options),
          workflows_(context.store()),
          commands_(context.store()),
          section_(context.report.requeue.emplace(options.items)) {}

    void run() {
        try {
            work();
        } catch (...) {
            list_items();
            try {
                add_names();
            } catch (const std::exception& error) {
                spdlog::debug("the names are left out: {}", error.what());
            }
            throw;
        }
        list_items();
        add_names();
        if (options_.dry_run) section_.left = 0;
    }

  private:
    enum class Kind { no_command, unclaimed };
    struct Stuck {
        Kind kind = Kind::no_command;
        std::int64_t command_id = 0;  // the one that nobody takes; then the new one
        WorkflowInstance row;         // as read
        int state = 0;                // to go back to
        WorkflowOutcome outcome = WorkflowOutcome::left;
        std::string reason;
    };

    void work() {
        servers_ = read_servers(context_.registry, true);
        check_clocks(context_, servers_);
        check_zone(context_, servers_);
        select_and_claim();
        report_selection();
        leave_out_duplicates();
        apply_limit();
        section_.selected = static_cast<std::int64_t>(stuck_.size());
        section_.left = section_.selected;
        choose_states();
        if (options_.dry_run) return plan();
        give_commands();
        const bool exchanged = exchange_unclaimed();
        if (options_.wait) follow(exchanged);
    }

    // -- which

    // What other runs did until we had the claims must be seen.
    void select_and_claim() {
        const EpochMs until = now_ms() + options_.lock_timeout.count();
        std::set<std::string> claimed;
        for (;;) {
            select();
            std::set<std::string> hosts;
            for (const auto& [id, one] : stuck_) hosts.insert(one.row.host.value_or(""));
            if (options_.dry_run ||
                std::includes(claimed.begin(), claimed.end(), hosts.begin(), hosts.end()))
                return;
            section_.selected = section_.left = std::ssize(stuck_);
            claims_.release();  // they are taken in order
            claimed.merge(hosts);
            const Millis left(std::max<EpochMs>(0, until - now_ms()));
            claims_ = take_run_claims(context_, claimed, left, [] {});
        }
    }

    void select() {
        stuck_.clear();
        items_.clear();
        unknown_.clear();
        with_several_.clear();
        section_.skipped.clear();
        std::vector<std::int64_t> ids;
        if (options_.ids.empty()) {
            constexpr int kStates[] = {kFailover};
            workflows_.scan_states(
                kStates, [&](const WorkflowInstance& instance) { ids.push_back(instance.id); });
            std::sort(ids.begin(), ids.end());
        } else {
            ids = find_named();
        }
        const EpochMs clock = context_.database.clock_ms();
        std::unordered_map<std::int64_t, std::vector<WaitingCommand>> waiting;
        for (WaitingCommand& command : commands_.for_workflows(ids)) {
            waiting[command.workflow_instance_id].push_back(command);
        }
        std::vector<std::int64_t> without;
        for (const std::int64_t id : ids) {
            const auto its = waiting.find(id);
            if (its == waiting.end()) {
                without.push_back(id);
            } else if (its->second.size() > 1) {
                with_several_.push_back(id);
                skip(id, SkipReason::several_commands);
            } else if (is_unclaimed(its->second.front(), options_.unclaimed_after, clock)) {
                stuck_[id] = {Kind::unclaimed, its->second.front().id, {}, 0, WorkflowOutcome::left,
                              "unclaimed"};
            } else {
                skip(id, SkipReason::command_pending);
            }
        }
        // Instances and commands were not read at one moment.
        for (const std::int64_t id : workflows_.in_failover_without_command(without)) {
            stuck_[id] = {Kind::no_command, 0, {}, 0, WorkflowOutcome::left, "no_command"};
        }
        for (const std::int64_t id : without) {
            if (!stuck_.contains(id)) skip(id, SkipReason::state_changed);
        }
        read_rows();
    }

    void read_rows() {
        for (WorkflowInstance& row : workflows_.by_ids(ids_of(stuck_), false))
            stuck_.at(row.id).row = std::move(row);
        std::erase_if(stuck_, [&](const auto& one) {
            const bool changed = one.second.row.state != kFailover;
            if (changed) skip(one.first, SkipReason::state_changed);
            return changed;
        });
    }

    void report_selection() {
        for (const std::int64_t id : unknown_) {
            context_.fail(ExitCode::needs_person,
                          fmt::format("There is no workflow instance {} in {}.", id,
                                      context_.database.endpoint()));
        }
        if (with_several_.empty()) return;
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} workflows have more than one command in t_ds_command: the master "
                        "that takes a second one hangs, and the workflow with it. Delete all "
                        "but one of each before a master takes them. They are {}.",
                        with_several_.size(), some_ids(with_several_)));
    }

    std::vector<std::int64_t> find_named() {
        unknown_.insert(options_.ids.begin(), options_.ids.end());
        std::vector<std::int64_t> ids;
        const std::vector<std::int64_t> named(unknown_.begin(), unknown_.end());
        for (const WorkflowInstance& instance : workflows_.by_ids(named, false)) {
            unknown_.erase(instance.id);
            if (instance.state == kFailover) {
                ids.push_back(instance.id);
            } else {
                skip(instance.id, SkipReason::not_in_failover);
            }
        }
        for (const std::int64_t id : unknown_) skip(id, SkipReason::unknown);
        return ids;
    }

    void leave_out_duplicates() {
        auto found = TaskInstanceStore(context_.store()).with_duplicate_tasks(ids_of(stuck_));
        if (found.empty()) return;
        std::sort(found.begin(), found.end());
        for (const std::int64_t id : found) {
            stuck_.erase(id);
            skip(id, SkipReason::duplicate_tasks);
        }
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} workflows have two valid rows (flag 1) of one task name, with which "
                        "recovery fails; they were not requeued: {}. Set flag to 0 in the row of "
                        "each pair in t_ds_task_instance that must not count, then requeue them.",
                        found.size(), some_ids(found)));
    }

    void apply_limit() {
        const auto limit = static_cast<std::size_t>(options_.limit.value_or(INT64_MAX));
        if (stuck_.size() <= limit) return;
        context_.fail(ExitCode::needs_person,
                      fmt::format("--limit: {} of {} workflows are left for another run.",
                                  stuck_.size() - limit, stuck_.size()));
        auto first = stuck_.begin();
        std::advance(first, static_cast<std::ptrdiff_t>(limit));
        for (auto left = first; left != stuck_.end(); ++left) {
            ++over_limit_;
            items_[left->first] = {WorkflowOutcome::left, "limit", 0};
        }
        stuck_.erase(first, stuck_.end());
    }

    void choose_states() {
        const std::vector<std::int64_t> ids = without_command();
        const auto lost = commands_.last_failed(ids);
        const auto signs = TaskInstanceStore(context_.store()).stop_signs(ids);
        std::vector<std::int64_t> guessed, overruled;
        for (const std::int64_t id : ids) {
            Stuck& one = stuck_.at(id);
            const auto command = lost.find(id);
            const auto sign = signs.find(id);
            const auto told = command == lost.end()
                                  ? std::nullopt
                                  : state_of_command_param(command->second.command_param);
            if (told) {
                set_state(one, *told, "as the lost command says");
                if (options_.as && *options_.as != *told) overruled.push_back(id);
            } else if (options_.as) {
                set_state(one, *options_.as, "as --as says");
            } else if (sign != signs.end() && sign->second.killed) {
                set_state(one, kReadyStop, "because a task of it was killed");
            } else if (sign != signs.end() && sign->second.paused) {
                set_state(one, kReadyPause, "because a task of it was paused");
            } else {
                set_state(one, kRunning, "because nothing tells another state");
                guessed.push_back(id);
            }
        }
        if (!overruled.empty()) {
            context_.warn(fmt::format(
                "--as was not used for {} workflows, whose lost command says another state: {}.",
                overruled.size(), some_ids(overruled)));
        }
        if (guessed.empty()) return;
        context_.warn(fmt::format(
            "Nothing tells in which state {} workflows were (no lost command, no task killed or "
            "paused): {} is taken, which goes on with workflows that were to be "
            "stopped or paused; --as says otherwise. They are {}.",
            guessed.size(), workflow_state_name(kRunning), some_ids(guessed)));
    }

    static void set_state(Stuck& one, int state, std::string_view why) {
        one.state = state;
        one.reason = fmt::format("no_command: back to {} {}", workflow_state_name(state), why);
    }

    // -- stamps

    // Puts a stamp for the host of each of these workflows into the registry. Those whose host's
    // stamps cannot be read fail.
    void add_stamps_for(const std::vector<std::int64_t>& ids) {
        std::set<std::string> left;
        for (const std::int64_t id : ids) {
            const std::optional<std::string>& host = stuck_.at(id).row.host;
            if (host && is_address(*host) && !stamps_.contains(*host)) left.insert(*host);
        }
        if (no_stamp_ == 0)
            no_stamp_ =
                round_up(latest_clock(context_.database), context_.schema.time_precision_us);
        for (int tries = 0; !left.empty(); ++tries) {
            if (tries == kStampConflicts) {
                throw LockError(fmt::format(
                    "{}: {} is being changed by other runs all the time. Run the command again "
                    "when they are done.",
                    context_.registry.endpoint(), stamps_path(*left.begin())));
            }
            try_to_add_stamps(left);
        }
    }

    void try_to_add_stamps(std::set<std::string>& left) {
        const auto read = read_all_stamps(context_.registry, {left.begin(), left.end()});
        const EpochMs clock = latest_clock(context_.database);
        std::vector<StampToAdd> adding;
        for (const auto& [host, stamps] : read) {
            if (!stamps.problem.empty()) {
                fail_all_of(host, stamps.problem);
                left.erase(host);
                continue;
            }
            adding.push_back({host, &stamps, next_stamp(context_, stamps, clock, servers_)});
        }
        const std::vector<bool> added = add_stamps(context_, adding, clock);
        for (std::size_t i = 0; i < added.size(); ++i) {
            if (!added[i]) continue;
            const auto& [host, stamps, stamp] = adding[i];
            stamps_[host] = stamp.value;
            left.erase(host);
        }
    }

    void fail_all_of(const std::string& host, const std::string& problem) {
        for (auto& [id, one] : stuck_) {
            if (one.row.host != host || one.outcome == WorkflowOutcome::failed) continue;
            one.outcome = WorkflowOutcome::failed;
            one.reason = problem;
        }
        context_.fail(ExitCode::failed, problem);
    }

    // The restart_time that a workflow gets, so that its row is written: its host's stamp, where
    // there can be one.
    EpochMs restart_time(std::int64_t id) const {
        const auto stamp = stamps_.find(stuck_.at(id).row.host.value_or(""));
        return stamp == stamps_.end() ? no_stamp_ : stamp->second;
    }

    // -- without a command

    void give_commands() {
        if (without_command().empty()) return;
        add_stamps_for(without_command());
        const std::vector<std::int64_t> ids = without_command();
        for_batches<std::int64_t>(ids, kChunk, [&](std::span<const std::int64_t> chunk) {
            check_interruption();
            std::string problem;
            in_halves(
                chunk, [&](std::span<const std::int64_t> some) { return give_to(some, problem); },
                [&](std::int64_t id) { fail(id, problem); });
        });
    }

    // False, and why, where one of them may be at fault.
    bool give_to(std::span<const std::int64_t> ids, std::string& problem) {
        context_.audit.check();
        std::map<std::int64_t, std::int64_t> given;  // workflow -> command
        std::map<std::int64_t, SkipReason> changed;
        std::set<std::int64_t> in_flight, uncertain;
        try {
            run_retried_transaction(
                context_.database, [&] { try_to_give(ids, uncertain, given, changed, in_flight); },
                [&] { uncertain = in_flight; });
        } catch (const DatabaseError& error) {
            if (ends_run(error)) throw;
            problem = error.what();
            return false;
        }
        for (const auto& [id, command_id] : given) requeued(id, command_id);
        for (const auto& [id, reason] : changed) drop(id, reason);
        return true;
    }

    // One transaction. Rows first, then commands without locks: a master takes both in the other
    // order. The row is written, so that two nodes of one database cannot both commit.
    void try_to_give(std::span<const std::int64_t> ids, const std::set<std::int64_t>& uncertain,
                     std::map<std::int64_t, std::int64_t>& given,
                     std::map<std::int64_t, SkipReason>& changed,
                     std::set<std::int64_t>& in_flight) {
        given.clear();
        changed.clear();
        in_flight.clear();
        Transaction transaction(context_.database);
        std::set<std::int64_t> as_read, ours;
        for (const WorkflowInstance& row : workflows_.by_ids(ids, true)) {
            if (is_as_read(row, stuck_.at(row.id).row)) as_read.insert(row.id);
            const bool stamped = row.restart_time && row.restart_time->was_written_as(
                                                         restart_time(row.id), context_.zone);
            if (stamped && uncertain.contains(row.id)) ours.insert(row.id);
        }
        std::map<std::int64_t, std::int64_t> standing;
        for (const WaitingCommand& command : commands_.for_workflows(ids)) {
            standing[command.workflow_instance_id] = command.id;
        }
        std::map<int, std::vector<std::int64_t>> by_state;
        std::map<EpochMs, std::vector<std::int64_t>> by_restart_time;
        for (const std::int64_t id : ids) {
            const auto command = standing.find(id);
            if (ours.contains(id)) {
                given[id] = command == standing.end() ? 0 : command->second;
            } else if (!as_read.contains(id)) {
                changed[id] = SkipReason::state_changed;
            } else if (command != standing.end()) {
                changed[id] = SkipReason::command_pending;
            } else {
                by_state[stuck_.at(id).state].push_back(id);
                by_restart_time[restart_time(id)].push_back(id);
                in_flight.insert(id);
            }
        }
        for (const auto& [state, those] : by_state) {
            for (const FailedOver& one : commands_.insert_recovery_command(those, state)) {
                given[one.id] = one.command_id;
            }
        }
        for (const auto& [time, those] : by_restart_time) workflows_.set_restart_time(those, time);
        claims_.require_held();
        transaction.commit();
    }

    // -- with a command that nobody takes

    bool exchange_unclaimed() {
        if (of_kind(Kind::unclaimed).empty()) return false;
        if (!a_master_takes_commands()) return false;
        spdlog::info("watching for {} whether masters take the commands of {} workflows",
                     format_duration(kSecondLook), of_kind(Kind::unclaimed).size());
        wait_for(kSecondLook);
        const auto ids = of_kind(Kind::unclaimed);
        std::set<std::int64_t> waiting;
        for (const std::int64_t id : commands_.still_waiting(command_ids(ids))) waiting.insert(id);
        for (const std::int64_t id : ids) {
            if (!waiting.contains(stuck_.at(id).command_id)) drop(id, SkipReason::taken);
        }
        servers_ = read_servers(context_.registry, true);
        if (waiting.empty() || !a_master_takes_commands()) return false;
        exchange_all(of_kind(Kind::unclaimed));
        return true;
    }

    bool a_master_takes_commands() {
        const auto normal =
            std::any_of(servers_.masters.begin(), servers_.masters.end(),
                        [](const Server& master) { return master.server_status == "NORMAL"; });
        if (normal) return true;
        context_.fail(
            ExitCode::needs_person,
            fmt::format(
                "{}: the {} commands that wait were not exchanged, because nobody would "
                "take them. {}",
                servers_.masters.empty() ? "No master lives" : "Only masters that are BUSY live",
                of_kind(Kind::unclaimed).size(),
                servers_.masters.empty()
                    ? any_in_doubt(context_, servers_)
                          ? "Workflows are in doubt or running elsewhere (see status): settle "
                            "those first, a master that starts now would fail them over again."
                          : "A master that starts takes them."
                    : "Wait until a master is NORMAL again (see status), then run requeue "
                      "again."));
        return false;
    }

    void exchange_all(const std::vector<std::int64_t>& ids) {
        add_stamps_for(ids);
        for (const std::int64_t id : ids) {
            check_interruption();
            context_.audit.check();
            Stuck& one = stuck_.at(id);
            if (one.outcome == WorkflowOutcome::failed) continue;
            const ExchangeResult result =
                exchange_command(context_, {one.command_id, one.row, restart_time(id)},
                                 [&] { claims_.require_held(); });
            const bool first = one.outcome == WorkflowOutcome::left;
            switch (result.kind) {
                case ExchangeResult::Kind::exchanged:
                    one.command_id = result.command_id;
                    one.reason = "unclaimed";
                    requeued(id, result.command_id);
                    break;
                case ExchangeResult::Kind::taken:
                    if (first) drop(id, SkipReason::taken);
                    break;
                case ExchangeResult::Kind::state_changed:
                    if (first) drop(id, SkipReason::state_changed);
                    break;
                case ExchangeResult::Kind::several:
                    if (first) drop(id, SkipReason::several_commands);
                    break;
                case ExchangeResult::Kind::failed:
                    if (first) fail(id, result.problem);
                    break;
            }
        }
    }

    // -- --wait

    void follow(bool exchange) {
        const EpochMs until = now_ms() + options_.wait->count();
        const auto done = [&] {
            std::vector<std::int64_t> ids;
            for (const auto& [id, one] : stuck_) {
                if (one.outcome == WorkflowOutcome::requeued && one.command_id != 0)
                    ids.push_back(one.command_id);
            }
            return ids;
        };
        context_.report.recovery = RecoveryInfo{0, static_cast<std::int64_t>(done().size()), 0};
        if (exchange) exchange_until_taken(until);
        claims_.release();  // from here on we only look
        const auto problems = watch_recovery(context_, done(), until, *context_.report.recovery);
        report_recovery(context_, *context_.report.recovery, problems, std::nullopt);
    }

    void exchange_until_taken(EpochMs until) {
        const Millis pause =
            std::clamp(*options_.wait / kMostExchanges, kShortestPause, kLongestPause);
        for (int exchanges = 1; exchanges < kMostExchanges; ++exchanges) {
            const EpochMs now = now_ms();
            if (now + pause.count() >= until) return;
            const EpochMs next = now + pause.count();
            std::vector<std::int64_t> left;
            do {
                wait_for(std::min(Millis(500), pause));
                left = still_untaken();
            } while (!left.empty() && now_ms() < next);
            if (left.empty()) return;
            servers_ = read_servers(context_.registry, false);
            if (!a_master_takes_commands()) return;
            spdlog::info("{} commands were not taken; exchanging them again", left.size());
            exchange_all(left);
        }
    }

    std::vector<std::int64_t> still_untaken() {
        std::vector<std::int64_t> ids;
        for (const std::int64_t id : of_kind(Kind::unclaimed)) {
            if (stuck_.at(id).outcome == WorkflowOutcome::requeued) ids.push_back(id);
        }
        const auto found = read_patiently(
            context_.database, [&] { return commands_.still_waiting(command_ids(ids)); });
        const std::set<std::int64_t> waiting(found.begin(), found.end());
        std::erase_if(ids,
                      [&](std::int64_t id) { return !waiting.contains(stuck_.at(id).command_id); });
        return ids;
    }

    // -- outcomes

    void skip(std::int64_t id, SkipReason reason) {
        ++section_.skipped[reason];
        items_[id] = {WorkflowOutcome::skipped, std::string(to_string(reason)), 0};
    }

    void drop(std::int64_t id, SkipReason reason) {
        skip(id, reason);
        stuck_.erase(id);
        --section_.left;
    }

    void fail(std::int64_t id, const std::string& problem) {
        Stuck& one = stuck_.at(id);
        one.outcome = WorkflowOutcome::failed;
        one.reason = problem;
        context_.fail(ExitCode::needs_person,
                      fmt::format("Workflow instance {} could not be requeued: {}", id, problem));
    }

    void requeued(std::int64_t id, std::int64_t command_id) {
        Stuck& one = stuck_.at(id);
        one.command_id = command_id;
        if (one.outcome != WorkflowOutcome::requeued) {
            one.outcome = WorkflowOutcome::requeued;
            ++section_.done;
            --section_.left;
        }
        const auto known = command_id == 0 ? std::nullopt : std::optional(command_id);
        context_.audit.write(
            {"workflow", "requeued", "", id, known, "",
             one.state == 0 ? std::string_view("unclaimed") : workflow_state_name(one.state)});
    }

    void plan() {
        for (auto& [id, one] : stuck_) one.outcome = WorkflowOutcome::planned;
        if (!of_kind(Kind::unclaimed).empty()) a_master_takes_commands();
    }

    void list_items() {
        section_.selected += over_limit_;
        section_.left += over_limit_;
        for (const auto& [id, one] : stuck_) items_[id] = {one.outcome, one.reason, one.command_id};
        for (const auto& [id, known] : items_) {
            WorkflowItem item;
            item.id = id;
            if (stuck_.contains(id)) item.previous_state = workflow_state_name(kFailover);
            item.outcome = known.outcome;
            item.reason = known.reason;
            if (known.command_id != 0) item.command_id = known.command_id;
            section_.items.add(std::move(item));
        }
    }

    void add_names() {
        std::vector<WorkflowItem>& items = section_.items.kept();
        std::vector<std::int64_t> ids;
        for (const WorkflowItem& item : items) ids.push_back(item.id);
        const auto names = workflows_.names(ids);
        for (std::size_t i = 0; i < items.size(); ++i) items[i].name = names[i];
    }

    std::vector<std::int64_t> of_kind(Kind kind) const {
        std::vector<std::int64_t> ids;
        for (const auto& [id, one] : stuck_) {
            if (one.kind == kind && one.outcome != WorkflowOutcome::failed) ids.push_back(id);
        }
        return ids;
    }
    std::vector<std::int64_t> without_command() const { return of_kind(Kind::no_command); }

    std::vector<std::int64_t> command_ids(const std::vector<std::int64_t>& ids) const {
        std::vector<std::int64_t> found;
        for (const std::int64_t id : ids) found.push_back(stuck_.at(id).command_id);
        return found;
    }

    static std::vector<std::int64_t> ids_of(const std::map<std::int64_t, Stuck>& stuck) {
        std::vector<std::int64_t> ids;
        for (const auto& [id, one] : stuck) ids.push_back(id);
        return ids;
    }

    struct Known {
        WorkflowOutcome outcome = WorkflowOutcome::skipped;
        std::string reason;
        std::int64_t command_id = 0;
    };

    const RunContext& context_;
    const RequeueOptions& options_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    WorkflowsSection& section_;
    Servers servers_;
    std::map<std::int64_t, Stuck> stuck_;  // by workflow instance
    std::map<std::int64_t, Known> items_;  // those not, or no longer, in stuck_
    std::set<std::int64_t> unknown_;       // ids given that are of no instance
    std::vector<std::int64_t> with_several_;
    RunClaims claims_;
    std::map<std::string, EpochMs> stamps_;  // of this run, by host
    EpochMs no_stamp_ = 0;                   // restart_time where the host is no address
    std::int64_t over_limit_ = 0;
};

}  // namespace

void requeue_workflows(const RunContext& context, const RequeueOptions& options) {
    Requeue(context, options).run();
}

}  // namespace dsfailover
