#pragma once

#include <string_view>

namespace dsfailover {

/// Whether a task of this task_type can only be one that a worker runs and that is not a stream:
/// one of DolphinScheduler's own types. Not so FLINK_STREAM, the logic tasks (SUB_WORKFLOW, SWITCH,
/// CONDITIONS, DEPENDENT, DYNAMIC), which run in masters, and a plugin's type nobody here knows.
bool is_known_batch_type(std::string_view task_type);

/// Whether a master runs tasks of this type itself: the logic tasks, which need no worker.
bool is_logic_type(std::string_view task_type);

}  // namespace dsfailover
