#include "registry/zookeeper/version.h"

#include <charconv>

namespace dsfailover {

std::optional<ZookeeperVersion> ZookeeperVersion::parse(std::string_view text) {
    ZookeeperVersion version;
    const char* const end = text.data() + text.size();
    const auto created = std::from_chars(text.data(), end, version.created);
    if (created.ec != std::errc() || created.ptr == end || *created.ptr != '.') return std::nullopt;
    const auto data = std::from_chars(created.ptr + 1, end, version.data);
    if (data.ec != std::errc() || data.ptr != end) return std::nullopt;
    return version;
}

std::string ZookeeperVersion::text() const {
    return std::to_string(created) + "." + std::to_string(data);
}

}  // namespace dsfailover
