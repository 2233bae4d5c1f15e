#pragma once

#include <cstdint>
#include <string_view>

namespace dsfailover {

/// TaskExecutionStatus of DolphinScheduler, as far as it matters here.
namespace task_state {
inline constexpr int kSubmitted = 0;
inline constexpr int kRunning = 1;
inline constexpr int kPaused = 3;
inline constexpr int kFailed = 6;
inline constexpr int kSucceeded = 7;
inline constexpr int kNeedFaultTolerance = 8;
inline constexpr int kKilled = 9;
inline constexpr int kDelayed = 12;  ///< DELAY_EXECUTION, which no report names
inline constexpr int kDispatched = 17;
}  // namespace task_state

/// The states of a task that has not ended: NEED_FAULT_TOLERANCE is that of one that was given up
/// and whose successor, where there is one, is another row.
inline constexpr int kUnfinishedTaskStates[] = {task_state::kSubmitted, task_state::kRunning,
                                                task_state::kNeedFaultTolerance,
                                                task_state::kDelayed, task_state::kDispatched};

/// DolphinScheduler's name: "RUNNING_EXECUTION". Empty for a number that is none of these states,
/// and for kDelayed.
std::string_view task_state_name(std::int64_t state);

}  // namespace dsfailover
