#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "registry/jdbc/connection.h"
#include "registry/jdbc/rows.h"
#include "registry/registry.h"

namespace dsfailover {

/// Our row in t_ds_jdbc_registry_client_heartbeat: what a session is in ZooKeeper. A thread with a
/// connection of its own refreshes it every 3 s, as DolphinScheduler does. Once it was not
/// refreshed for the session's time it stays lost, because others may have purged what is ours.
class JdbcClient {
  public:
    /// Inserts the row. Throws RegistryError.
    JdbcClient(std::shared_ptr<JdbcConnection> connection, const JdbcTimes& times,
               const RegistrySettings& settings);
    /// Removes the row, and the locks and announcements that are still ours.
    ~JdbcClient();
    JdbcClient(const JdbcClient&) = delete;
    JdbcClient& operator=(const JdbcClient&) = delete;

    std::int64_t id() const { return id_; }
    /// An ephemeral row with our id may be made from now on; what is left of it goes with us.
    void announces(const std::string& path, const std::string& value) {
        announcements_.emplace_back(path, value);
    }
    /// "IP_PID".
    const std::string& name() const { return name_; }
    Millis session_timeout() const { return session_timeout_; }
    /// Whether the session is known to be lost.
    bool lost() const { return lost_; }
    /// Looks the row up: whether the session is still there. Throws RegistryError.
    bool alive();

  private:
    void insert_row(const JdbcTimes& times);
    void keep_alive(const DatabaseSettings& settings);
    bool refresh(Database& database);
    /// False when it is time to leave.
    bool sleep(Millis duration);

    void withdraw_announcements(Database& database);

    const std::shared_ptr<JdbcConnection> connection_;
    JdbcRows rows_;
    std::vector<std::pair<std::string, std::string>> announcements_;  // path, value
    const std::int64_t id_;
    const std::string name_;
    const Millis session_timeout_;
    std::atomic<bool> lost_ = false;

    std::mutex mutex_;
    std::condition_variable leaving_changed_;
    bool leaving_ = false;
    std::thread thread_;
};

}  // namespace dsfailover
