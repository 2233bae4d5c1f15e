#include "coordinator/worker/announced_tasks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/plural.h"
#include "base/polling.h"
#include "coordinator/retried_transaction.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"

namespace dsfailover {

namespace {

// Masters act 30 s after an announcement, and not all of them at one moment.
constexpr Millis kMastersAct = std::chrono::seconds(45);
constexpr EpochMs kRestFollows = 5000;
constexpr Millis kProgressEvery{10'000};

}  // namespace

AnnouncedTasks::AnnouncedTasks(const RunContext& context, const FailoverOptions& options,
                               const WorkerFailoverEvent& event, WorkerTasks& tasks,
                               WorkerSection& section)
    : context_(context), options_(options), event_(event), tasks_(tasks), section_(section) {}

EpochMs AnnouncedTasks::patience_ends() const {
    return now_ms() + options_.wait.value_or(kMastersAct).count();
}

void AnnouncedTasks::leave_unannounced() {
    const std::size_t left = tasks_.leave(TaskRoute::announced, "--no-announce");
    if (left == 0) return;
    context_.fail(
        ExitCode::needs_person,
        fmt::format(
            "{} may be running, and --no-announce was given: {} left. Only an announcement of the "
            "worker's departure makes {} act.",
            counted(static_cast<std::int64_t>(left), "task belongs to a workflow that a master",
                    "tasks belong to workflows that masters"),
            left == 1 ? "it is" : "they are", left == 1 ? "that master" : "those masters"));
}

void AnnouncedTasks::announce(EpochMs event_time) {
    const std::vector<TaskAtWorker*> tasks = tasks_.on_route(TaskRoute::announced);
    if (tasks.empty() || !options_.announce) return;
    const ProcessIdentity incarnation =
        event_.process.value_or(ProcessIdentity{event_time, ::getpid()});
    AnnouncementResult result = announce_departure(context_, event_.address, incarnation, [&] {
        section_.announced = true;
        for (TaskAtWorker* task : tasks) task->outcome = TaskOutcome::announced;
    });
    if (result.kind == AnnouncementResult::Kind::announced)
        announcement_ = std::move(result);
    else
        refuse(result);
}

void AnnouncedTasks::refuse(const AnnouncementResult& result) {
    using Kind = AnnouncementResult::Kind;
    const bool leftover = result.kind == Kind::leftover;
    tasks_.leave(TaskRoute::announced,
                 leftover ? "the dead worker's row still stands" : "the worker registered");
    if (leftover) {
        context_.fail(ExitCode::needs_person,
                      fmt::format("The row of the dead worker {} still stands in the registry, so "
                                  "its departure cannot be "
                                  "announced yet. Living masters purge it once its session "
                                  "time-out (usually a minute) is "
                                  "over; run the command again then.",
                                  event_.address));
        return;
    }
    section_.alive = worker_returned_ = true;
    const bool meanwhile = result.kind == Kind::worker_registered;
    context_.fail(
        ExitCode::refused,
        fmt::format("A worker registered at {}{}: its departure cannot be announced. Nothing of it "
                    "was deleted{}.",
                    event_.address, meanwhile ? " while we announced" : "",
                    !meanwhile ? ""
                    : result.back_again
                        ? "; its node is registered"
                        : "; its node was not seen to come back yet, watch it in status"));
}

// A registry that is away for a moment is asked again.
void AnnouncedTasks::look_for_acknowledgement() {
    if (acknowledged_) return;
    try {
        section_.acknowledged = acknowledged_ =
            acknowledged(context_.registry, event_.address, *announcement_);
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::unreachable) throw;
        log_warn("{}; asking again", error.what());
    }
}

// Takes out of `open` the tasks that have moved on.
void AnnouncedTasks::forget_moved(std::vector<TaskAtWorker*>& open) {
    std::vector<std::int64_t> ids;
    for (const TaskAtWorker* task : open) ids.push_back(task->id);
    TaskInstanceStore store(context_.store());
    const auto standing = read_patiently(context_.database, [&] { return store.standing(ids); });
    std::erase_if(open, [&](TaskAtWorker* task) {
        const auto now = standing.find(task->id);
        const bool moved = now == standing.end() || now->second.flag == 0 ||
                           (now->second.state != task_state::kRunning &&
                            now->second.state != task_state::kDispatched);
        if (moved) task->outcome = TaskOutcome::moved_on;
        return moved;
    });
}

// Until every announced task has moved on and a master acknowledged the announcement, or the time
// is up. Where one of the two is seen the other follows soon, or never.
void AnnouncedTasks::follow(EpochMs until) {
    if (!announcement_) return;
    std::vector<TaskAtWorker*> open = tasks_.on_route(TaskRoute::announced);
    const EpochMs began = now_ms();
    EpochMs half_since = 0;
    Polling polling{until, Millis(1000), kProgressEvery};
    const auto look = [&] {
        look_for_acknowledgement();
        forget_moved(open);
        if (open.empty() && acknowledged_) return true;
        const bool half = open.empty() || acknowledged_;
        const EpochMs now = now_ms();
        if (half_since == 0 && half) half_since = now;
        polling.step = Millis(half ? 200 : 1000);
        const bool half_long = half_since > 0 && now >= half_since + kRestFollows;
        return half_long && (open.empty() ? now >= began + kMastersAct.count() : !options_.wait);
    };
    poll(polling, look, [&](std::int64_t seconds) {
        log_info("{} announced tasks have not moved on yet, {} by a master; {} s more", open.size(),
                 acknowledged_ ? "acknowledged" : "not acknowledged", seconds);
    });
    report_unconfirmed(open);
}

// Nothing acknowledged is never exit status 0.
void AnnouncedTasks::report_unconfirmed(std::span<TaskAtWorker* const> open) {
    if (open.empty() && acknowledged_) return;
    for (TaskAtWorker* task : open) task->reason = "not seen to move on in time";
    const bool deaf = !context_.registry.masters_notice_departures() && !acknowledged_;
    const std::string_view again = options_.wait.value_or(kMastersAct) < kMastersAct
                                       ? "run the command again with --wait 2m"
                                       : "run the command again";
    if (open.empty()) {
        context_.fail(ExitCode::needs_person,
                      fmt::format("All announced tasks moved on, but no master acknowledged the "
                                  "announcement, so no mark was written: {}, to see whether tasks "
                                  "are left.",
                                  again));
    } else if (deaf) {
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} announced, and not seen to move on. On a {} registry masters of these "
                        "releases do not notice that a worker departs: stop {}.",
                        counted(std::ssize(open), "task was", "tasks were"),
                        context_.registry.type(),
                        open.size() == 1
                            ? "its workflow in the user interface and run it again"
                            : "the workflows of these tasks in the user interface and run them "
                              "again"));
    } else {
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} not seen to move on in time, {}. Masters act 30 s after an "
                        "announcement: {}, and look at status for masters that wait for a lock.",
                        counted(std::ssize(open), "announced task was", "announced tasks were"),
                        acknowledged_ ? "although a master acknowledged the announcement"
                                      : "and no master acknowledged the announcement",
                        again));
    }
}

}  // namespace dsfailover
