#include "coordinator/workflow_verdict.h"

#include <algorithm>

namespace dsfailover {

namespace {

// START_FAILURE_TASK_PROCESS and RECOVER_SUSPENDED_PROCESS: a person resumed it, on whatever
// master.
bool resumed_by_hand(const WorkflowInstance& instance) {
    return instance.command_type == 3 || instance.command_type == 4;
}

bool at_or_before_newest_mark(const WorkflowInstance& instance, const AddressFacts& facts) {
    const auto& started = instance.last_start();
    return facts.newest_mark && started &&
           started->instants.earliest_us <= *facts.newest_mark * 1000;
}

// Another master may be running an instance that it recovered while the host stayed as it was.
bool maybe_run_by_another(const WorkflowInstance& instance, const AddressFacts& facts) {
    return facts.recovery_leaves_host &&
           (resumed_by_hand(instance) || at_or_before_newest_mark(instance, facts) ||
            facts.unparsable_mark);
}

// A sign of life after `since`, when it was given to another master, and after the last death of
// any master.
Verdict doubt(const AddressFacts& facts, const TaskActivity& activity, EpochMs since) {
    const EpochMs last_death = std::max(since, facts.newest_mark_of_any_master);
    const bool active =
        activity.latest && activity.latest->instants.earliest_us > last_death * 1000;
    return facts.any_master_lives && active ? Verdict::running_elsewhere : Verdict::in_doubt;
}

bool started_after_deadline(const WorkflowInstance& instance, const AddressFacts& facts) {
    const auto& started = instance.last_start();
    return started && !started->possibly_before(facts.deadline);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::selected:
            return "selected";
        case Verdict::started_after_deadline:
            return "started_after_deadline";
        case Verdict::done_before:
            return "done_before";
        case Verdict::running_elsewhere:
            return "running_elsewhere";
        case Verdict::in_doubt:
            return "in_doubt";
        case Verdict::no_start_time:
            return "no_start_time";
    }
    return "unknown";
}

std::optional<EpochMs> carried_stamp(const WorkflowInstance& instance, const AddressFacts& facts) {
    if (!instance.restart_time) return std::nullopt;
    for (const EpochMs stamp : facts.stamps) {
        if (instance.restart_time->was_written_as(stamp, facts.zone)) return stamp;
    }
    return std::nullopt;
}

bool needs_task_activity(const WorkflowInstance& instance, const AddressFacts& facts) {
    if (carried_stamp(instance, facts)) return facts.recovery_leaves_host;
    if (started_after_deadline(instance, facts)) return false;
    return facts.lives || maybe_run_by_another(instance, facts);
}

Verdict judge(const WorkflowInstance& instance, const AddressFacts& facts,
              const TaskActivity& activity) {
    // Later releases set host and restart_time on recovery: what still has a gone host is run by
    // nobody.
    const bool can_be_run_by_others = facts.recovery_leaves_host || facts.lives;
    if (const auto stamp = carried_stamp(instance, facts); stamp && can_be_run_by_others) {
        return facts.recovery_leaves_host ? doubt(facts, activity, *stamp) : Verdict::done_before;
    }
    if (started_after_deadline(instance, facts)) return Verdict::started_after_deadline;
    if (facts.lives) {
        if (!instance.last_start()) return Verdict::no_start_time;
        const EpochMs deadline = facts.deadline;
        if (activity.latest && activity.latest->instants.latest_us >= deadline * 1000) {
            return Verdict::running_elsewhere;
        }
        if (!activity.first_submit || !activity.first_submit->certainly_before(deadline)) {
            return Verdict::in_doubt;
        }
    }
    if (!maybe_run_by_another(instance, facts)) return Verdict::selected;
    // Neither a resumption by hand nor an unreadable mark says since when: that can never be
    // settled.
    if (!at_or_before_newest_mark(instance, facts)) return Verdict::in_doubt;
    return doubt(facts, activity, *facts.newest_mark);
}

}  // namespace dsfailover
