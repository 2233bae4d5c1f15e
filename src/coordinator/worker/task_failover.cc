#include "coordinator/worker/task_failover.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/address.h"
#include "base/interruption.h"
#include "base/log.h"
#include "base/polling.h"
#include "coordinator/cluster_check.h"
#include "coordinator/failover/lock_status.h"
#include "coordinator/failover/selection.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/retried_transaction.h"
#include "registry/paths.h"
#include "store/command_store.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

// Masters act 30 s after an announcement, and not all of them at one moment.
constexpr Millis kMastersAct = std::chrono::seconds(45);
constexpr EpochMs kRestFollows = 5000;
constexpr Millis kProgressEvery{10'000};

std::string came_back(const Server& worker) {
    return fmt::format("The worker {} is registered ({}).", worker.address,
                       worker.startup_time ? "startup time " + std::to_string(*worker.startup_time)
                                           : worker.problem);
}

}  // namespace

TaskFailover::TaskFailover(const RunContext& context, const FailoverOptions& options,
                           FirstLook look, WorkerFailoverEvent event)
    : context_(context),
      options_(options),
      look_(std::move(look)),
      event_(std::move(event)),
      section_(context.report.worker ? *context.report.worker
                                     : context.report.worker.emplace(options.items)) {
    section_.address = event_.address;
    if (const Server* living = look_.servers.worker(event_.address)) {
        restarted_ = section_.alive = true;
        section_.startup_time = living->startup_time;
    }
}

void TaskFailover::run() {
    try {
        work();
    } catch (const Interrupted&) {
        section_.outcome = Outcome::interrupted;
        fill_items();
        throw;
    } catch (const std::exception&) {
        section_.outcome = Outcome::failed;
        fill_items();
        throw;
    }
    fill_items();
}

void TaskFailover::work() {
    if (!options_.dry_run && !restarted_ && !stays_away()) return;
    const EpochMs event_time = event_.event_time.value_or(latest_clock(context_.database));
    if (context_.report.event) context_.report.event->event_time = event_time;
    section_.deadline = restarted_ ? std::min(event_time, *section_.startup_time) : event_time;
    find_tasks();
    choose_routes(event_time);
    route_by_command();
    // A master that waits for a leaked lock reacts to nothing.
    if (!tasks_.empty()) read_failover_locks(context_, look_.servers);
    const auto masters = fail_masters_over(event_time);
    if (!options_.announce) leave_unannounced();
    if (!options_.dry_run) {
        const auto announcement = announce(event_time);
        const EpochMs until = now_ms() + options_.wait.value_or(kMastersAct).count();
        if (masters) masters->wait_for_recovery(until);
        if (announcement) follow_announced(*announcement, until);
    }
    advise();
    if (options_.dry_run)
        plan_worker_mark();
    else
        write_worker_mark();
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
        spdlog::info("waiting {} s more, to see that {} does not come back (--grace)", seconds,
                     event_.address);
    });
}

void TaskFailover::find_tasks() {
    const EpochMs deadline = *section_.deadline;
    TaskInstanceStore(context_.store())
        .scan_worker_tasks(event_.address, [&](const WorkerTask& task) {
            const auto& submitted = task.task.submit_time;
            const bool meant = submitted ? submitted->possibly_before(deadline) : !restarted_;
            if (meant) tasks_.push_back({task, std::nullopt, std::nullopt, ""});
        });
    section_.selected = static_cast<std::int64_t>(tasks_.size());
}

