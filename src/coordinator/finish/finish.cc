#include "coordinator/finish/finish.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/asking/holders.h"
#include "coordinator/asking/worker_round.h"
#include "coordinator/clock_check.h"
#include "coordinator/finish/family.h"
#include "coordinator/finish/finish_record.h"
#include "coordinator/finish/finish_refusal.h"
#include "coordinator/finish/finish_verdict.h"
#include "coordinator/finish/workflow_finish.h"
#include "coordinator/run_claim.h"
#include "registry/living_servers.h"
#include "store/command_store.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

constexpr Millis kIdle = std::chrono::minutes(15);
constexpr Millis kIdleAtLivingHost = std::chrono::hours(1);

/// A workflow instance with what was found out about it.
struct Candidate {
    FinishTarget target;
    FinishFacts facts;
    std::vector<std::int64_t> children;  // unfinished
};

/// One run.
class Finish {
  public:
    Finish(const RunContext& context, const FinishOptions& options)
        : context_(context),
          options_(options),
          workflows_(context.store()),
          commands_(context.store()),
          tasks_(context.store()),
          record_(context, options),
          servers_(read_servers(context.registry, true)),
          holders_(context, options.ask, servers_) {}

    void run() {
        try {
            work();
        } catch (...) {
            record_.list();
            throw;
        }
        record_.list();
    }

  private:
    void work() {
        check_clocks(context_, servers_);
        check_zone(context_, servers_, read_activity(context_));
        if (options_.dry_run)
            select();
        else
            claims_ = claim_selected(context_, options_.lock_timeout, [&] { return select(); });
        if (candidates_.empty()) return;
        ask_masters();
        look_at_tasks();
        for (const std::int64_t id : children_first(context_, ids())) finish(id);
    }

    std::vector<std::int64_t> ids() const {
        std::vector<std::int64_t> all;
        for (const auto& [id, candidate] : candidates_) all.push_back(id);
        return all;
    }

    // -- which

    /// Returns the hosts of what is selected.
    std::set<std::string> select() {
        record_.forget();
        candidates_.clear();
        std::set<std::int64_t> unknown(options_.ids.begin(), options_.ids.end());
        const std::vector<std::int64_t> named(unknown.begin(), unknown.end());
        for (WorkflowInstance& row : workflows_.by_ids(named, false)) {
            unknown.erase(row.id);
            record_.item(row.id).previous_state = workflow_state_name(row.state);
            if (has_not_ended(row.state))
                candidates_[row.id].target.row = std::move(row);
            else
                record_.skip(row.id, SkipReason::not_unfinished);
        }
        for (const std::int64_t id : unknown) record_.skip(id, SkipReason::unknown);
        for (auto& [id, commands] : waiting_commands())
            candidates_.at(id).target.commands = std::move(commands);
        std::set<std::string> hosts;
        for (const auto& [id, candidate] : candidates_)
            hosts.insert(candidate.target.row.host.value_or(""));
        return hosts;
    }

    // In ascending order, by workflow.
    std::map<std::int64_t, std::vector<std::int64_t>> waiting_commands() {
        std::map<std::int64_t, std::vector<std::int64_t>> waiting;
        for (const WaitingCommand& command : commands_.for_workflows(ids()))
            waiting[command.workflow_instance_id].push_back(command.id);
        for (auto& [id, commands] : waiting) std::sort(commands.begin(), commands.end());
        return waiting;
    }

    // -- whether a master holds them

    void ask_masters() {
        holders_.ask(ids());
        if (options_.dry_run || !any_may_be_on_its_way()) return;
        log_info("asking the masters again in {}", format_duration(options_.ask.apart));
        wait_for(options_.ask.apart);
        drop_changed();
        holders_.ask(ids());
    }

