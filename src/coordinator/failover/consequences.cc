#include "coordinator/failover/consequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "coordinator/asking/asked_in_report.h"
#include "coordinator/asking/worker_round.h"
#include "coordinator/failover/parents.h"
#include "coordinator/report_names.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/task_type.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

/// Those of `items` that were in `state`; 0: in any.
std::vector<std::int64_t> failed_over(std::span<const WorkflowItem* const> items, int state = 0) {
    std::vector<std::int64_t> ids;
    for (const WorkflowItem* item : items)
        if ((item->outcome == WorkflowOutcome::failed_over ||
             item->outcome == WorkflowOutcome::planned) &&
            (state == 0 || item->previous_state == workflow_state_name(state)))
            ids.push_back(item->id);
    return ids;
}

void warn_of_stops(const RunContext& context, std::span<const WorkflowItem* const> items) {
    const auto workflows = [](std::span<const std::int64_t> ids, std::string_view state) {
        return fmt::format("{} in {}: {}", counted(std::ssize(ids), "workflow is", "workflows are"),
                           state, some_ids(ids));
    };
    if (const auto ids = failed_over(items, workflow_state::kReadyStop); !ids.empty())
        context.warn(fmt::format(
            "{}. Recovery kills no task: stop {} recovered.", workflows(ids, "READY_STOP"),
            ids.size() == 1 ? "it again once it is" : "them again once they are"));
    if (const auto ids = failed_over(items, workflow_state::kReadyPause); !ids.empty())
        context.warn(fmt::format("{}. Once recovered {} in the user interface.",
                                 workflows(ids, "READY_PAUSE"),
                                 ids.size() == 1 ? "it goes on to PAUSE; resume it"
                                                 : "they go on to PAUSE; resume them"));
}

/// What the workers say, in the order of `tasks`; of those beyond the limit, and where that cannot
/// be asked, nothing.
std::vector<Answer> said_by_workers(const RunContext& context, const AskOptions* ask,
                                    std::span<const UnfinishedTask> tasks) {
    std::vector<Answer> said(tasks.size(), Answer::unanswered);
    if (ask == nullptr || interruption_requested()) return said;
    const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(ask->limit, 0));
    const auto asked = tasks.first(std::min(tasks.size(), limit));
    try {
        const WorkerRound round = ask_living_workers(context, asked, ask->timeout);
        if (!round.workers.empty()) add_to_report(context.report, round.workers);
        for (std::size_t i = 0; i < asked.size(); ++i) said[i] = round.tasks[i].answer;
    } catch (const Interrupted&) {
        log_warn("interrupted while workers were asked which tasks they run");
    } catch (const std::exception& error) {
        log_warn("workers could not be asked which tasks they run: {}", error.what());
    }
    return said;
}

/// A master dispatches anew what it takes over, unless the worker could not report its end yet.
void warn_of_tasks(const RunContext& context, const AskOptions* ask,
                   std::span<const std::int64_t> workflows) {
    std::vector<UnfinishedTask> tasks =
        TaskInstanceStore(context.store()).unfinished(workflows, false);
    std::erase_if(tasks, [&](const UnfinishedTask& each) {
        const bool at_work =
            each.task.state == task_state::kRunning || each.task.state == task_state::kDispatched;
        // A recovery that has begun already makes rows of its own.
        const bool earlier = each.task.submit_time &&
                             each.task.submit_time->possibly_before(context.report.started_at);
        return !at_work || !earlier || is_logic_type(each.type);
    });
    const std::vector<Answer> said = said_by_workers(context, ask, tasks);
    std::vector<std::int64_t> alive, unknown;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        if (said[i] == Answer::yes) alive.push_back(tasks[i].task.id);
        if (said[i] == Answer::unanswered) unknown.push_back(tasks[i].task.id);
    }
    if (!alive.empty())
        context.warn(fmt::format(
            "{} alive on workers: {}. Recovery starts such a task again, beside its old process.",
            counted(std::ssize(alive), "task of these workflows is",
                    "tasks of these workflows are"),
            some_ids(alive)));
    if (!unknown.empty())
        context.warn(fmt::format(
            "{} as running on workers, and no worker said whether that is so: {}. Recovery starts "
            "such a task again, beside its old process if there is one.",
            counted(std::ssize(unknown), "task of these workflows stands",
                    "tasks of these workflows stand"),
            some_ids(unknown)));
}

}  // namespace

void warn_of_consequences(const RunContext& context, const AskOptions* ask,
                          std::span<const WorkflowItem* const> items) try {
    const std::vector<std::int64_t> ids = failed_over(items);
    if (ids.empty()) return;
    warn_of_parents(context, ids);
    warn_of_stops(context, items);
    warn_of_tasks(context, ask, ids);
} catch (const std::exception& error) {
    log_warn("the report does not tell all that comes of the failover: {}", error.what());
}

}  // namespace dsfailover
