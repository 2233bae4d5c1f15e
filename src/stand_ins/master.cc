#include "stand_ins/master.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "store/child_link.h"
#include "store/command_param.h"
#include "store/command_type.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

/// Whether a master could read this command_param: it has one of the type names known to it.
bool is_readable(const std::string& param) {
    constexpr std::array known = {"SCHEDULER",
                                  "START_PROCESS",
                                  "COMPLEMENT_DATA",
                                  "REPEAT_RUNNING",
                                  "START_FAILURE_TASK_PROCESS",
                                  "RECOVER_TOLERANCE_FAULT"};
    const Json read = Json::parse_object(param);
    const std::string* const type = read.text("commandType");
    return type && std::ranges::count(known, *type) == 1;
}

/// Whether the user interface resumes a workflow by a command of this type.
bool is_resumed(int type) {
    return type == command_type::kRecoverSuspended || type == command_type::kStartFailureTask;
}

bool goes_on(int type) { return type == command_type::kRecoverToleranceFault || is_resumed(type); }

/// The tasks that a master runs itself.
bool is_logic_task(const std::string& type) {
    constexpr std::array types = {"SUB_WORKFLOW", "CONDITIONS", "SWITCH", "DEPENDENT", "DYNAMIC"};
    return std::ranges::count(types, type) == 1;
}

bool is_waiting(const OpenTask& task) {
    return task.state == task_state::kSubmitted && task.host.empty();
}

/// What becomes of a task of a workflow that is to end in `state`, READY_PAUSE or READY_STOP.
int ended_early(int state) {
    return state == workflow_state::kReadyPause ? task_state::kPaused : task_state::kKilled;
}

}  // namespace

StandInMaster::StandInMaster(Database& database, const Schema& schema, StandInRegistry& registry,
                             std::string address, FailoverLocks locks, Say say)
    : database_(database),
      tables_(database, schema),
      address_(std::move(address)),
      say_(std::move(say)),
      failover_(database, tables_, registry, held_, locks, say_) {}

void StandInMaster::hold(std::int64_t workflow_id, int state, EpochMs now) {
    held_[workflow_id] = state;
    columns_[workflow_id] = tables_.master_columns(workflow_id);
    for (const OpenTask& task : tables_.open_tasks(workflow_id))
        if (task.host == address_) logic_tasks_.start(task.id, now + kTaskRuns.count());
}

bool StandInMaster::step(const MasterView& view) {
    if (arriving_) {
        arrive(*arriving_);
        arriving_.reset();
    } else if (!in_round_) {
        begin_round(view);
    } else if (!commands_.empty()) {
        take(commands_.back(), view);
        commands_.pop_back();
    } else if (!to_move_.empty()) {
        const auto held = held_.find(to_move_.back());
        if (held != held_.end() && !hung_.contains(held->first))
            move_on(held->first, held->second, view);
        to_move_.pop_back();
    } else {
        failover_.step(view);
        in_round_ = false;
    }
    return in_round_;
}

void StandInMaster::begin_round(const MasterView& view) {
    commands_.clear();
    if (view.places > 0)
        for (const ReadCommand& command : tables_.commands())
            if (command.id % view.places == view.place) commands_.push_back(command);
    std::ranges::reverse(commands_);
    to_move_.clear();
    for (const auto& [id, state] : held_) to_move_.push_back(id);
    std::ranges::reverse(to_move_);
    in_round_ = true;
}

void StandInMaster::take(const ReadCommand& command, const MasterView& view) {
    Transaction transaction(database_);
    const std::string problem = problem_of(command);
    if (!problem.empty()) tables_.add_error_command(command.id, problem);
    if (!tables_.remove_command(command.id)) return;
    const int state = problem.empty() ? start_or_recover(command, view) : 0;
    const MasterColumns columns = tables_.master_columns(command.workflow_id);
    transaction.commit();
    if (!problem.empty())
        return say_(
            fmt::format("cannot use command {} for workflow {}, which is in "
                        "t_ds_error_command now: {}",
                        command.id, command.workflow_id, problem));
    arriving_ = {command, state, columns};
}

void StandInMaster::arrive(const Arriving& arriving) {
    const auto& [command, state, columns] = arriving;
    const bool is_new = held_.insert_or_assign(command.workflow_id, state).second;
    columns_[command.workflow_id] = columns;
    if (!is_new) hung_.insert(command.workflow_id);
    say_(fmt::format("took command {}: workflow {} {}", command.id, command.workflow_id,
                     !is_new                 ? "is held already, and hangs for ever now"
                     : goes_on(command.type) ? "runs again"
                                             : "starts"));
}

bool StandInMaster::end_early(std::int64_t workflow_id, int state, EpochMs now) {
    const auto held = held_.find(workflow_id);
    if (held == held_.end() || hung_.contains(workflow_id)) return false;
    tables_.set_workflow_state(workflow_id, state, columns_[workflow_id], now);
    held->second = state;
    return true;
}

/// Why the command cannot be used; empty if it can.
std::string StandInMaster::problem_of(const ReadCommand& command) {
    const bool recovers = command.type == command_type::kRecoverToleranceFault;
    const bool needs_none = is_resumed(command.type) && command.param.empty();
    if (!needs_none &&
        (!is_readable(command.param) || (recovers && !state_of_command_param(command.param))))
        return "its command_param cannot be read";
    const auto workflow = tables_.workflow(command.workflow_id);
    if (!workflow) return fmt::format("there is no workflow instance {}", command.workflow_id);
    if (!recovers) return "";
    if (workflow->state != workflow_state::kFailover)
        return fmt::format("the workflow instance is in state {}, not FAILOVER",
                           workflow_state_name(workflow->state));
    if (!is_readable(workflow->param))
        return "the command_param of the workflow instance cannot be read";
    if (const auto name = tables_.duplicate_task(command.workflow_id))
        return fmt::format("java.lang.IllegalStateException: Duplicate key {}", *name);
    return "";
}

