#include "coordinator/asking/idle_workflows.h"

#include <chrono>
#include <optional>
#include <vector>

#include "coordinator/asking/asked_in_report.h"
#include "coordinator/asking/worker_round.h"
#include "registry/living_servers.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"

namespace dsfailover {

namespace {

constexpr Millis kIdleAfter = std::chrono::hours(1);

bool certainly_before(const std::optional<StoredTime>& time, EpochMs limit) {
    return !time || time->certainly_before(limit);
}

// Those that were not heard of for long.
std::set<std::int64_t> quiet_among(const RunContext& context,
                                   std::span<const WorkflowInstance> held, EpochMs clock) {
    const EpochMs limit = clock - kIdleAfter.count();
    const auto activity = TaskInstanceStore(context.store()).activity(ids_of(held));
    std::set<std::int64_t> quiet;
    for (const WorkflowInstance& instance : held) {
        const auto found = activity.find(instance.id);
        const bool tasks_quiet =
            found == activity.end() || certainly_before(found->second.latest, limit);
        if (tasks_quiet && instance.last_start() && certainly_before(instance.last_start(), limit))
            quiet.insert(instance.id);
    }
    return quiet;
}

}  // namespace

std::set<std::int64_t> idle_among(const RunContext& context, std::span<const WorkflowInstance> held,
                                  EpochMs clock, Millis timeout) {
    std::set<std::int64_t> idle = quiet_among(context, held, clock);
    if (idle.empty()) return idle;
    const Servers servers = read_servers(context.registry, true);
    const std::vector<std::int64_t> ids(idle.begin(), idle.end());
    std::vector<UnfinishedTask> at_work;
    for (UnfinishedTask& task : TaskInstanceStore(context.store()).unfinished(ids, false)) {
        const int state = task.task.state;
        if (state != task_state::kRunning && state != task_state::kDispatched) continue;
        const std::string host = task.task.host.value_or("");
        if (servers.master(host))
            idle.erase(task.task.workflow_instance_id);
        else if (servers.worker(host))
            at_work.push_back(std::move(task));
    }
    const WorkerRound round = ask_living_workers(context, at_work, timeout);
    if (!round.workers.empty()) add_to_report(context.report, round.workers);
    for (std::size_t i = 0; i < at_work.size(); ++i) {
        if (round.tasks[i].answer != Answer::no) idle.erase(at_work[i].task.workflow_instance_id);
    }
    return idle;
}

}  // namespace dsfailover
