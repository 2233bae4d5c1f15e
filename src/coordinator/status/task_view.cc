#include "coordinator/status/task_view.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/interruption.h"
#include "coordinator/clock_check.h"
#include "coordinator/worker/task_route.h"
#include "store/task_state.h"
#include "store/task_survey.h"
#include "store/task_type.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

/// Which worker groups have a living worker: what workers say of themselves, and the groups of the
/// user interface.
class LivingGroups {
  public:
    LivingGroups(const RunContext& context, const Servers& servers) {
        std::unordered_set<std::string_view> workers;
        for (const Server& worker : servers.workers) {
            workers.insert(worker.address);
            if (worker.worker_group)
                groups_.insert(*worker.worker_group);
            else
                all_known_ = false;
        }
        if (!context.schema.has_worker_groups) return;
        for (const WorkerGroup& group : worker_groups(context.store()))
            if (std::any_of(group.addresses.begin(), group.addresses.end(),
                            [&](const auto& address) { return workers.contains(address); }))
                groups_.insert(group.name);
    }

    /// A worker whose heartbeat cannot be read may be of any group.
    bool may_have(const std::string& group) const { return !all_known_ || groups_.contains(group); }

  private:
    std::unordered_set<std::string> groups_;
    bool all_known_ = true;
};

/// The tasks of one status.
class TaskView {
  public:
    TaskView(const RunContext& context, const StatusOptions& options, const Servers& servers,
             UnfinishedWorkflows& workflows, StatusSection& status)
        : context_(context),
          servers_(servers),
          workflows_(workflows),
          status_(status),
          groups_(context, servers),
          queued_by_now_(latest_clock(context.database) - options.unclaimed_after.count()) {}

    void run() {
        for (const auto* folder : {&servers_.masters, &servers_.workers})
            for (const Server& server : *folder) living_.insert(server.address);
        survey_tasks(context_.store(), workflows_.at_masters(),
                     [&](const SurveyedTask& task) { note(task); });
        for (auto& [address, gone] : gone_) {
            count(gone);
            status_.workers_gone.add(std::move(gone));
        }
        find_lost_group_tasks();
    }

  private:
    void note(const SurveyedTask& task) {
        check_interruption();
        SeenWorkflow* const workflow = workflows_.find(task.workflow_instance_id);
        if (workflow == nullptr) return;
        if (task.latest) {
            auto& last = workflow->last_task_activity;
            last = std::max(last.value_or(*task.latest), *task.latest);
            workflow->since = std::max(workflow->since.value_or(*last), *last);
        }
        if (!task.valid) return;
        if (task.state == task_state::kDispatched || task.state == task_state::kRunning)
            note_at_work(task, *workflow);
        else if (task.state == task_state::kSubmitted && is_unfinished(workflow->state))
            note_waiting(task, *workflow);
    }

    void note_at_work(const SurveyedTask& task, SeenWorkflow& workflow) {
        workflow.at_work = true;
        if (!task.host || task.host->empty() || living_.contains(*task.host)) return;
        // That of a master is its failover's.
        if (is_logic_type(task.type) || workflows_.is_host(*task.host)) return;
        GoneWorker& gone = gone_[*task.host];
        gone.address = *task.host;
        ++gone.tasks;
        if (task.submit_time)
            gone.oldest_submit_time =
                std::min(gone.oldest_submit_time.value_or(*task.submit_time), *task.submit_time);
        ++gone.routes[route_of(workflow)];
    }

    void count(const GoneWorker& gone) {
        StatusTotals& totals = status_.totals;
        for (const auto& [route, tasks] : gone.routes) totals.gone_tasks[route] += tasks;
        const auto& oldest = gone.oldest_submit_time;
        if (oldest)
            totals.oldest_gone_task = std::min(totals.oldest_gone_task.value_or(*oldest), *oldest);
    }

    TaskRoute route_of(const SeenWorkflow& workflow) const {
        TaskOwner owner;
        owner.in_failover = workflow.state == workflow_state::kFailover;
        owner.command_waits = workflow.command_waits;
        owner.has_host = workflow.host != nullptr;
        owner.lives = workflow.host != nullptr && servers_.master(*workflow.host) != nullptr;
        owner.doubtful = !owner.lives && workflow.doubtful;
        owner.any_master_lives = !servers_.masters.empty();
        return route_by(owner);
    }

    void note_waiting(const SurveyedTask& task, SeenWorkflow& workflow) {
        if (!is_logic_type(task.type) && task.worker_group && !task.worker_group->empty() &&
            !groups_.may_have(*task.worker_group)) {
            ++status_.waiting_tasks.no_worker_group;
            workflow.blocked = true;
        }
        // Its place in the queue is made after the task.
        if (task.in_task_group && task.submit_time && *task.submit_time < queued_by_now_)
            in_group_.emplace(task.id, task.workflow_instance_id);
    }

    void find_lost_group_tasks() {
        if (!context_.schema.has_task_group_queue) return;
        std::vector<std::int64_t> ids;
        for (const auto& [task, workflow] : in_group_) ids.push_back(task);
        const auto lost = not_in_task_group_queue(context_.store(), ids);
        status_.waiting_tasks.lost_task_group = std::ssize(lost);
        for (const std::int64_t task : lost) workflows_.find(in_group_.at(task))->blocked = true;
    }

    const RunContext& context_;
    const Servers& servers_;
    UnfinishedWorkflows& workflows_;
    StatusSection& status_;
    const LivingGroups groups_;
    const EpochMs queued_by_now_;
    std::unordered_set<std::string> living_;
    std::map<std::string, GoneWorker> gone_;
    std::unordered_map<std::int64_t, std::int64_t> in_group_;  // tasks that wait, to workflows
};

}  // namespace

void read_tasks(const RunContext& context, const StatusOptions& options, const Servers& servers,
                UnfinishedWorkflows& workflows, StatusSection& status) {
    TaskView(context, options, servers, workflows, status).run();
}

}  // namespace dsfailover
