#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/stored_time.h"
#include "base/time.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

/// What is to be done with an unfinished workflow instance of an address, and why not.
enum class Verdict {
    selected,
    started_after_deadline,
    done_before,
    running_elsewhere,
    in_doubt,
    no_start_time,
};

/// The skip reason as the report names it; "selected" for selected.
std::string_view to_string(Verdict verdict);

/// What is known of the address that an instance has as host.
struct AddressFacts {
    EpochMs deadline = 0;
    bool lives = false;                 ///< another process lives at the address
    bool recovery_leaves_host = false;  ///< Schema::recovery_leaves_host
    bool any_master_lives = false;
    std::optional<EpochMs> newest_mark;     ///< of the address, fences not counted
    bool unparsable_mark = false;           ///< a mark, or the stamps, cannot be read
    EpochMs newest_mark_of_any_master = 0;  ///< needed only where judge() is given task activity
    std::vector<EpochMs> stamps;
    TimeZone zone;  ///< of the timestamps, to know a stamp again
};

/// The stamp the instance carries as restart_time: it was failed over by us.
std::optional<EpochMs> carried_stamp(const WorkflowInstance& instance, const AddressFacts& facts);

/// Whether judge() needs the instance's task activity.
bool needs_task_activity(const WorkflowInstance& instance, const AddressFacts& facts);

/// Judges an instance in state 1, 2 or 4 of the address. `activity` is looked at where
/// needs_task_activity() says so; an instance without tasks has an empty one.
///
/// The rules are those of docs/behaviour.md, "Which workflows", in this order: our own work, the
/// deadline, the new process at a living address, other masters that may run it.
Verdict judge(const WorkflowInstance& instance, const AddressFacts& facts,
              const TaskActivity& activity);

}  // namespace dsfailover
