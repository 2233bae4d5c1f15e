#include "coordinator/worker/task_failover.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "base/polling.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/lock_status.h"
#include "coordinator/failover/selection.h"
#include "registry/paths.h"
#include "store/command_store.h"

namespace dsfailover {

TaskFailover::TaskFailover(const RunContext& context, const FailoverOptions& options,
                           FirstLook look, WorkerFailoverEvent event)
    : context_(context),
      options_(options),
      look_(std::move(look)),
      event_(std::move(event)),
      section_(context.report.worker ? *context.report.worker
                                     : context.report.worker.emplace(options.items)),
      restarted_(look_.servers.worker(event_.address) != nullptr),
      tasks_(context, options, look_, restarted_),
      owners_(context, options, look_, event_, tasks_),
      announced_(context, options, event_, tasks_, section_) {
    section_.address = event_.address;
    section_.alive = restarted_;
    if (const Server* living = look_.servers.worker(event_.address))
        section_.startup_time = living->startup_time;
}

void TaskFailover::run() {
    try {
        work();
    } catch (const Interrupted&) {
        section_.outcome = Outcome::interrupted;
        finish();
        throw;
    } catch (const std::exception&) {
        section_.outcome = Outcome::failed;
        finish();
        throw;
    }
    finish();
}

void TaskFailover::work() {
    look_at_commands();
    if (!options_.dry_run && !restarted_ && !stays_away()) return;
    const EpochMs event_time = event_.event_time.value_or(latest_clock(context_.database));
    if (context_.report.event) context_.report.event->event_time = event_time;
    // One that was restarted is admitted only with a startup time.
    deadline_ = restarted_ ? std::min(event_time, *section_.startup_time) : event_time;
    section_.deadline = deadline_;
    tasks_.find(event_.address, deadline_);
    section_.selected = std::ssize(tasks_.all());
    tasks_.choose_routes(event_time, event_.event_time.has_value());
    // A master that waits for a leaked lock reacts to nothing.
    if (!tasks_.all().empty()) read_failover_locks(context_, look_.servers);
    owners_.run(event_time);
    if (!options_.announce) announced_.leave_unannounced();
    if (!options_.dry_run) {
        announced_.announce(event_time);
        const EpochMs until = announced_.patience_ends();
        owners_.wait_for_recovery(until);
        announced_.follow(until);
    }
    advise();
    if (options_.dry_run)
        plan_worker_mark();
    else
        write_worker_mark();
}

// Before the grace time: what a master takes meanwhile looks like what its old master left, once it
// runs again.
void TaskFailover::look_at_commands() {
    CommandStore commands(context_.store());
    look_.watch->look(commands);
}

bool TaskFailover::stays_away() {
    if (options_.grace.count() == 0) {
        context_.warn(
            "--grace 0s: one look only; a worker that is merely restarting or cut off for a moment "
            "counts as gone.");
    }
    const auto came = [&] {
        const auto living = read_server(context_.registry, paths::kWorkers, event_.address, true);
        if (!living) return false;
        section_.alive = true;
        section_.startup_time = living->startup_time;
        section_.outcome = Outcome::refused;
        context_.fail(ExitCode::refused,
                      came_back(*living) + " It came back while we waited: nothing was done.");
        return true;
    };
    return !poll({look_.at + options_.grace.count()}, came, [&](std::int64_t seconds) {
        log_info("waiting {} s more, to see that {} does not come back (--grace)", seconds,
                 event_.address);
    });
}

// A restarted master fails over all that is in doubt, anywhere, so that is no way on while anything
// is.
std::string TaskFailover::way_on_without_announcement() {
    std::vector<std::string> living;
    for (const std::string& owner : tasks_.owners(TaskRoute::not_announceable)) {
        if (look_.servers.master(owner)) living.push_back(owner);
    }
    if (tasks_.any_doubt() || living.empty() || any_in_doubt(context_, look_.servers)) {
        return "Workflows are in doubt or running elsewhere (see status): settle those first, with "
               "failover-master --in-doubt ID,... for what no master runs. A master that is "
               "restarted "
               "now would fail all of them over again.";
    }
    if (living.size() == 1)
        return fmt::format(
            "What makes this master look again is its restart: {}. See status before: no restart "
            "while workflows are in doubt.",
            living.front());
    return fmt::format(
        "What makes these masters look again is their restart, one after the other: {}. See status "
        "before each: none while workflows are in doubt.",
        fmt::join(living, ", "));
}

void TaskFailover::advise() {
    if (const auto left = tasks_.leave(TaskRoute::not_announceable); left > 0) {
        context_.fail(ExitCode::needs_person,
                      fmt::format("{}. A new process lives at {}, so its departure cannot be "
                                  "announced. {}",
                                  counted(static_cast<std::int64_t>(left),
                                          "task of the worker's old process belongs to a workflow "
                                          "that a master is running",
                                          "tasks of the worker's old process belong to workflows "
                                          "that masters are running"),
                                  event_.address, way_on_without_announcement()));
    }
    if (const auto left = tasks_.leave(TaskRoute::stuck); left > 0) {
        context_.fail(
            ExitCode::needs_person,
            fmt::format(
                "{} that no master will touch again (state FAILOVER without a command: use "
                "requeue; no host: use failover-workflow; a host that is not HOST:PORT: see "
                "explain). The items say which.",
                counted(static_cast<std::int64_t>(left), "task belongs to a workflow",
                        "tasks belong to workflows")));
    }
}

// By the worker's own node, not by the run's exit status, which another server may have raised.
bool TaskFailover::has_returned() {
    if (announced_.worker_returned() || restarted_) return announced_.worker_returned();
    const auto living = read_server(context_.registry, paths::kWorkers, event_.address, false);
    if (!living) return false;
    section_.alive = true;
    section_.startup_time = living->startup_time;
    context_.fail(ExitCode::refused,
                  came_back(*living) +
                      " It came back while its tasks were failed over: no mark was written.");
    return true;
}

// Whatever became of the rest of the run.
bool TaskFailover::all_dealt_with() const {
    return std::all_of(tasks_.all().begin(), tasks_.all().end(), [&](const TaskAtWorker& task) {
        if (task.route == TaskRoute::announced)
            return announced_.is_acknowledged() && task.outcome == TaskOutcome::moved_on;
        return task.outcome == TaskOutcome::failed_over ||
               task.outcome == TaskOutcome::redispatched || task.outcome == TaskOutcome::pending;
    });
}

// A mark for no task would only age the evidence of others. The exact one of a process fences it,
// and counts nowhere as a finished failover.
std::optional<MarkToWrite> TaskFailover::mark_wanted() {
    MarkToWrite mark{event_.address, event_.process, deadline_, {}};
    if (!tasks_.all().empty()) return mark;
    mark.value = kFenceValue;
    if (!event_.process || context_.registry.get(mark_path(event_.address, event_.process)))
        return std::nullopt;
    return mark;
}

void TaskFailover::write_worker_mark() {
    if (has_returned()) {
        section_.outcome = Outcome::refused;
        return;
    }
    const bool done = all_dealt_with();
    section_.outcome = !done                  ? Outcome::partial
                       : tasks_.all().empty() ? Outcome::nothing_to_do
                                              : Outcome::completed;
    if (!done) return;
    auto mark = mark_wanted();
    if (!mark) return;
    write_marks(context_.registry, context_.audit, {&*mark, 1});
    section_.mark = std::move(mark->done);
}

// As if every announced task moved on.
void TaskFailover::plan_worker_mark() {
    const bool any_left =
        std::any_of(tasks_.all().begin(), tasks_.all().end(),
                    [](const TaskAtWorker& task) { return task.outcome == TaskOutcome::left; });
    if (any_left || owners_.any_left()) return;
    if (const auto mark = mark_wanted()) section_.mark = planned_mark(context_.registry, *mark);
}

void TaskFailover::finish() {
    tasks_.list(section_);
    if (options_.dry_run && !tasks_.all().empty() && section_.outcome == Outcome::nothing_to_do)
        section_.outcome = Outcome::planned;
}

}  // namespace dsfailover
