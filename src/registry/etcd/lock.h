#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/etcd/session.h"
#include "registry/registry.h"

namespace dsfailover {

/// The locks of etcd's v3 lock service: a key for each claim, the lock's name and a lease in hex.
/// The one created first holds.
class EtcdLocks {
  public:
    EtcdLocks(std::shared_ptr<EtcdSession> session, std::string name_space)
        : session_(std::move(session)), name_space_(std::move(name_space)) {}

    /// Registry::lock.
    LockAttempt take(const std::string& path, Millis time_limit,
                     const std::function<void(const LockClaim&, Millis waited)>& waiting);
    /// One node of Registry::claim.
    std::unique_ptr<Lock> claim(const std::string& path, const std::string& value);
    /// Registry::claims.
    std::vector<LockClaim> claims(const std::string& path);
    /// Registry::locks.
    std::vector<LockState> locks_below(const std::string& prefix);

  private:
    class Queue;

    const std::shared_ptr<EtcdSession> session_;
    const std::string name_space_;
};

}  // namespace dsfailover
