#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace dsfailover {

/// Milliseconds since 1970-01-01T00:00:00Z: the unit of heartbeats, marks, stamps and deadlines.
using EpochMs = std::int64_t;
using Millis = std::chrono::milliseconds;

/// This machine's clock.
EpochMs now_ms();

/// "2026-11-22T07:27:59.123Z"; outside of the years 0 to 9999, which a damaged mark can hold, the
/// bare number, "N ms".
std::string format_rfc3339(EpochMs time);

/// Parses epoch milliseconds ("1795331879415") or RFC 3339 ("2026-11-22T07:27:59.415Z", offsets
/// included; digits beyond the milliseconds are cut off). Throws UsageError naming `what` (the
/// option) when it is neither, and for a number that can only be seconds or microseconds.
/// If `needs_millis` is set, an RFC 3339 time without a fraction of a second is refused: a startup
/// time identifies a process only with its milliseconds.
EpochMs parse_time(std::string_view text, std::string_view what, bool needs_millis = false);

/// Parses "500ms", "90s", "15m", "12h", "7d". Throws UsageError naming `what` otherwise; negative
/// values, missing units and values over 100 years are errors.
Millis parse_duration(std::string_view text, std::string_view what);

/// "90s", "15m", "12h", "7d": the shortest exact form parse_duration reads back.
std::string format_duration(Millis duration);

}  // namespace dsfailover
