#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace dsfailover {

/// A master that lived when a stamp was written.
struct SeenMaster {
    std::string address;
    std::optional<EpochMs> startup_time;

    bool operator==(const SeenMaster& other) const = default;
};

/// The value of restart_time that a run of ours gave to the instances it recovered.
struct Stamp {
    EpochMs value = 0;
    std::string zone;                 ///< whose wall clock stands in the rows; empty: of 0.1
    std::vector<SeenMaster> masters;  ///< that lived when it was written

    bool knows_origin() const { return !zone.empty(); }
    bool operator==(const Stamp& other) const = default;
};

/// Reads the value of a node of stamps; nullopt if it holds anything else. A zone it names is one
/// that TimeZone accepts.
std::optional<std::vector<Stamp>> parse_stamps(std::string_view text);

/// The value of a node with these stamps, ascending, at most 60,000 bytes (MySQL's text column
/// holds 65,535): if need be the oldest forget which masters lived and name one that never does.
std::string format_stamps(std::vector<Stamp> stamps);

/// Whether the value of a node has room for these stamps with all that they know.
bool fit(std::span<const Stamp> stamps);

}  // namespace dsfailover
