#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "registry/registry.h"
#include "registry/zookeeper/session.h"

namespace dsfailover {

/// Registry::remove(): many nodes in one transaction of the server where all of them go, one by one
/// where one does not.
///
/// ZooKeeper compares the dataVersion only, which is the same for a node that was deleted and made
/// again. So every node is looked at before it is removed, unless no node at all was made in its
/// folder since the folder was listed: then one look at the folder serves for many nodes.
class ZookeeperRemoval {
  public:
    explicit ZookeeperRemoval(ZookeeperSession& session) : session_(session) {}

    /// Notes how many children were ever made below `folder` when it was listed. `stat` is the
    /// folder's, as of then.
    void listed(const std::string& folder, const Stat& stat);

    /// Removes what still has its version; paths are absolute below the namespace given to the
    /// session. An outcome that a broken connection left open is looked up. Throws as
    /// Registry::remove().
    void remove(std::span<Removal> removals);

  private:
    using Batch = std::vector<Removal*>;

    void remove_some(std::span<Removal> removals);
    bool made_none_since_listed(const std::string& folder);
    Batch still_as_read(const Batch& batch, RemoveOutcome if_gone);
    Batch remove_together(const Batch& batch);
    Batch remove_singly(const Batch& batch);
    ZookeeperRequest removal_request(const Removal& removal) const;

    ZookeeperSession& session_;
    std::map<std::string, std::uint32_t> made_when_listed_;
};

}  // namespace dsfailover
