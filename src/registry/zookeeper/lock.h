#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "registry/zookeeper/session.h"

namespace dsfailover {

/// Registry::lock() in the way of Curator's InterProcessMutex, so that the masters and we exclude
/// each other: each claim is an ephemeral node `_c_<uuid>-lock-<number>` below the path, the lowest
/// number holds, and each waiter watches the claim before its own.
LockAttempt take_zookeeper_lock(
    const std::shared_ptr<ZookeeperSession>& session, const std::string& path, Millis time_limit,
    const std::function<void(const LockClaim&, Millis waited)>& waiting);

/// Registry::try_locks(), Registry::still_held() and Registry::release() for such locks: each step
/// for all of them at once.
std::vector<std::unique_ptr<Lock>> try_zookeeper_locks(
    const std::shared_ptr<ZookeeperSession>& session, std::span<const std::string> paths);
std::vector<bool> zookeeper_locks_held(std::span<Lock* const> locks);
void release_zookeeper_locks(std::span<Lock* const> locks) noexcept;

/// The claims below `path`, the holder first.
std::vector<LockClaim> zookeeper_claims(ZookeeperSession& session, const std::string& path);

/// "0x..." for the session that an ephemeral node belongs to, empty for other nodes.
std::string zookeeper_owner(const Stat& stat);

/// Registry::claim.
std::vector<std::unique_ptr<Lock>> claim_zookeeper_nodes(
    const std::shared_ptr<ZookeeperSession>& session, std::span<const std::string> paths,
    const std::string& value);

}  // namespace dsfailover
