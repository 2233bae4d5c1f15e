#pragma once

#include <cstdint>
#include <string>

#include "database/database.h"
#include "registry/cluster.h"

namespace dsfailover {

/// The rows of a server in the JDBC registry's tables, which the server itself writes: its node and
/// its client's heartbeat. A master or worker can do no more about its registration than this.
class ServerRows {
  public:
    /// `folder`: paths::kMasters or kWorkers. `server` was read from there. Must not outlive
    /// `database`.
    ServerRows(Database& database, std::string_view folder, const Server& server);

    /// Writes a heartbeat of `now` (epoch ms) into both rows, in a transaction.
    void report(EpochMs now);
    /// Whether the exact mark of this process stands, which tells it to stop.
    bool is_marked();
    /// Removes both rows, in a transaction. Locks of the client stay, as those that leaked do.
    void remove();

  private:
    Database& database_;
    const std::string key_;
    const std::string mark_;  // empty: the heartbeat does not say which process it is
    std::int64_t client_id_ = 0;
};

}  // namespace dsfailover