void TaskFailover::choose_routes(EpochMs event_time) {
    SelectionRequest request = look_.request(event_time, event_.event_time.has_value());
    request.in_doubt = options_.in_doubt;
    for (const Task& task : tasks_) {
        const auto& host = task.row.workflow_host;
        const bool unfinished = task.row.workflow_state != workflow_state::kFailover;
        if (unfinished && host && is_address(*host) && !look_.servers.master(*host))
            request.addresses.insert(*host);
    }
    std::set<std::int64_t> commanded;  // workflows whose command waits, in whatever state they are
    if (!request.addresses.empty()) {
        read_selection(context_, look_.servers, request,
                       [&](const std::string&, const WorkflowInstance& instance, Verdict verdict,
                           std::optional<EpochMs>) {
                           if (verdict == Verdict::command_pending) commanded.insert(instance.id);
                           if (verdict == Verdict::in_doubt || verdict == Verdict::settling ||
                               verdict == Verdict::running_elsewhere ||
                               verdict == Verdict::done_before) {
                               doubts_.emplace(instance.id, skip_reason(verdict));
                           }
                       });
    }
    const TaskRoute announced = restarted_ ? TaskRoute::not_announceable : TaskRoute::announced;
    for (Task& task : tasks_) {
        const auto& host = task.row.workflow_host;
        const auto doubt = doubts_.find(task.row.task.workflow_instance_id);
        if (task.row.workflow_state == workflow_state::kFailover) continue;  // by its command
        if (commanded.contains(task.row.task.workflow_instance_id)) {
            task.route = TaskRoute::pending;
            task.outcome = TaskOutcome::pending;
            task.reason = to_string(SkipReason::command_pending);
        } else if (!host || !is_address(*host)) {
            task.route = TaskRoute::stuck;
            task.reason = "its workflow has no host";
        } else if (look_.servers.master(*host)) {
            task.route = announced;
        } else if (doubt != doubts_.end() && !look_.servers.masters.empty()) {
            task.route = announced;
            task.reason = to_string(doubt->second);
        } else {
            task.route = options_.redispatch && !restarted_ ? TaskRoute::redispatched
                                                            : TaskRoute::workflow_failover;
        }
    }
    if (commanded.empty()) return;
    context_.fail(
        ExitCode::needs_person,
        fmt::format("Workflows of these tasks with a command that waits in t_ds_command: "
                    "{}. They were left, since a second command would run them twice; see "
                    "status for whether a master takes it.",
                    commanded.size()));
}

// A workflow in state FAILOVER waits for a master, if it has a command.
void TaskFailover::route_by_command() {
    std::vector<std::int64_t> workflows;
    for (const Task& task : tasks_) {
        if (!task.route) workflows.push_back(task.row.task.workflow_instance_id);
    }
    if (workflows.empty()) return;
    std::set<std::int64_t> with_command;
    for (const WaitingCommand& command : CommandStore(context_.store()).for_workflows(workflows)) {
        with_command.insert(command.workflow_instance_id);
    }
    for (Task& task : tasks_) {
        if (task.route) continue;
        const bool has_command = with_command.contains(task.row.task.workflow_instance_id);
        task.route = has_command ? TaskRoute::pending : TaskRoute::stuck;
        task.outcome = has_command ? TaskOutcome::pending : TaskOutcome::left;
        task.reason = has_command
                          ? "its workflow waits for a master to take its command"
                          : "its workflow is in state FAILOVER without a command: use requeue";
    }
}

std::vector<TaskFailover::Task*> TaskFailover::on_route(TaskRoute route) {
    std::vector<Task*> tasks;
    for (Task& task : tasks_) {
        if (task.route == route) tasks.push_back(&task);
    }
    return tasks;
}

std::set<std::string> TaskFailover::owners(TaskRoute route) {
    std::set<std::string> hosts;
    for (const Task* task : on_route(route)) hosts.insert(*task->row.workflow_host);
    return hosts;
}