/// Returns the workflow's state after it.
int StandInMaster::start_or_recover(const ReadCommand& command, const MasterView& view) {
    if (command.type != command_type::kRecoverToleranceFault) {
        if (is_resumed(command.type))
            tables_.resume_workflow(command.workflow_id, command.type, address_, view.now);
        else
            tables_.start_workflow(command.workflow_id, address_,
                                   command.type == command_type::kRepeatRunning, view.now);
        return workflow_state::kRunning;
    }
    const int state = state_of_command_param(command.param).value();
    tables_.recover_workflow(command.workflow_id, state, address_, view.now);
    for (const OpenTask& task : tables_.open_tasks(command.workflow_id))
        recover_task(command, task, state, view);
    return state;
}

/// A task is taken over only if its worker could not report its end yet. One that quietly runs is
/// dispatched anew, and its old process runs on.
void StandInMaster::recover_task(const ReadCommand& command, const OpenTask& task, int state,
                                 const MasterView& view) {
    const TaskExecutor* executor = executor_at(task.host, view);
    if (is_waiting(task) || (executor && executor->has_ended(task.id, view.now))) return;
    if (state == workflow_state::kRunning)
        tables_.redispatch(command.workflow_id, task, view.now);
    else
        tables_.end_task(task.id, ended_early(state), view.now);
}

void StandInMaster::move_on(std::int64_t workflow_id, int state, const MasterView& view) {
    const std::vector<OpenTask> tasks = tables_.open_tasks(workflow_id);
    const auto awaited = [&](const OpenTask& task) { return is_awaited(task, state, view); };
    if (!tasks.empty() && std::ranges::all_of(tasks, awaited)) return;
    Later later;
    Transaction transaction(database_);
    bool goes_on = false;
    for (const OpenTask& task : tables_.open_tasks(workflow_id))
        goes_on = move_on(workflow_id, task, state, view, later) || goes_on;
    if (!goes_on && state == workflow_state::kRunning)
        goes_on = tables_.submit_next_task(workflow_id, view.now);
    if (!goes_on) {
        const int end = final_state(workflow_id, state);
        tables_.end_workflow(workflow_id, end, columns_[workflow_id], view.now);
        later.emplace_back([this, workflow_id, end] {
            held_.erase(workflow_id);
            columns_.erase(workflow_id);
            say_(fmt::format("workflow {} ended: {}", workflow_id, workflow_state_name(end)));
        });
    }
    transaction.commit();
    for (const auto& each : later) each();
}

/// Whether nothing is to be done about the task yet.
bool StandInMaster::is_awaited(const OpenTask& task, int state, const MasterView& view) {
    if (is_waiting(task))
        return state == workflow_state::kRunning && !is_logic_task(task.type) &&
               view.workers.empty();
    // A worker that is gone will never report; the master waits all the same.
    const TaskExecutor* executor = executor_at(task.host, view);
    return !executor || !executor->has_ended(task.id, view.now);
}

/// Returns whether the task goes on.
bool StandInMaster::move_on(std::int64_t workflow_id, const OpenTask& task, int state,
                            const MasterView& view, Later& later) {
    if (is_waiting(task) && state == workflow_state::kRunning)
        return dispatch(workflow_id, task, view, later);
    if (is_waiting(task)) {
        tables_.end_task(task.id, ended_early(state), view.now);
        return false;
    }
    if (is_awaited(task, state, view)) return true;
    TaskExecutor* executor = executor_at(task.host, view);
    tables_.end_task(task.id, task_state::kSucceeded, view.now);
    later.emplace_back([this, executor, task, workflow_id] {
        executor->forget(task.id);
        say_(fmt::format("task {} ({}) of workflow {} ended on {}", task.id, task.name, workflow_id,
                         task.host));
    });
    return false;
}

bool StandInMaster::dispatch(std::int64_t workflow_id, const OpenTask& task, const MasterView& view,
                             Later& later) {
    LivingWorker target{address_, &logic_tasks_};
    if (!is_logic_task(task.type)) {
        if (view.workers.empty()) return true;
        target = view.workers[static_cast<std::size_t>(task.id) % view.workers.size()];
    }
    tables_.run_task(task.id, target.address, view.now);
    if (is_sub_workflow_type(task.type)) resume_child(workflow_id, task, view);
    later.emplace_back([this, target, task, workflow_id, now = view.now] {
        target.executor->start(task.id, now + kTaskRuns.count());
        say_(fmt::format("task {} ({}) of workflow {} runs on {}", task.id, task.name, workflow_id,
                         target.address));
    });
    return true;
}

/// Whatever the child is doing.
void StandInMaster::resume_child(std::int64_t workflow_id, const OpenTask& task,
                                 const MasterView& view) {
    const auto child = child_of_app_link(task.app_link);
    const auto parent = tables_.workflow(workflow_id);
    if (child && parent && is_resumed(parent->command_type))
        tables_.add_command(*child, parent->command_type, std::nullopt, view.now);
}

int StandInMaster::final_state(std::int64_t workflow_id, int state) {
    if (state == workflow_state::kReadyPause) return workflow_state::kPaused;
    if (state == workflow_state::kReadyStop) return workflow_state::kStopped;
    if (tables_.has_task_in_state(workflow_id, task_state::kFailed)) return workflow_state::kFailed;
    return workflow_state::kSucceeded;
}

TaskExecutor* StandInMaster::executor_at(const std::string& host, const MasterView& view) {
    return host == address_ ? &logic_tasks_ : view.executor_at(host);
}

}  // namespace dsfailover
