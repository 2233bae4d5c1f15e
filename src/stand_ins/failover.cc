#include "stand_ins/failover.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "registry/paths.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

void StandInFailover::add(EpochMs due, const std::string& what, Work begin) {
    events_.push_back({due, what, std::move(begin)});
}

void StandInFailover::started(EpochMs startup_time, EpochMs now) {
    add(now, "of all hosts",
        [this, startup_time](const MasterView&) { fail_over_all(startup_time); });
}

void StandInFailover::master_gone(const ServerProcess& process, EpochMs now) {
    add(now + kAfterDeparture.count(), "of master " + process.address,
        [this, process, now](const MasterView&) {
            if (!lives(paths::kMasters, process))
                fail_over(process.address, now, mark_path(process.address, process.identity));
        });
}

void StandInFailover::worker_gone(const ServerProcess& process, EpochMs now) {
    add(now + kAfterDeparture.count(), "of worker " + process.address,
        [this, process](const MasterView& view) {
            if (lives(paths::kWorkers, process)) return;
            next([this, process](const MasterView& later) {
                registry_.write_mark(mark_path(process.address, process.identity),
                                     std::to_string(later.now));
            });
            for (const auto& [id, state] : held_)
                next([this, id = id, process, began = view.now](const MasterView& later) {
                    give_up_tasks(id, process, began, later);
                });
        });
}

bool StandInFailover::lives(std::string_view folder, const ServerProcess& process) {
    return std::ranges::any_of(registry_.living(folder), [&](const ServerProcess& living) {
        return living.address == process.address &&
               living.identity.startup_time == process.identity.startup_time;
    });
}

bool StandInFailover::step(const MasterView& view) {
    if (parts_.empty() && !begin_next(view.now)) return false;
    const Part part = std::move(parts_.back());
    parts_.pop_back();
    const std::size_t others = parts_.size();
    try {
        if (part(view)) return true;
        parts_.push_back(part);
        return false;
    } catch (const Left& left) {
        say_(fmt::format("leaves the failover {}, to try again: {}", event_.what, left.why));
        parts_.clear();
        add(view.now + kAgainAfter.count(), event_.what, event_.begin);
        next([this](const MasterView&) { end_lock(); });
        return true;
    } catch (...) {
        parts_.resize(others);
        parts_.push_back(part);
        throw;
    }
}

void StandInFailover::next(Work work) {
    until_done([work = std::move(work)](const MasterView& view) {
        work(view);
        return true;
    });
}

bool StandInFailover::begin_next(EpochMs now) {
    const auto first = std::ranges::min_element(events_, {}, &Event::due);
    if (first == events_.end() || first->due > now) return false;
    event_ = *first;
    events_.erase(first);
    next(event_.begin);
    return true;
}

void StandInFailover::fail_over_all(EpochMs event_time) {
    auto hosts = tables_.hosts_of_unfinished();
    std::ranges::reverse(hosts);
    for (const auto& host : hosts)
        next([this, host, event_time](const MasterView&) { fail_over_host(host, event_time); });
}

void StandInFailover::fail_over_host(const std::optional<std::string>& host, EpochMs event_time) {
    if (!host) throw Left{"an unfinished workflow has no host"};
    EpochMs deadline = event_time;
    for (const ServerProcess& master : registry_.living(paths::kMasters))
        if (master.address == *host) deadline = master.identity.startup_time;
    fail_over(*host, deadline, mark_path(*host, std::nullopt));
}

void StandInFailover::fail_over(const std::string& address, EpochMs deadline,
                                const std::string& mark) {
    next([this](const MasterView&) { end_lock(); });
    next([this, address, deadline, mark](const MasterView&) {
        if (registry_.mark(mark) == std::to_string(deadline)) return;
        next([this, mark, deadline](const MasterView&) {
            registry_.write_mark(mark, std::to_string(deadline));
        });
        next([this, address, deadline](const MasterView& view) {
            select(address, deadline, view.now);
        });
    });
    until_done([this, address, path = failover_lock_path(address)](const MasterView&) {
        const bool is_held = registry_.take_lock(path);
        if (is_held) lock_ = path;
        if (!is_held && !std::exchange(waits_, true))
            say_(fmt::format("waits for the failover lock of {}, and fails nothing over meanwhile",
                             address));
        if (is_held) waits_ = false;
        return is_held;
    });
}

void StandInFailover::select(const std::string& address, EpochMs deadline, EpochMs now) {
    std::vector<LeftWorkflow> left = tables_.left_by(address, deadline);
    std::erase_if(left, [&](const LeftWorkflow& each) { return held_.contains(each.id); });
    deadline_ = deadline;
    say_(fmt::format("fails over {}: {} of its workflows", address, left.size()));
    std::ranges::reverse(left);
    for (const LeftWorkflow& workflow : left)
        next([this, workflow, now](const MasterView&) { fail_over_workflow(workflow, now); });
}

void StandInFailover::fail_over_workflow(const LeftWorkflow& workflow, EpochMs now) {
    Transaction transaction(database_);
    if (!tables_.fail_over(workflow, now))
        throw Left{fmt::format("workflow {} is not in state {} any more", workflow.id,
                               workflow_state_name(workflow.state))};
    transaction.commit();
}

/// A task is taken over only if its worker could not report its end yet.
void StandInFailover::give_up_tasks(std::int64_t workflow_id, const ServerProcess& worker,
                                    EpochMs before, const MasterView& view) {
    using namespace task_state;
    const TaskExecutor* executor = view.executor_at(worker.address);
    Transaction transaction(database_);
    std::vector<std::int64_t> given_up;
    for (const OpenTask& task : tables_.open_tasks(workflow_id)) {
        if (task.host != worker.address) continue;
        if (task.state != kDispatched && task.state != kRunning) continue;
        if (executor && executor->has_ended(task.id, view.now)) continue;
        if (!tables_.was_submitted_before(task, before)) continue;
        tables_.redispatch(workflow_id, task, view.now);
        given_up.push_back(task.id);
    }
    if (given_up.empty()) return;
    transaction.commit();
    for (const std::int64_t id : given_up)
        say_(fmt::format("task {} of workflow {} was on {}, which is gone: it will run again", id,
                         workflow_id, worker.address));
}

void StandInFailover::end_lock() {
    if (lock_ && locks_ == FailoverLocks::given_back) registry_.release_lock(*lock_);
    lock_.reset();
}

}  // namespace dsfailover
