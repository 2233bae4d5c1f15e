#include "config/zone_source.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dsfailover {

ZoneChoice choose_zone(const OptionValue* own, const std::optional<OptionValue>& driver,
                       const std::optional<OptionValue>& jvm, const SourceOrder& order) {
    const std::optional<OptionValue>& theirs = driver ? driver : jvm;
    // A zone in the URL of --database goes behind ours all the same.
    const bool place_wins = own != nullptr && theirs && is_dolphinschedulers(theirs->source) &&
                            order.before(theirs->source, own->source);
    if (own != nullptr && !place_wins) return {*own, true};
    if (driver && driver->value == "SERVER")
        throw UsageError(fmt::format(
            "{}: the URL leaves the time zone to the server (connectionTimeZone=SERVER): "
            "give the zone of its timestamps with --time-zone",
            driver->origin));
    return {theirs, false};
}

}  // namespace dsfailover
