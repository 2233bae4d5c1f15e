#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

/// What an option is when it is not given: for the structs that carry the options and for the table
/// that describes them.
namespace dsfailover::option_defaults {

inline constexpr Millis kGrace = std::chrono::seconds(30);
inline constexpr Millis kFenceTimeout = std::chrono::seconds(90);
inline constexpr Millis kLockTimeout = std::chrono::seconds(30);
inline constexpr Millis kUnclaimedAfter = std::chrono::minutes(2);
inline constexpr Millis kOlderThan = std::chrono::hours(24 * 7);
inline constexpr Millis kAskTimeout = std::chrono::seconds(3);
inline constexpr Millis kBacklogAfter = std::chrono::minutes(15);
inline constexpr Millis kIdle = std::chrono::hours(24);
inline constexpr std::int64_t kAskLimit = 10'000;
inline constexpr std::int64_t kItems = 1000;

}  // namespace dsfailover::option_defaults