std::unique_ptr<MasterFailover> TaskFailover::fail_masters_over(EpochMs event_time) {
    std::set<std::string> masters = owners(TaskRoute::workflow_failover);
    masters.merge(owners(TaskRoute::redispatched));
    if (masters.empty()) return nullptr;
    auto failover = std::make_unique<MasterFailover>(context_, options_, look_);
    for (Task& task : tasks_) {
        if (task.route == TaskRoute::workflow_failover || task.route == TaskRoute::redispatched)
            failed_over_tasks_[task.row.task.workflow_instance_id].push_back(&task);
    }
    failover->on_failed_over([this](std::int64_t id) { note_failed_over(id); });
    if (!on_route(TaskRoute::redispatched).empty()) {
        failover->also_in_transaction(
            [&](std::span<const FailedOver> workflows) { redispatch(workflows); });
    }
    std::vector<FailoverTarget> targets;
    for (const std::string& address : masters)
        targets.push_back({address, std::nullopt, std::nullopt});
    failover->run(std::move(targets), event_.event_time ? std::optional(event_time) : std::nullopt,
                  false);
    // The event is the worker's; its masters' failovers have a later one.
    if (context_.report.event) context_.report.event->event_time = event_time;
    std::int64_t left = 0;
    for (const auto& [workflow, tasks] : failed_over_tasks_) {
        const auto doubt = doubts_.find(workflow);
        for (Task* task : tasks) {
            if (options_.dry_run && doubt == doubts_.end()) task->outcome = TaskOutcome::planned;
            if (task->outcome) continue;
            task->outcome = TaskOutcome::left;
            task->reason = doubt == doubts_.end() ? "its workflow was not failed over"
                                                  : to_string(doubt->second);
            ++left;
        }
    }
    if (left > 0) {
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} tasks are left, because their workflows were not failed over: "
                        "see the reasons in the items.",
                        left));
    }
    return failover;
}

