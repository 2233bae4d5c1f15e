#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "database/database.h"
#include "registry/living_servers.h"
#include "registry/process_identity.h"

namespace dsfailover {

/// The rows of a server in the JDBC registry's tables, which the server itself writes: its node and
/// its client's heartbeat. A master or worker can do no more about its registration than this.
class ServerRows {
  public:
    /// Between the start of a process and its registration.
    static constexpr Millis kStarting{10'000};

    /// `folder`: paths::kMasters or kWorkers. `server` was read from there. Must not outlive
    /// `database`.
    ServerRows(Database& database, std::string_view folder, const Server& server);

    const ProcessIdentity& process() const { return process_; }
    std::int64_t client_id() const { return client_id_; }
    const std::string& client_name() const { return client_name_; }

    /// Writes a heartbeat of `now` (epoch ms) into both rows, in a transaction.
    void report(EpochMs now);
    /// Whether the exact mark of this process stands, which tells it to stop.
    bool is_marked();
    /// Removes both rows, in a transaction. Locks of the client stay, as those that leaked do.
    void remove();
    /// Registers the next process at this address, which began kStarting before `now` (epoch ms),
    /// in a transaction.
    void register_next(EpochMs now);

  private:
    Database& database_;
    const std::string address_, key_;
    ProcessIdentity process_;  // 0: the heartbeat does not say which it is
    std::int64_t client_id_ = 0;
    std::string client_name_, client_config_, heartbeat_;
};

}  // namespace dsfailover
