#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/time_zone.h"

namespace dsfailover {

/// A timestamp column: the text as the database gave it, which compare-and-set uses at full
/// precision, and the instants it may stand for.
struct StoredTime {
    std::string text;
    InstantRange instants;        ///< epoch microseconds, both ends included
    std::int64_t local_us = 0;    ///< the wall clock read as if it were UTC, in microseconds
    std::int64_t instant_us = 0;  ///< what the text says, rounding aside, in epoch microseconds

    /// Some instant it may stand for lies before `deadline` (epoch ms).
    bool possibly_before(EpochMs deadline) const { return instants.earliest_us < deadline * 1000; }
    /// Every instant it may stand for lies before `deadline` (epoch ms).
    bool certainly_before(EpochMs deadline) const { return instants.latest_us < deadline * 1000; }
    /// It is what format_stored_time wrote for `time` (epoch ms, rounded by round_up) in `zone`:
    /// whether a restart_time is a stamp. Exact, unlike the range.
    bool was_written_as(EpochMs time, const TimeZone& zone) const {
        return local_us == zone.to_local(time * 1000);
    }
    /// What the text says, rounding aside, epoch ms; in an hour that the zone repeats, the middle.
    EpochMs epoch_ms() const { return instant_us / 1000; }
};

/// Parses "YYYY-MM-DD HH:MM:SS[.ffffff]" ('T' between is accepted, digits beyond microseconds are
/// dropped) in `zone`. Where `precision_us`, the column's, is coarser than a millisecond the server
/// did not keep all that a master wrote: MySQL rounds half up, MariaDB drops the rest. A stored s
/// then stands for all from half of the precision before it up to, but not including, the whole of
/// it after.
/// Throws EnvironmentError naming the text.
StoredTime parse_stored_time(std::string_view text, const TimeZone& zone,
                             std::int64_t precision_us);

/// The wall clock of `time` (epoch ms) in `zone` as the database takes it, "YYYY-MM-DD
/// HH:MM:SS.mmm", or without a fraction where the column has none; `time` must then be a whole
/// second: see round_up.
std::string format_stored_time(EpochMs time, const TimeZone& zone, std::int64_t precision_us);

/// The precision in which the masters write times, whatever the column keeps of them.
inline constexpr std::int64_t kWrittenPrecisionUs = 1000;

/// `time` (epoch ms) rounded up to the column's precision, at least milliseconds: a value the
/// column keeps as it is, not before `time`.
EpochMs round_up(EpochMs time, std::int64_t precision_us);

}  // namespace dsfailover
