#include "coordinator/worker/owner_failover.h"

#include <fmt/format.h>

#include "base/plural.h"
#include "registry/paths.h"

namespace dsfailover {

OwnerFailover::OwnerFailover(const RunContext& context, const FailoverOptions& options,
                             const FirstLook& look, const WorkerFailoverEvent& event,
                             WorkerTasks& tasks)
    : context_(context), options_(options), look_(look), event_(event), tasks_(tasks) {}

std::string came_back(const Server& worker) {
    return fmt::format("The worker {} is registered ({}).", worker.address, describe_start(worker));
}

void OwnerFailover::run(EpochMs event_time) {
    std::set<std::string> masters = tasks_.owners(TaskRoute::workflow_failover);
    masters.merge(tasks_.owners(TaskRoute::redispatched));
    // Of what --in-doubt names it is said that nothing was done about it.
    if (masters.empty() && options_.in_doubt.ids.empty()) return;
    masters_.emplace(context_, options_, look_);
    for (TaskAtWorker& task : tasks_.all()) {
        if (task.route == TaskRoute::workflow_failover || task.route == TaskRoute::redispatched)
            by_workflow_[task.workflow_id].push_back(&task);
    }
    masters_->on_failed_over([this](std::int64_t id) { note_failed_over(id); });
    if (!tasks_.on_route(TaskRoute::redispatched).empty()) {
        masters_->also_in_transaction(
            [&](std::span<const FailedOver> workflows) { redispatch(workflows); });
    }
    std::vector<FailoverTarget> targets;
    for (const std::string& address : masters) {
        FailoverTarget& target = targets.emplace_back();
        target.address = address;
        // What no master holds of a host that lives, and nothing else of it.
        if (!look_.servers.master(address)) continue;
        target.only = tasks_.of_owner(address);
        target.by_start = tasks_.by_start(address);
    }
    masters_->run(std::move(targets), event_.event_time ? std::optional(event_time) : std::nullopt,
                  false);
    // The event is the worker's; its masters' failovers have a later one.
    if (context_.report.event) context_.report.event->event_time = event_time;
    std::int64_t left = 0;
    for (const auto& [workflow, tasks] : by_workflow_) {
        const auto doubt = tasks_.doubt(workflow);
        for (TaskAtWorker* task : tasks) {
            if (options_.dry_run && !doubt) task->outcome = TaskOutcome::planned;
            if (task->outcome) continue;
            task->outcome = TaskOutcome::left;
            task->reason = doubt ? to_string(*doubt) : "its workflow was not failed over";
            ++left;
        }
    }
    if (left > 0) {
        context_.fail(
            ExitCode::needs_person,
            counted(left,
                    "task is left, because its workflow was not failed over: see the reason in "
                    "the items.",
                    "tasks are left, because their workflows were not failed over: see the reasons "
                    "in the items."));
    }
}

// After the commit: whatever ends the run later, this is done.
void OwnerFailover::note_failed_over(std::int64_t workflow) {
    const auto tasks = by_workflow_.find(workflow);
    if (tasks == by_workflow_.end()) return;
    for (TaskAtWorker* task : tasks->second) {
        const std::int64_t id = task->id;
        if (task->route == TaskRoute::redispatched && redispatched_.contains(id)) {
            task->outcome = TaskOutcome::redispatched;
            context_.audit.write(
                {"task", "redispatched", event_.address, id, std::nullopt, "", ""});
            continue;
        }
        if (task->route == TaskRoute::redispatched)
            task->reason = "it changed before it could be redispatched; recovery dispatches it";
        task->route = TaskRoute::workflow_failover;
        task->outcome = TaskOutcome::failed_over;
    }
}

// Inside the transaction that fails the tasks' workflows over.
void OwnerFailover::redispatch(std::span<const FailedOver> workflows) {
    std::vector<TaskInstance> tasks;
    for (const FailedOver& workflow : workflows) {
        const auto found = by_workflow_.find(workflow.id);
        if (found == by_workflow_.end()) continue;
        for (const TaskAtWorker* task : found->second) {
            if (task->route != TaskRoute::redispatched) continue;
            tasks.push_back(tasks_.row(task->id));
            redispatched_.erase(task->id);  // by a try that was rolled back
        }
    }
    if (tasks.empty()) return;
    if (const auto living =
            read_server(context_.registry, paths::kWorkers, event_.address, false)) {
        throw RefusedError(
            came_back(*living) +
            " It came back before its tasks were redispatched: the transaction was rolled back.");
    }
    for (const std::int64_t id : TaskInstanceStore(context_.store()).redispatch(tasks, now_ms())) {
        redispatched_.insert(id);
    }
}

void OwnerFailover::wait_for_recovery(EpochMs until) {
    if (masters_) masters_->wait_for_recovery(until);
}

}  // namespace dsfailover
