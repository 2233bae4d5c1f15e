#include <algorithm>

#include "fuzz.h"
#include "registry/zookeeper/claim_name.h"
#include "registry/zookeeper/version.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, '\n');
    const std::vector<std::string> names(parts.begin(), parts.end());
    const std::vector<std::string> claims = claims_in_order(names);
    require(claims.size() <= names.size(), "no claim is invented");
    for (const std::string& claim : claims)
        require(std::ranges::find(names, claim) != names.end() &&
                    claim.find(kLockPart) != std::string::npos,
                "a claim is one of the names");
    const std::vector<std::string> backwards(names.rbegin(), names.rend());
    require(claims_in_order(backwards) == claims, "the order is that of the numbers");
    if (const auto version = ZookeeperVersion::parse(text))
        require(ZookeeperVersion::parse(version->text()) == version, "a version stays");
}

}  // namespace dsfailover
