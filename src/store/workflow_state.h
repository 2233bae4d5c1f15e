#pragma once

#include <cstdint>
#include <string_view>

namespace dsfailover {

/// WorkflowExecutionStatus of DolphinScheduler, as far as it matters here.
namespace workflow_state {
inline constexpr int kSubmitted = 0;
inline constexpr int kRunning = 1;
inline constexpr int kReadyPause = 2;
inline constexpr int kPaused = 3;
inline constexpr int kReadyStop = 4;
inline constexpr int kStopped = 5;
inline constexpr int kFailed = 6;
inline constexpr int kSucceeded = 7;
inline constexpr int kSerialWait = 14;
inline constexpr int kFailover = 18;
}  // namespace workflow_state

/// The states of an instance that a master is at work on: a failover begins with one of them, and
/// its command goes back to it.
inline constexpr int kUnfinishedStates[] = {workflow_state::kRunning, workflow_state::kReadyPause,
                                            workflow_state::kReadyStop};

/// These, and that of an instance that was failed over and waits for a master.
inline constexpr int kUnfinishedOrFailoverStates[] = {
    workflow_state::kRunning, workflow_state::kReadyPause, workflow_state::kReadyStop,
    workflow_state::kFailover};

/// And those of instances that wait for their first command to be taken, or for another run.
inline constexpr int kNotEndedStates[] = {workflow_state::kSubmitted,  workflow_state::kRunning,
                                          workflow_state::kReadyPause, workflow_state::kReadyStop,
                                          workflow_state::kSerialWait, workflow_state::kFailover};

/// Whether `state` is one of kUnfinishedStates.
bool is_unfinished(int state);

/// Whether an instance in this state has an end to come: it waits to be taken (SUBMITTED_SUCCESS,
/// FAILOVER), or is_unfinished().
bool has_not_ended(int state);

/// Throws std::logic_error unless is_unfinished().
void require_unfinished(int state);

/// DolphinScheduler's name: "RUNNING_EXECUTION". Empty for a number that is none of these states.
std::string_view workflow_state_name(std::int64_t state);

}  // namespace dsfailover
