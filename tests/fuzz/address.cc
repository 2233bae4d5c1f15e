#include "base/address.h"

#include "base/error.h"
#include "fuzz.h"
#include "registry/paths.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const auto address = unless_refused<UsageError>([&] { return parse_address(text); });
    require(address || !is_address(text), "an address is accepted");
    if (!address) return;
    require(is_address(*address), "what was accepted is an address");
    require(parse_address(*address) == *address, "an address stays as it is");
    require(address_of_failover_lock(failover_lock_path(*address)) == *address,
            "a lock says whose it is");
    require(run_claim_path(*address) == run_claim_path(parse_address(*address)),
            "an address has one claim");
}

}  // namespace dsfailover
