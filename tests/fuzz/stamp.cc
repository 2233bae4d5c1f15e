#include "coordinator/failover/stamp.h"

#include "base/time_zone.h"
#include "fuzz.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const auto stamps = parse_stamps(text);
    if (!stamps) return;
    for (const Stamp& stamp : *stamps)
        if (stamp.knows_origin()) TimeZone(stamp.zone).to_local(stamp.value * 1000);
    const std::string written = format_stamps(*stamps);
    const auto again = parse_stamps(written);
    require(again.has_value(), "what was written can be read");
    require(!fit(*stamps) || *again == *stamps, "stamps stay as they are");
    require(again->size() == stamps->size(), "no stamp is lost");
}

}  // namespace dsfailover
