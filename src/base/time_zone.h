#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"

namespace dsfailover {

/// The instants (epoch microseconds) that a stored wall-clock time may stand for. More than one
/// where the column rounds (MySQL's whole seconds) or the zone repeats an hour.
struct InstantRange {
    std::int64_t earliest_us = 0;
    std::int64_t latest_us = 0;
};

/// The zone in which the masters' JVM writes the database's timestamps.
class TimeZone {
  public:
    /// UTC, which needs no zone data.
    TimeZone() = default;

    /// "UTC", "GMT+8", "+08:00", "Z", or an IANA name such as "Asia/Shanghai". Throws UsageError
    /// for an unknown zone, or when the system has no zone data.
    explicit TimeZone(std::string_view name);

    const std::string& name() const { return name_; }

    /// Wall clock to instants. A time that the zone skips (spring) stands for the instant of the
    /// change. `local_us` is the wall clock read as if it were UTC, in
    /// microseconds.
    InstantRange to_instants(std::int64_t local_us) const;

    /// Instant to wall clock, both in microseconds, the wall clock as if it were UTC.
    std::int64_t to_local(std::int64_t epoch_us) const;

  private:
    std::string name_ = "UTC";
    std::int64_t fixed_offset_us_ = 0;
    const void* zone_ = nullptr;  // date::time_zone, owned by the library's data base
};

}  // namespace dsfailover
