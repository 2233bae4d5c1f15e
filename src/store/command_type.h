#pragma once

namespace dsfailover {

/// CommandType of DolphinScheduler, as far as it matters here: of a command, and of the instance
/// that was started with it.
namespace command_type {
inline constexpr int kStartProcess = 0;
inline constexpr int kRecoverToleranceFault = 2;
inline constexpr int kRecoverSuspended = 3;
inline constexpr int kStartFailureTask = 4;
inline constexpr int kBackfill = 5;  ///< COMPLEMENT_DATA
inline constexpr int kScheduler = 6;
inline constexpr int kRepeatRunning = 7;
}  // namespace command_type

}  // namespace dsfailover
