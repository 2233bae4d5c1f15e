#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/jdbc/client.h"
#include "registry/jdbc/connection.h"
#include "registry/jdbc/liveness.h"
#include "registry/jdbc/rows.h"
#include "registry/registry.h"

namespace dsfailover {

/// The locks of the JDBC registry: one row of t_ds_jdbc_registry_lock each, whose unique lock_key
/// lets only one client in.
class JdbcLocks {
  public:
    /// `movements` is shared with the registry, so that who was looked at needs no second look.
    JdbcLocks(std::shared_ptr<JdbcConnection> connection, JdbcRows& rows, const JdbcTimes& times,
              JdbcMovements& movements)
        : connection_(std::move(connection)), rows_(rows), times_(times), movements_(movements) {}

    /// Registry::lock for our `client`.
    LockAttempt take(const std::shared_ptr<JdbcClient>& client, const std::string& path,
                     Millis time_limit,
                     const std::function<void(const LockClaim&, Millis waited)>& waiting);
    /// Registry::claims.
    std::vector<LockClaim> claims(const std::string& path);
    /// Registry::locks.
    std::vector<LockState> locks_below(const std::string& prefix);

  private:
    std::int64_t try_insert(const JdbcClient& client, const std::string& path);
    std::optional<std::string> remove_if_abandoned(const std::string& path, const LockClaim& claim);
    bool is_dead(const LockClaim& claim, const JdbcClients& clients);
    std::optional<std::string> twin_of(const std::string& path);
    LockClaim to_claim(const Row& row) const;

    const std::shared_ptr<JdbcConnection> connection_;
    JdbcRows& rows_;
    const JdbcTimes& times_;
    JdbcMovements& movements_;
};

}  // namespace dsfailover
