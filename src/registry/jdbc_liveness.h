#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "database/database.h"
#include "registry/jdbc_rows.h"

namespace dsfailover {

/// A row of t_ds_jdbc_registry_client_heartbeat.
struct JdbcHeartbeat {
    EpochMs last = 0;
    Millis session_timeout{0};
    /// Within its session timeout at `now`, the database's clock.
    bool fresh(EpochMs now) const { return now - last <= session_timeout.count(); }
};

/// Every client and its heartbeat at one moment, by the database's clock.
struct JdbcClients {
    EpochMs now = 0;
    std::map<std::int64_t, JdbcHeartbeat> heartbeats;

    /// Whether the client has a row that is within its session timeout.
    bool alive(std::int64_t client_id) const;
};

/// Reads them; inside a transaction or outside.
JdbcClients read_clients(Database& database);

/// Whether a node's row was written within the last 30 s: a master whose client row was purged
/// while it paused goes on working and writing its node (docs/dolphinscheduler.md).
bool recently_updated(const JdbcRow& row, const JdbcTimes& times, EpochMs now);

/// Whether `owner`, "IP_PID" or "IP_PID_THREAD", names the server that wrote this heartbeat under
/// its address.
bool names_server(const std::string& owner, const std::string& address,
                  const std::string& heartbeat);

}  // namespace dsfailover
