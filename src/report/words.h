#pragma once

#include <string_view>
#include <vector>

namespace dsfailover {

// The words of the report, each kind with one to_string(). The order within a kind is that in which
// the report prints counts of it.

/// Of a run, a master or a worker.
enum class Outcome {
    completed,
    nothing_to_do,
    already_failed_over,
    refused,
    partial,
    failed,
    interrupted,
    planned
};
std::string_view to_string(Outcome outcome);

/// Of a workflow instance that a run was about.
enum class WorkflowOutcome {
    failed_over,
    planned,
    skipped,
    refused,
    left,
    failed,
    unknown,
    requeued,
    finished,
    rehosted
};
std::string_view to_string(WorkflowOutcome outcome);

/// Why a workflow instance was skipped or refused (docs/behaviour.md explains each).
enum class SkipReason {
    active,
    by_parent,
    child_running,
    child_unfinished,
    command_pending,
    done_before,
    duplicate_tasks,
    fails_again,
    held,
    held_by_two,
    held_idle,
    in_doubt,
    in_failover,
    in_place,
    no_master,
    no_start_time,
    not_held,
    not_in_failover,
    not_unfinished,
    odd_hosts,
    own_work,
    ownerless,
    parent_unfinished,
    running_elsewhere,
    settling,
    several_commands,
    started_after_deadline,
    state_changed,
    taken,
    task_alive,
    task_unanswered,
    unanswered,
    unknown,
    unreadable_command_param
};
std::string_view to_string(SkipReason reason);

/// How a task of a dead worker comes to run again.
enum class TaskRoute {
    announced,
    not_announceable,
    pending,
    redispatched,
    stuck,
    workflow_failover
};
std::string_view to_string(TaskRoute route);

/// Of a task of a dead worker.
enum class TaskOutcome { announced, failed_over, left, moved_on, pending, planned, redispatched };
std::string_view to_string(TaskOutcome outcome);

/// Of a failover mark that was examined.
enum class MarkOutcome { removed, kept, failed, planned };
std::string_view to_string(MarkOutcome outcome);

/// What still answers at the address of a master that counts as gone.
enum class OldProcess {
    not_asked,
    nothing,  ///< no connection
    silent,   ///< it accepts connections, and answers nothing
    answers,  ///< it holds none of the workflows whose host it is
    holds     ///< it holds one at least: it lives
};
std::string_view to_string(OldProcess process);

/// What status --check looks at (docs/behaviour.md explains each).
enum class CheckName {
    no_master,
    no_normal_master,
    no_worker,
    needs_failover,
    in_doubt,
    dead_workers,
    stuck,
    unclaimed_commands,
    old_commands,
    ownerless,
    odd_hosts,
    lost_kills,
    idle,
    serial_wait,
    coordinator,
    alert_leader,
    clocks,
    marks,
    leaked_locks,
    abandoned,  ///< this and the next: with --ask
    held_idle
};
std::string_view to_string(CheckName name);

/// All words of a kind, in its order.
template <typename Word>
const std::vector<std::string_view>& words_of() {
    static const std::vector<std::string_view> words = [] {
        std::vector<std::string_view> found;
        for (int index = 0; !to_string(static_cast<Word>(index)).empty(); ++index)
            found.push_back(to_string(static_cast<Word>(index)));
        return found;
    }();
    return words;
}

}  // namespace dsfailover
