#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"
#include "registry/jdbc/rows.h"

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
    /// Epoch ms; 0: the client has no row.
    EpochMs last_heartbeat(std::int64_t client_id) const;
};

/// Reads them; inside a transaction or outside.
JdbcClients read_clients(Database& database);

/// A row of ours in the registry's tables: of `client_id`, under `key` in the column `key_column`.
struct JdbcOwnRow {
    std::string_view table, key_column;
    std::int64_t id = 0;
    std::int64_t client_id = 0;
    const std::string& key;
};

/// Whether the row is still there, and its client within `session_timeout`. Reads only, so that it
/// is not held up by the writes of the caller's own transaction on SQLite.
bool is_still_there(Database& database, const JdbcOwnRow& row, Millis session_timeout);

/// Whether the heartbeat in a node's value has a reportTime within 30 s of `now` (epoch ms): a
/// master whose client row was purged while it paused goes on working and writing its node
/// (docs/dolphinscheduler.md). The row's own times say less: which instants they are depends on the
/// zone of whoever wrote them.
bool reported_lately(const std::string& heartbeat, EpochMs now);

/// What changes while the server of this node lives, whatever its clock says.
std::string movable_state(const JdbcRow& row, const JdbcClients& clients);

/// Which rows change while we look on. A server or client whose clock is wrong, or whose client row
/// was purged, looks dead by its times and lives all the same; one that stands still for 12 s,
/// which is longer than any interval of heartbeats, is dead.
class JdbcMovements {
  public:
    static constexpr Millis kSecondLook{12000};
    enum class Sign {
        unknown,  ///< not looked at for so long, and not seen to change
        moves,    ///< changed within the last 12 s
        stands,   ///< unchanged for 12 s at least
    };
    /// Looks at what is under `key` now.
    Sign look(const std::string& key, const std::string& state);
    /// Looks at the row of this client; one without a row has an empty one.
    Sign look(std::int64_t client_id, const JdbcClients& clients);
    /// Looks at every client, so that none needs a second look of its own later.
    void look_at_all(const JdbcClients& clients);

  private:
    struct Seen {
        std::string state;
        std::chrono::steady_clock::time_point since;
        bool moved = false;
    };
    std::map<std::string, Seen> seen_;
};

/// Whether `owner`, "IP_PID" or "IP_PID_THREAD", names the server that wrote this heartbeat under
/// its address.
bool names_server(const std::string& owner, const std::string& address,
                  const std::string& heartbeat);

}  // namespace dsfailover