// After the commit: whatever ends the run later, this is done.
void TaskFailover::note_failed_over(std::int64_t workflow) {
    const auto tasks = failed_over_tasks_.find(workflow);
    if (tasks == failed_over_tasks_.end()) return;
    for (Task* task : tasks->second) {
        const std::int64_t id = task->row.task.id;
        if (task->route == TaskRoute::redispatched && redispatched_tasks_.contains(id)) {
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
void TaskFailover::redispatch(std::span<const FailedOver> workflows) {
    std::vector<TaskInstance> tasks;
    for (const FailedOver& workflow : workflows) {
        const auto its = failed_over_tasks_.find(workflow.id);
        if (its == failed_over_tasks_.end()) continue;
        for (const Task* task : its->second) {
            if (task->route != TaskRoute::redispatched) continue;
            tasks.push_back(task->row.task);
            redispatched_tasks_.erase(task->row.task.id);  // by a try that was rolled back
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
        redispatched_tasks_.insert(id);
    }
}

void TaskFailover::leave_unannounced() {
    const std::vector<Task*> tasks = on_route(TaskRoute::announced);
    if (tasks.empty()) return;
    for (Task* task : tasks) {
        task->outcome = TaskOutcome::left;
        task->reason = "--no-announce";
    }
    context_.fail(
        ExitCode::needs_person,
        fmt::format("{} tasks belong to workflows that masters may be running, and --no-announce "
                    "was given: they are left. Only an announcement of the worker's departure "
                    "makes those masters act.",
                    tasks.size()));
}

std::optional<AnnouncementResult> TaskFailover::announce(EpochMs event_time) {
    const std::vector<Task*> tasks = on_route(TaskRoute::announced);
    if (tasks.empty() || !options_.announce) return std::nullopt;
    const ProcessIdentity incarnation =
        event_.process.value_or(ProcessIdentity{event_time, ::getpid()});
    const AnnouncementResult result =
        announce_departure(context_, event_.address, incarnation, [&] {
            section_.announced = true;
            for (Task* task : tasks) task->outcome = TaskOutcome::announced;
        });
    if (result.kind != AnnouncementResult::Kind::announced) {
        refuse_announcement(result);
        return std::nullopt;
    }
    return result;
}

void TaskFailover::refuse_announcement(const AnnouncementResult& result) {
    using Kind = AnnouncementResult::Kind;
    const bool leftover = result.kind == Kind::leftover;
    for (Task* task : on_route(TaskRoute::announced)) {
        task->outcome = TaskOutcome::left;
        task->reason = leftover ? "the dead worker's row still stands" : "the worker registered";
    }
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
    section_.alive = returned_ = true;
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
void TaskFailover::look_for_acknowledgement(const AnnouncementResult& announcement) {
    if (section_.acknowledged) return;
    try {
        section_.acknowledged = acknowledged(context_.registry, event_.address, announcement);
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::unreachable) throw;
        spdlog::warn("{}; asking again", error.what());
    }
}

// Takes out of `open` the tasks that have moved on.
void TaskFailover::forget_moved(std::vector<Task*>& open) {
    std::vector<std::int64_t> ids;
    for (const Task* task : open) ids.push_back(task->row.task.id);
    TaskInstanceStore store(context_.store());
    const auto standing = read_patiently(context_.database, [&] { return store.standing(ids); });
    std::erase_if(open, [&](Task* task) {
        const auto now = standing.find(task->row.task.id);
        const bool moved = now == standing.end() || now->second.flag == 0 ||
                           (now->second.state != task_state::kRunning &&
                            now->second.state != task_state::kDispatched);
        if (moved) task->outcome = TaskOutcome::moved_on;
        return moved;
    });
}

// Until every announced task has moved on and a master acknowledged the announcement, or the time
// is up. Where one of the two is seen the other follows soon, or never.
void TaskFailover::follow_announced(const AnnouncementResult& announcement, EpochMs until) {
    std::vector<Task*> open = on_route(TaskRoute::announced);
    const EpochMs began = now_ms();
    EpochMs half_since = 0;
    Polling polling{until, Millis(1000), kProgressEvery};
    const auto look = [&] {
        look_for_acknowledgement(announcement);
        forget_moved(open);
        if (open.empty() && section_.acknowledged) return true;
        const bool half = open.empty() || section_.acknowledged;
        const EpochMs now = now_ms();
        if (half_since == 0 && half) half_since = now;
        polling.step = Millis(half ? 200 : 1000);
        const bool half_long = half_since > 0 && now >= half_since + kRestFollows;
        return half_long && (open.empty() ? now >= began + kMastersAct.count() : !options_.wait);
    };
    poll(polling, look, [&](std::int64_t seconds) {
        spdlog::info("{} announced tasks have not moved on yet, {} by a master; {} s more",
                     open.size(), section_.acknowledged ? "acknowledged" : "not acknowledged",
                     seconds);
    });
    report_unconfirmed(open);
}

// Nothing acknowledged is never exit status 0.
void TaskFailover::report_unconfirmed(std::span<Task* const> open) {
    if (open.empty() && section_.acknowledged) return;
    for (Task* task : open) task->reason = "not seen to move on in time";
    const bool deaf = !context_.registry.masters_notice_departures() && !section_.acknowledged;
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
            fmt::format("{} tasks were announced, and not seen to move on. On a {} registry "
                        "masters of these releases do not notice that a worker departs: stop the "
                        "workflows of these tasks in the user interface and run them again.",
                        open.size(), context_.registry.type()));
    } else {
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} announced tasks were not seen to move on in time, {}. Masters act 30 s "
                        "after an announcement: {}, and look at status for masters that wait for a "
                        "lock.",
                        open.size(),
                        section_.acknowledged ? "although a master acknowledged the announcement"
                                              : "and no master acknowledged the announcement",
                        again));
    }
}

// A restarted master fails over all that is in doubt, anywhere, so that is no way on while anything
// is.
std::string TaskFailover::way_on_without_announcement() {
    std::vector<std::string> living;
    for (const std::string& owner : owners(TaskRoute::not_announceable)) {
        if (look_.servers.master(owner)) living.push_back(owner);
    }
    if (!doubts_.empty() || living.empty() || any_in_doubt(context_, look_.servers)) {
        return "Workflows are in doubt or running elsewhere (see status): settle those first, with "
               "failover-master --in-doubt ID,... for what nobody runs. A master that is restarted "
               "now would fail all of them over again.";
    }
    return fmt::format(
        "What makes these masters look again is their restart, one after the other: {}. See status "
        "before each: none while workflows are in doubt.",
        fmt::join(living, ", "));
}

