#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace dsfailover {

/// A mark's value, decimal epoch milliseconds; nullopt if it is not a number of at most 15 digits.
std::optional<EpochMs> parse_mark_value(std::string_view value);

/// A fence: the mark that makes a living server stop itself. It counts nowhere as a finished
/// failover.
inline constexpr EpochMs kFenceValue = 0;

}  // namespace dsfailover
