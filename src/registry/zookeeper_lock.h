#pragma once

#include <memory>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "registry/zookeeper_session.h"

namespace dsfailover {

/// Registry::lock() in the way of Curator's InterProcessMutex, so that the masters and we exclude
/// each other: each claim is an ephemeral node `_c_<uuid>-lock-<number>` below the path, the lowest
/// number holds, and each waiter watches the claim before its own.
LockAttempt take_zookeeper_lock(
    std::shared_ptr<ZookeeperSession> session, const std::string& path, Millis time_limit,
    const std::function<void(const LockClaim&, Millis waited)>& waiting);

/// The claims below `path`, the holder first.
std::vector<LockClaim> zookeeper_claims(ZookeeperSession& session, const std::string& path);

/// "0x..." for the session that an ephemeral node belongs to, empty for other nodes.
std::string zookeeper_owner(const Stat& stat);

}  // namespace dsfailover