    // A master that takes a command holds the workflow a moment after the row says so. In state 18
    // without a command nobody takes one, and one that is there when the rows are locked was not.
    bool any_may_be_on_its_way() const {
        return std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& entry) {
            const FinishTarget& target = entry.second.target;
            return holders_.of(entry.first).answer() == MasterAnswer::not_held &&
                   target.commands.empty() && target.row.state != kFailover;
        });
    }

    void drop_changed() {
        std::map<std::int64_t, WorkflowInstance> rows;
        for (WorkflowInstance& row : workflows_.by_ids(ids(), false)) rows[row.id] = std::move(row);
        auto waiting = waiting_commands();
        std::erase_if(candidates_, [&](const auto& entry) {
            const auto& [id, candidate] = entry;
            const auto row = rows.find(id);
            const bool same = row != rows.end() && is_as_read(row->second, candidate.target.row) &&
                              waiting[id] == candidate.target.commands;
            if (!same) record_.skip(id, SkipReason::state_changed);
            return !same;
        });
    }

    // -- their tasks

    void look_at_tasks() {
        const std::vector<std::int64_t> all = ids();
        const auto tasks = tasks_.unfinished(all, false);
        const WorkerRound round = ask_living_workers(context_, tasks, options_.ask.timeout);
        if (context_.servers != nullptr) context_.report.workers_asked = round.workers;
        for (std::size_t i = 0; i < tasks.size(); ++i) note(tasks[i], round.tasks[i]);
        for (const std::int64_t id : tasks_.with_duplicate_tasks(all))
            candidates_.at(id).facts.duplicate_tasks = true;
        for (auto& [id, candidate] : candidates_) set_end(candidate.target);
    }

    void note(const UnfinishedTask& task, const TaskLife& life) {
        const std::int64_t workflow = task.task.workflow_instance_id;
        Candidate& candidate = candidates_.at(workflow);
        candidate.target.tasks.push_back(task);
        const bool alive = life.answer == Answer::yes;
        if (!alive && (life.answer == Answer::no || !life.at_living_worker)) return;
        (alive ? candidate.facts.task_alive : candidate.facts.task_unknown) = true;
        record_.item(workflow).tasks_alive.push_back({task.task.id, task.task.name,
                                                      task.task.host.value_or(""), alive, task.pid,
                                                      task.app_link});
    }

    std::optional<StoredTime> last_activity(std::int64_t id) {
        const auto activity = tasks_.activity(std::span(&id, 1));
        const auto found = activity.find(id);
        return found == activity.end() ? std::nullopt : found->second.latest;
    }

    // Not now: a DEPENDENT task of another workflow goes by the run that ended last.
    void set_end(FinishTarget& target) {
        FinishItem& item = record_.item(target.row.id);
        const auto activity = last_activity(target.row.id);
        if (activity) item.last_task_activity = activity->epoch_ms();
        const auto& end = activity ? activity : target.row.last_start();
        const std::int64_t precision_us = context_.schema.time_precision_us;
        const EpochMs now = round_up(now_ms(), precision_us);
        item.end_time = end ? end->epoch_ms() : now;
        target.end_time = end ? end->text : format_stored_time(now, context_.zone, precision_us);
    }

    // -- each

    void finish(std::int64_t id) {
        check_interruption();
        context_.audit.check();
        Candidate& candidate = candidates_.at(id);
        if (const auto reason = refusal(candidate)) return refuse(candidate, *reason);
        if (options_.dry_run) {
            planned_.insert(id);
            return record_.plan(candidate.target);
        }
        const bool failure = options_.as == FinishAs::failure;
        const FinalStates states = failure ? FinalStates{kFailed, task_state::kFailed}
                                           : FinalStates{kStopped, task_state::kKilled};
        const FinishResult result = finish_workflow(context_, candidate.target, states, [&] {
            holders_.ask_with_row_locked(id);
            const auto reason = refusal(candidate);
            claims_.require_held();
            return reason;
        });
        switch (result.kind) {
            case FinishResult::Kind::finished:
                return record_.finished(candidate.target);
            case FinishResult::Kind::taken:
                return record_.skip(id, SkipReason::taken);
            case FinishResult::Kind::changed:
                return record_.skip(id, SkipReason::state_changed);
            case FinishResult::Kind::refused:
                return refuse(candidate, result.refusal.value());
            case FinishResult::Kind::failed:
                return record_.fail(id, result.problem);
        }
    }

    // What speaks against it by now; inside its transaction, too.
    std::optional<SkipReason> refusal(Candidate& candidate) {
        const std::int64_t id = candidate.target.row.id;
        candidate.facts.masters = holders_.of(id).answer();
        candidate.facts.idle = is_idle(candidate.target.row);
        candidate.target.unfinished_parents = unfinished_parents(context_, id);
        candidate.facts.parent_unfinished = !candidate.target.unfinished_parents.empty();
        candidate.children = unfinished_children(context_, id);
        std::erase_if(candidate.children,
                      [&](std::int64_t child) { return planned_.contains(child); });
        candidate.facts.child_unfinished = !candidate.children.empty();
        return why_refused(candidate.facts, options_.as, options_.tasks);
    }

    Millis idle_of(const WorkflowInstance& row) const {
        const bool lives = servers_.master(row.host.value_or("")) != nullptr;
        return options_.idle.value_or(lives ? kIdleAtLivingHost : kIdle);
    }

    bool is_idle(const WorkflowInstance& row) {
        const auto activity = last_activity(row.id);
        const auto& last = activity ? activity : row.last_start();
        return !last || last->certainly_before(context_.database.clock_ms() - idle_of(row).count());
    }

    void refuse(const Candidate& candidate, SkipReason reason) {
        const WorkflowInstance& row = candidate.target.row;
        FinishItem& item = record_.item(row.id);
        const std::string holder = holders_.of(row.id).holder;
        if (!holder.empty()) item.holder = holder;
        record_.refuse(
            row.id, reason,
            describe_refusal(reason, {holder, idle_of(row), holders_.problems(), candidate.children,
                                      candidate.target.unfinished_parents, item.tasks_alive}));
    }

    const RunContext& context_;
    const FinishOptions& options_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    TaskInstanceStore tasks_;
    FinishRecord record_;
    const Servers servers_;
    Holders holders_;
    std::map<std::int64_t, Candidate> candidates_;
    std::set<std::int64_t> planned_;  // by a dry run
    RunClaims claims_;
};

}  // namespace

void finish_workflows(const RunContext& context, const FinishOptions& options) {
    Finish(context, options).run();
}

}  // namespace dsfailover
