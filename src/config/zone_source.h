#pragma once

#include <optional>

#include "config/value_sources.h"

namespace dsfailover {

/// The zone of a database's timestamps, and where it is from.
struct ZoneChoice {
    std::optional<OptionValue> zone;  ///< nullopt: nobody says
    bool is_own = false;              ///< --time-zone, or what else is dsfailover's own
};

/// Our own setting (nullptr: none), else the one that the database's URL gives the driver, else
/// that of the masters' JVM; but DolphinScheduler's before ours where `order` says so. Throws
/// UsageError where the URL leaves it to the server.
ZoneChoice choose_zone(const OptionValue* own, const std::optional<OptionValue>& driver,
                       const std::optional<OptionValue>& jvm, const SourceOrder& order);

}  // namespace dsfailover