void TaskFailover::advise() {
    if (const auto tasks = on_route(TaskRoute::not_announceable); !tasks.empty()) {
        for (Task* task : tasks) task->outcome = TaskOutcome::left;
        context_.fail(ExitCode::needs_person,
                      fmt::format("{} tasks of the worker's old process belong to workflows that "
                                  "masters are running. A new process "
                                  "lives at {}, so its departure cannot be announced. {}",
                                  tasks.size(), event_.address, way_on_without_announcement()));
    }
    if (const auto tasks = on_route(TaskRoute::stuck); !tasks.empty()) {
        for (Task* task : tasks) task->outcome = TaskOutcome::left;
        context_.fail(ExitCode::needs_person,
                      fmt::format("{} tasks belong to workflows that nobody will touch again "
                                  "(state FAILOVER without a command, or no "
                                  "host): see status, then requeue.",
                                  tasks.size()));
    }
}

// By the worker's own node, not by the run's exit status, which another server may have raised.
bool TaskFailover::has_returned() {
    if (returned_ || restarted_) return returned_;
    const auto living = read_server(context_.registry, paths::kWorkers, event_.address, false);
    if (!living) return false;
    section_.alive = returned_ = true;
    section_.startup_time = living->startup_time;
    context_.fail(ExitCode::refused,
                  came_back(*living) +
                      " It came back while its tasks were failed over: no mark was written.");
    return true;
}

// Whatever became of the rest of the run.
bool TaskFailover::all_dealt_with() const {
    return std::all_of(tasks_.begin(), tasks_.end(), [&](const Task& task) {
        if (task.route == TaskRoute::announced)
            return section_.acknowledged ? task.outcome == TaskOutcome::moved_on : false;
        return task.outcome == TaskOutcome::failed_over ||
               task.outcome == TaskOutcome::redispatched || task.outcome == TaskOutcome::pending;
    });
}

// A mark for no task would only age the evidence of others. The exact one of a process fences it,
// and counts nowhere as a finished failover.
std::optional<MarkToWrite> TaskFailover::mark_wanted() {
    MarkToWrite mark{event_.address, event_.process, *section_.deadline, {}};
    if (!tasks_.empty()) return mark;
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
    section_.outcome = !done            ? Outcome::partial
                       : tasks_.empty() ? Outcome::nothing_to_do
                                        : Outcome::completed;
    if (!done) return;
    auto mark = mark_wanted();
    if (!mark) return;
    write_marks(context_.registry, context_.audit, {&*mark, 1});
    section_.mark = std::move(mark->done);
}

// As if every announced task moved on.
void TaskFailover::plan_worker_mark() {
    const bool any_left = std::any_of(tasks_.begin(), tasks_.end(), [](const Task& task) {
        return task.outcome == TaskOutcome::left;
    });
    const auto& masters = *context_.report.masters;
    const bool beyond_limit = std::any_of(masters.begin(), masters.end(), [](const auto& master) {
        return master.workflows.left > 0;
    });
    if (any_left || beyond_limit) return;
    if (const auto mark = mark_wanted()) section_.mark = planned_mark(context_.registry, *mark);
}

void TaskFailover::fill_items() {
    for (const Task& task : tasks_) {
        if (!task.route) continue;  // the run ended before it was chosen
        ++section_.routes[*task.route];
        TaskItem item;
        item.id = task.row.task.id;
        item.name = task.row.task.name;
        item.workflow_instance_id = task.row.task.workflow_instance_id;
        item.state = task_state_name(task.row.task.state);
        item.owner = task.row.workflow_host;
        item.route = *task.route;
        item.outcome =
            task.outcome.value_or(options_.dry_run ? TaskOutcome::planned : TaskOutcome::left);
        if (!task.reason.empty()) item.reason = task.reason;
        section_.items.add(std::move(item));
    }
    if (options_.dry_run && !tasks_.empty() && section_.outcome == Outcome::nothing_to_do)
        section_.outcome = Outcome::planned;
}

}  // namespace dsfailover
