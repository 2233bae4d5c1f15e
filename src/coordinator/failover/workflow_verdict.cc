#include "coordinator/failover/workflow_verdict.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "store/command_type.h"

namespace dsfailover {

namespace {

constexpr std::int64_t kQuarterHourUs = 15 * 60 * 1'000'000LL;
constexpr std::int64_t kFarthestZonesUs = 26 * 4 * kQuarterHourUs;

bool started_after_deadline(const WorkflowInstance& instance, const AddressFacts& facts) {
    const auto& started = instance.last_start();
    return started && !started->possibly_before(facts.deadline);
}

bool is_own_work(const WorkflowInstance& instance, const AddressFacts& facts) {
    return instance.restart_time && facts.own_stamp_local_us &&
           instance.restart_time->local_us == *facts.own_stamp_local_us;
}

// A stamp that a run in another zone wrote. Those of 0.1 do not say in which: zones lie whole
// quarters of an hour apart.
bool is_stamp_of_another_zone(const WorkflowInstance& instance, const AddressFacts& facts) {
    if (!instance.restart_time) return false;
    const std::int64_t local_us = instance.restart_time->local_us;
    return std::any_of(facts.stamps.begin(), facts.stamps.end(), [&](const StampFacts& stamp) {
        if (stamp.knows_origin) return stamp.foreign_local_us == local_us;
        const std::int64_t apart = std::abs(local_us - stamp.local_us);
        return apart != 0 && apart % kQuarterHourUs == 0 && apart <= kFarthestZonesUs;
    });
}

// What was handed over at `since`, by a stamp or a mark, where no master answers. `stamp`: nullptr
// for a mark.
Verdict doubt(const AddressFacts& facts, const TaskActivity& activity, EpochMs since,
              const StampFacts* stamp) {
    const EpochMs last_death = std::max(since, facts.newest_mark_of_any_master);
    const bool moved = activity.latest && activity.latest->instants.earliest_us > last_death * 1000;
    const bool its_masters_live = !stamp || !stamp->knows_origin || stamp->origin_lives;
    if (moved && its_masters_live && facts.any_master_lives) return Verdict::running_elsewhere;
    if (!moved && facts.clock - since < kSettlingMs) return Verdict::settling;
    return Verdict::in_doubt;
}

// Where a master took it during this run.
Verdict taken_meanwhile(const Evidence& evidence) {
    return evidence.answer == MasterAnswer::not_held ? Verdict::in_doubt
                                                     : Verdict::running_elsewhere;
}

Verdict at_living_address(const AddressFacts& facts, const TaskActivity& activity) {
    if (activity.latest && activity.latest->instants.latest_us >= facts.deadline * 1000)
        return Verdict::running_elsewhere;
    if (!activity.first_submit || !activity.first_submit->certainly_before(facts.deadline))
        return Verdict::in_doubt;
    return Verdict::selected;
}

// Rows 1 to 7: what holds whoever the master was. Row 0: none of them applies.
Judgement judge_first(const WorkflowInstance& instance, const AddressFacts& facts,
                      const Evidence& evidence) {
    if (!instance.host || instance.host->empty()) return {Verdict::ownerless, 1};
    if (!facts.is_address) return {Verdict::odd_host, 1};
    if (is_own_work(instance, facts)) return {Verdict::own_work, 2};
    const bool has_stamp =
        carried_stamp(instance, facts) || is_stamp_of_another_zone(instance, facts);
    if ((facts.lives || facts.event_time_given) && !facts.by_answer_alone && !has_stamp &&
        started_after_deadline(instance, facts))
        return {Verdict::started_after_deadline, 3};
    switch (evidence.answer) {
        case MasterAnswer::held:
        case MasterAnswer::held_by_two:
            return {Verdict::running_elsewhere, 4};
        case MasterAnswer::held_idle:
            return {Verdict::held_idle, 4};
        case MasterAnswer::not_asked:
        case MasterAnswer::unanswered:
        case MasterAnswer::not_held:
            break;
    }
    if (evidence.command_waits) return {Verdict::command_pending, 5};
    if (evidence.seen_busy && facts.recovery_leaves_host) return {taken_meanwhile(evidence), 6};
    if (evidence.moved_in_run) return {taken_meanwhile(evidence), 7};
    return {};
}

}  // namespace

SkipReason skip_reason(Verdict verdict) {
    switch (verdict) {
        case Verdict::selected:
            break;
        case Verdict::ownerless:
            return SkipReason::ownerless;
        case Verdict::odd_host:
            return SkipReason::odd_hosts;
        case Verdict::own_work:
            return SkipReason::own_work;
        case Verdict::started_after_deadline:
        case Verdict::impossible_start:
            return SkipReason::started_after_deadline;
        case Verdict::running_elsewhere:
            return SkipReason::running_elsewhere;
        case Verdict::held_idle:
            return SkipReason::held_idle;
        case Verdict::command_pending:
            return SkipReason::command_pending;
        case Verdict::child_running:
            return SkipReason::child_running;
        case Verdict::by_parent:
            return SkipReason::by_parent;
        case Verdict::done_before:
            return SkipReason::done_before;
        case Verdict::settling:
            return SkipReason::settling;
        case Verdict::in_doubt:
            return SkipReason::in_doubt;
        case Verdict::unanswered:
            return SkipReason::unanswered;
        case Verdict::no_start_time:
            return SkipReason::no_start_time;
    }
    throw std::logic_error("skip_reason() of what is selected");
}

const StampFacts* carried_stamp(const WorkflowInstance& instance, const AddressFacts& facts) {
    if (!instance.restart_time) return nullptr;
    const auto found =
        std::find_if(facts.stamps.rbegin(), facts.stamps.rend(), [&](const StampFacts& stamp) {
            return !stamp.foreign_local_us && stamp.local_us == instance.restart_time->local_us;
        });
    return found == facts.stamps.rend() ? nullptr : &*found;
}

bool resumed_by_hand(const WorkflowInstance& instance) {
    return instance.command_type == command_type::kRecoverSuspended ||
           instance.command_type == command_type::kStartFailureTask;
}

bool at_or_before_newest_mark(const WorkflowInstance& instance, const AddressFacts& facts) {
    const auto& started = instance.last_start();
    return facts.newest_mark && started &&
           started->instants.earliest_us <= *facts.newest_mark * 1000;
}

bool maybe_run_by_another(const WorkflowInstance& instance, const AddressFacts& facts) {
    return facts.recovery_leaves_host &&
           (resumed_by_hand(instance) || at_or_before_newest_mark(instance, facts) ||
            facts.unparsable_mark);
}

bool needs_task_activity(const WorkflowInstance& instance, const AddressFacts& facts,
                         const Evidence& evidence) {
    if (judge_first(instance, facts, evidence).row != 0 || facts.by_answer_alone) return false;
    if (carried_stamp(instance, facts)) return facts.recovery_leaves_host;
    if (is_stamp_of_another_zone(instance, facts)) return false;
    if (facts.lives) return instance.last_start().has_value();
    return !started_after_deadline(instance, facts) && maybe_run_by_another(instance, facts);
}

Judgement judge(const WorkflowInstance& instance, const AddressFacts& facts,
                const Evidence& evidence) {
    if (const Judgement first = judge_first(instance, facts, evidence); first.row != 0)
        return first;
    const bool nobody_holds_it = evidence.answer == MasterAnswer::not_held;
    const auto unless_not_held = [&](Verdict fallback) {
        return nobody_holds_it ? Verdict::selected : fallback;
    };
    if (facts.by_answer_alone) return {unless_not_held(Verdict::unanswered), 14};
    const StampFacts* const stamp = carried_stamp(instance, facts);
    if (!stamp && is_stamp_of_another_zone(instance, facts))
        return {unless_not_held(Verdict::in_doubt), 8};
    if (stamp && facts.recovery_leaves_host)
        return {unless_not_held(doubt(facts, evidence.activity, stamp->value, stamp)), 9};
    if (stamp && facts.lives) return {unless_not_held(Verdict::done_before), 10};
    if (!stamp && !facts.lives && started_after_deadline(instance, facts))
        return {Verdict::impossible_start, 11};
    if (facts.lives) {
        if (!instance.last_start()) return {Verdict::no_start_time, 12};
        const Verdict by_tasks = at_living_address(facts, evidence.activity);
        if (by_tasks != Verdict::selected) return {unless_not_held(by_tasks), 13};
    }
    const int row = facts.lives ? 14 : 15;
    if (maybe_run_by_another(instance, facts)) {
        // Neither a resumption by hand nor an unreadable mark says since when: that can never be
        // settled.
        if (!at_or_before_newest_mark(instance, facts))
            return {unless_not_held(Verdict::in_doubt), row};
        return {unless_not_held(doubt(facts, evidence.activity, *facts.newest_mark, nullptr)), row};
    }
    return {Verdict::selected, facts.lives ? 14 : 16};
}

bool can_be_overruled(const Judgement& judgement, bool named) {
    switch (judgement.row) {
        case 8:
        case 9:
        case 13:
        case 14:
        case 15:
            break;
        default:
            return false;
    }
    if (judgement.verdict == Verdict::in_doubt) return true;
    return named && (judgement.verdict == Verdict::running_elsewhere ||
                     judgement.verdict == Verdict::settling);
}

}  // namespace dsfailover
