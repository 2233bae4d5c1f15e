#include "coordinator/worker/worker_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"
#include "coordinator/worker/task_route.h"
#include "store/command_store.h"
#include "store/task_state.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

WorkerTasks::WorkerTasks(const RunContext& context, const FailoverOptions& options,
                         const FirstLook& look, bool restarted)
    : context_(context), options_(options), look_(look), restarted_(restarted) {}

void WorkerTasks::find(const std::string& worker, EpochMs deadline) {
    TaskInstanceStore store(context_.store());
    std::vector<Unreadable> unreadable;
    const auto take = [&](const TaskInstance& task) {
        const bool meant =
            task.submit_time ? task.submit_time->possibly_before(deadline) : !restarted_;
        if (!meant) return;
        TaskAtWorker& added = tasks_.emplace_back();
        added.id = task.id;
        added.workflow_id = task.workflow_instance_id;
        added.state = task.state;
        if (redispatches()) rows_.emplace(task.id, task);
    };
    store.scan_worker_tasks(worker, take, [&](std::int64_t workflow, const EnvironmentError& why) {
        unreadable.emplace_back(workflow, why);
    });
    std::sort(tasks_.begin(), tasks_.end(),
              [](const TaskAtWorker& a, const TaskAtWorker& b) { return a.id < b.id; });
    keep_those_of_workflows_not_ended(unreadable);
    std::vector<std::int64_t> listed;
    for (const TaskAtWorker& task : tasks_) {
        if (listed.size() == options_.items) break;
        listed.push_back(task.id);
    }
    for (auto& name : store.names(listed)) names_.push_back(std::move(name).value_or(""));
}

void WorkerTasks::keep_those_of_workflows_not_ended(std::span<const Unreadable> unreadable) {
    std::vector<std::int64_t> ids;
    for (const TaskAtWorker& task : tasks_) ids.push_back(task.workflow_id);
    for (const auto& [workflow, why] : unreadable) ids.push_back(workflow);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    const auto workflows = WorkflowInstanceStore(context_.store()).not_ended(ids);
    for (const auto& [workflow, why] : unreadable)
        if (workflows.contains(workflow)) throw EnvironmentError(why);
    std::erase_if(tasks_, [&](TaskAtWorker& task) {
        const auto workflow = workflows.find(task.workflow_id);
        if (workflow == workflows.end()) {
            rows_.erase(task.id);
            return true;
        }
        task.owner = &*owners_.insert(workflow->second.host).first;
        task.in_failover = workflow->second.state == workflow_state::kFailover;
        return false;
    });
}

void WorkerTasks::choose_routes(EpochMs event_time, bool given) {
    judge_workflows(event_time, given);
    for (TaskAtWorker& task : tasks_) {
        if (!task.in_failover) route_by_owner(task);
    }
    if (!commanded_.empty()) {
        context_.fail(ExitCode::needs_person,
                      fmt::format("Workflows of these tasks with a command that waits in "
                                  "t_ds_command: {}. They were left, since a second command would "
                                  "run them twice; see status for whether a master takes it.",
                                  commanded_.size()));
    }
    route_by_command();
}

// Those of hosts that are gone, as a failover of the host would judge them. Of those of living
// hosts the masters know whether one holds them; where not all say so, what started before its host
// did is nobody's.
void WorkerTasks::judge_workflows(EpochMs event_time, bool given) {
    SelectionRequest request = look_.request(event_time, given);
    request.in_doubt = options_.in_doubt;
    request.asking = SelectionRequest::Asking::once;
    std::map<std::string, std::set<std::int64_t>> of_living;
    for (const TaskAtWorker& task : tasks_) {
        const auto& host = *task.owner;
        if (task.in_failover || !host || !is_address(*host)) continue;
        if (look_.servers.master(*host))
            of_living[*host].insert(task.workflow_id);
        else
            request.addresses.insert(*host);
    }
    SelectionRequest by_start = request;
    by_start.addresses.clear();
    by_start.inquiry = nullptr;
    for (const auto& [host, ids] : of_living) {
        if (!look_.inquiry) break;
        request.addresses.insert(host);
        request.by_answer.insert(host);
        request.only.emplace(host, ids);
    }
    judge(request);
    for (auto& [host, ids] : of_living) {
        if (look_.inquiry && !unanswered_.contains(host)) continue;
        std::erase_if(ids, [&](std::int64_t id) { return held_.contains(id); });
        by_start_.insert(host);
        by_start.addresses.insert(host);
        by_start.only.emplace(host, ids);
    }
    judge(by_start);
}

void WorkerTasks::judge(const SelectionRequest& request) {
    if (request.addresses.empty()) return;
    Selection selection = read_selection(
        context_, look_.servers, request,
        [&](const std::string&, const SkippedWorkflow& skipped) { note_skipped(skipped); });
    for (const auto& [host, ids] : request.only)
        for (const WorkflowInstance& instance :
             selection.addresses.at(host).selected.take(ids.size(), host))
            unheld_.insert(instance.id);
}

