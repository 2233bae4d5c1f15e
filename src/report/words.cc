#include "report/words.h"

namespace dsfailover {

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::completed:
            return "completed";
        case Outcome::nothing_to_do:
            return "nothing_to_do";
        case Outcome::already_failed_over:
            return "already_failed_over";
        case Outcome::refused:
            return "refused";
        case Outcome::partial:
            return "partial";
        case Outcome::failed:
            return "failed";
        case Outcome::interrupted:
            return "interrupted";
        case Outcome::planned:
            return "planned";
    }
    return "";
}

std::string_view to_string(WorkflowOutcome outcome) {
    switch (outcome) {
        case WorkflowOutcome::failed_over:
            return "failed_over";
        case WorkflowOutcome::planned:
            return "planned";
        case WorkflowOutcome::skipped:
            return "skipped";
        case WorkflowOutcome::refused:
            return "refused";
        case WorkflowOutcome::left:
            return "left";
        case WorkflowOutcome::failed:
            return "failed";
        case WorkflowOutcome::unknown:
            return "unknown";
        case WorkflowOutcome::requeued:
            return "requeued";
        case WorkflowOutcome::finished:
            return "finished";
        case WorkflowOutcome::rehosted:
            return "rehosted";
    }
    return "";
}

std::string_view to_string(SkipReason reason) {
    switch (reason) {
        case SkipReason::active:
            return "active";
        case SkipReason::by_parent:
            return "by_parent";
        case SkipReason::child_running:
            return "child_running";
        case SkipReason::child_unfinished:
            return "child_unfinished";
        case SkipReason::command_pending:
            return "command_pending";
        case SkipReason::done_before:
            return "done_before";
        case SkipReason::duplicate_tasks:
            return "duplicate_tasks";
        case SkipReason::fails_again:
            return "fails_again";
        case SkipReason::held:
            return "held";
        case SkipReason::held_by_two:
            return "held_by_two";
        case SkipReason::held_idle:
            return "held_idle";
        case SkipReason::in_doubt:
            return "in_doubt";
        case SkipReason::in_failover:
            return "in_failover";
        case SkipReason::in_place:
            return "in_place";
        case SkipReason::no_master:
            return "no_master";
        case SkipReason::no_start_time:
            return "no_start_time";
        case SkipReason::not_held:
            return "not_held";
        case SkipReason::not_in_failover:
            return "not_in_failover";
        case SkipReason::not_unfinished:
            return "not_unfinished";
        case SkipReason::odd_hosts:
            return "odd_hosts";
        case SkipReason::own_work:
            return "own_work";
        case SkipReason::ownerless:
            return "ownerless";
        case SkipReason::parent_unfinished:
            return "parent_unfinished";
        case SkipReason::running_elsewhere:
            return "running_elsewhere";
        case SkipReason::settling:
            return "settling";
        case SkipReason::several_commands:
            return "several_commands";
        case SkipReason::started_after_deadline:
            return "started_after_deadline";
        case SkipReason::state_changed:
            return "state_changed";
        case SkipReason::taken:
            return "taken";
        case SkipReason::task_alive:
            return "task_alive";
        case SkipReason::task_unanswered:
            return "task_unanswered";
        case SkipReason::unanswered:
            return "unanswered";
        case SkipReason::unknown:
            return "unknown";
        case SkipReason::unreadable_command_param:
            return "unreadable_command_param";
    }
    return "";
}

std::string_view to_string(TaskRoute route) {
    switch (route) {
        case TaskRoute::announced:
            return "announced";
        case TaskRoute::not_announceable:
            return "not_announceable";
        case TaskRoute::pending:
            return "pending";
        case TaskRoute::redispatched:
            return "redispatched";
        case TaskRoute::stuck:
            return "stuck";
        case TaskRoute::workflow_failover:
            return "workflow_failover";
    }
    return "";
}

std::string_view to_string(TaskOutcome outcome) {
    switch (outcome) {
        case TaskOutcome::announced:
            return "announced";
        case TaskOutcome::failed_over:
            return "failed_over";
        case TaskOutcome::left:
            return "left";
        case TaskOutcome::moved_on:
            return "moved_on";
        case TaskOutcome::pending:
            return "pending";
        case TaskOutcome::planned:
            return "planned";
        case TaskOutcome::redispatched:
            return "redispatched";
    }
    return "";
}

std::string_view to_string(MarkOutcome outcome) {
    switch (outcome) {
        case MarkOutcome::removed:
            return "removed";
        case MarkOutcome::kept:
            return "kept";
        case MarkOutcome::failed:
            return "failed";
        case MarkOutcome::planned:
            return "planned";
    }
    return "";
}

std::string_view to_string(OldProcess process) {
    switch (process) {
        case OldProcess::not_asked:
            return "not_asked";
        case OldProcess::nothing:
            return "nothing";
        case OldProcess::silent:
            return "silent";
        case OldProcess::answers:
            return "answers";
        case OldProcess::holds:
            return "holds";
    }
    return "";
}

std::string_view to_string(CheckName name) {
    switch (name) {
        case CheckName::no_master:
            return "no_master";
        case CheckName::no_normal_master:
            return "no_normal_master";
        case CheckName::no_worker:
            return "no_worker";
        case CheckName::needs_failover:
            return "needs_failover";
        case CheckName::in_doubt:
            return "in_doubt";
        case CheckName::dead_workers:
            return "dead_workers";
        case CheckName::stuck:
            return "stuck";
        case CheckName::unclaimed_commands:
            return "unclaimed_commands";
        case CheckName::old_commands:
            return "old_commands";
        case CheckName::ownerless:
            return "ownerless";
        case CheckName::odd_hosts:
            return "odd_hosts";
        case CheckName::lost_kills:
            return "lost_kills";
        case CheckName::idle:
            return "idle";
        case CheckName::serial_wait:
            return "serial_wait";
        case CheckName::coordinator:
            return "coordinator";
        case CheckName::alert_leader:
            return "alert_leader";
        case CheckName::clocks:
            return "clocks";
        case CheckName::marks:
            return "marks";
        case CheckName::leaked_locks:
            return "leaked_locks";
        case CheckName::abandoned:
            return "abandoned";
        case CheckName::held_idle:
            return "held_idle";
    }
    return "";
}

}  // namespace dsfailover
