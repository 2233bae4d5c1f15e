#pragma once

#include <zookeeper/zookeeper.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dsfailover {

/// Node::version in ZooKeeper: the node's dataVersion, which starts anew when the node is deleted
/// and made again, and its czxid, which tells the two nodes apart.
struct ZookeeperVersion {
    std::int64_t created = 0;
    std::int32_t data = 0;

    static ZookeeperVersion of(const Stat& stat) { return {stat.czxid, stat.version}; }
    /// None if `text` is not a version of ours.
    static std::optional<ZookeeperVersion> parse(std::string_view text);
    std::string text() const;
    bool operator==(const ZookeeperVersion&) const = default;
};

}  // namespace dsfailover