void WorkerTasks::note_skipped(const SkippedWorkflow& skipped) {
    const std::int64_t id = skipped.instance.id;
    const Verdict verdict = skipped.verdict;
    if (verdict == Verdict::command_pending) commanded_.insert(id);
    // Its own master has it.
    const std::string& host = *skipped.instance.host;
    if (look_.servers.master(host)) {
        if (verdict == Verdict::unanswered) unanswered_.insert(host);
        if (!skipped.said.held_by.empty()) held_.insert(id);
        return;
    }
    if (verdict == Verdict::in_doubt || verdict == Verdict::settling ||
        verdict == Verdict::running_elsewhere || verdict == Verdict::held_idle ||
        verdict == Verdict::done_before) {
        doubts_.emplace(id, skip_reason(verdict));
        if (skipped.said.answer == MasterAnswer::not_held) unheld_.insert(id);
    }
}

void WorkerTasks::route_by_owner(TaskAtWorker& task) {
    const auto& host = *task.owner;
    const auto doubt = doubts_.find(task.workflow_id);
    TaskOwner owner;
    owner.command_waits = commanded_.contains(task.workflow_id);
    owner.has_host = host && is_address(*host);
    owner.lives = host && look_.servers.master(*host) != nullptr;
    owner.doubtful = doubt != doubts_.end();
    owner.unheld = unheld_.contains(task.workflow_id);
    owner.any_master_lives = !look_.servers.masters.empty();
    task.route = route_by(owner);
    if (task.route == TaskRoute::pending) {
        task.outcome = TaskOutcome::pending;
        task.reason = to_string(SkipReason::command_pending);
    } else if (task.route == TaskRoute::stuck) {
        task.reason = host.value_or("").empty()
                          ? "its workflow has no host: use failover-workflow"
                          : "the host of its workflow is not HOST:PORT: see explain";
    } else if (task.route == TaskRoute::announced) {
        if (!owner.lives) task.reason = to_string(doubt->second);
        if (restarted_) task.route = TaskRoute::not_announceable;
    } else if (redispatches()) {
        task.route = TaskRoute::redispatched;
    }
}

// A workflow in state FAILOVER waits for a master, if it has a command.
void WorkerTasks::route_by_command() {
    std::vector<std::int64_t> workflows;
    for (const TaskAtWorker& task : tasks_) {
        if (!task.route) workflows.push_back(task.workflow_id);
    }
    if (workflows.empty()) return;
    std::set<std::int64_t> with_command;
    for (const WaitingCommand& command : CommandStore(context_.store()).for_workflows(workflows)) {
        with_command.insert(command.workflow_instance_id);
    }
    for (TaskAtWorker& task : tasks_) {
        if (task.route) continue;
        const bool has_command = with_command.contains(task.workflow_id);
        task.route = route_by({.in_failover = true, .command_waits = has_command});
        task.outcome = has_command ? TaskOutcome::pending : TaskOutcome::left;
        task.reason = has_command
                          ? "its workflow waits for a master to take its command"
                          : "its workflow is in state FAILOVER without a command: use requeue";
    }
}

std::vector<TaskAtWorker*> WorkerTasks::on_route(TaskRoute route) {
    std::vector<TaskAtWorker*> tasks;
    for (TaskAtWorker& task : tasks_) {
        if (task.route == route) tasks.push_back(&task);
    }
    return tasks;
}

std::set<std::string> WorkerTasks::owners(TaskRoute route) {
    std::set<std::string> hosts;
    for (const TaskAtWorker* task : on_route(route)) hosts.insert(**task->owner);
    return hosts;
}

std::set<std::int64_t> WorkerTasks::of_owner(const std::string& host) {
    std::set<std::int64_t> workflows;
    for (const TaskRoute route : {TaskRoute::workflow_failover, TaskRoute::redispatched})
        for (const TaskAtWorker* task : on_route(route))
            if (**task->owner == host) workflows.insert(task->workflow_id);
    return workflows;
}

std::optional<SkipReason> WorkerTasks::doubt(std::int64_t workflow) const {
    const auto found = doubts_.find(workflow);
    return found == doubts_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t WorkerTasks::leave(TaskRoute route, std::string_view reason) {
    const std::vector<TaskAtWorker*> tasks = on_route(route);
    for (TaskAtWorker* task : tasks) {
        task->outcome = TaskOutcome::left;
        if (!reason.empty()) task->reason = reason;
    }
    return tasks.size();
}

void WorkerTasks::list(WorkerSection& section) const {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        const TaskAtWorker& task = tasks_[i];
        if (!task.route) continue;
        ++section.routes[*task.route];
        if (!section.items.has_room() || i >= names_.size()) {
            section.items.omit();
            continue;
        }
        TaskItem item;
        item.id = task.id;
        item.name = names_[i];
        item.workflow_instance_id = task.workflow_id;
        item.state = task_state_name(task.state);
        item.owner = *task.owner;
        item.route = *task.route;
        item.outcome =
            task.outcome.value_or(options_.dry_run ? TaskOutcome::planned : TaskOutcome::left);
        if (!task.reason.empty()) item.reason = std::string(task.reason);
        section.items.add(std::move(item));
    }
}

}  // namespace dsfailover
