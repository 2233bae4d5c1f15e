#include "registry/jdbc/client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "base/log.h"
#include "registry/jdbc/liveness.h"
#include "registry/local_ip.h"

namespace dsfailover {
namespace {

constexpr Millis kRefreshInterval{3000};
constexpr Millis kRetryInterval{500};

std::int64_t random_id() {
    std::random_device device;
    std::uniform_int_distribution<std::int64_t> ids(1, INT64_MAX);
    return ids(device);
}

}  // namespace

JdbcClient::JdbcClient(std::shared_ptr<JdbcConnection> connection, const JdbcTimes& times,
                       const RegistrySettings& settings)
    : connection_(std::move(connection)),
      rows_(connection_, times),
      id_(random_id()),
      name_(fmt::format("{}_{}", local_ip(), getpid())),
      session_timeout_(settings.session_timeout) {
    insert_row(times);
    DatabaseSettings own = settings.database;
    // A refresh that waits long is given up and tried again, so that the thread can leave.
    own.connect_timeout = std::min(own.connect_timeout, kRefreshInterval);
    own.statement_timeout = std::min(own.statement_timeout, kRefreshInterval);
    own.lock_timeout = std::min(own.lock_timeout, Millis(1000));
    thread_ = std::thread(&JdbcClient::keep_alive, this, std::move(own));
}

JdbcClient::~JdbcClient() {
    {
        const std::lock_guard guard(mutex_);
        leaving_ = true;
    }
    leaving_changed_.notify_all();
    thread_.join();
    try {
        connection_->write("leaving", [&](Database& database) {
            withdraw_announcements(database);
            database.execute("DELETE FROM t_ds_jdbc_registry_lock WHERE client_id = ?",
                             {Value(id_)});
            database.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?",
                             {Value(id_)});
            return true;
        });
    } catch (const std::exception& error) {
        log_warn("The registry row of our client {} ({}) stays and dies by itself within {}: {}",
                 id_, name_, format_duration(session_timeout_), error.what());
    }
}

// A server that registered meanwhile wrote its own value into the row.
void JdbcClient::withdraw_announcements(Database& database) {
    for (const auto& [path, value] : announcements_) {
        std::vector<JdbcRow> rows;
        if (const auto row = rows_.find(database, path)) rows = rows_.lock(database, {&row->id, 1});
        std::erase_if(rows, [&, &value = value](const JdbcRow& row) {
            return row.client_id != id_ || row.value != value || !row.ephemeral();
        });
        rows_.erase(database, rows);
    }
}

void JdbcClient::insert_row(const JdbcTimes& times) {
    connection_->write("registering our client", [&](Database& database) {
        const EpochMs now = database.clock_ms();
        database.execute(
            "INSERT INTO t_ds_jdbc_registry_client_heartbeat"
            " (id, client_name, last_heartbeat_time, connection_config, create_time)"
            " VALUES (?, ?, ?, ?, ?)",
            {Value(id_), Value(name_), Value(now),
             Value(fmt::format(R"({{"sessionTimeout":{}}})", session_timeout_.count())),
             Value(times.format(now))});
        return true;
    });
}

bool JdbcClient::alive() {
    if (lost_) return false;
    connection_->read("looking up our client", [&](Database& database) {
        const Rows rows = database.query(
            "SELECT last_heartbeat_time FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?",
            {Value(id_)});
        if (rows.empty() ||
            !JdbcHeartbeat{rows[0].integer(0), session_timeout_}.fresh(database.clock_ms()))
            lost_ = true;
    });
    return !lost_;
}

void JdbcClient::keep_alive(const DatabaseSettings& settings) {
    std::unique_ptr<Database> database;
    Millis pause = kRefreshInterval;
    while (sleep(pause)) {
        pause = kRetryInterval;
        try {
            if (!database) database = open_database(settings);
            if (!refresh(*database)) {
                lost_ = true;
                return;
            }
            pause = kRefreshInterval;
        } catch (const DatabaseError& error) {
            log_debug("The heartbeat of our registry client {}: {}", id_, error.what());
            if (error.kind() != DatabaseError::Kind::retryable) database.reset();
        } catch (const std::exception& error) {
            log_warn("The heartbeat of our registry client {}: {}", id_, error.what());
            database.reset();
        }
    }
}

bool JdbcClient::refresh(Database& database) {
    const EpochMs now = database.clock_ms();
    return database.execute(
               "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?"
               " WHERE id = ? AND last_heartbeat_time >= ?",
               {Value(now), Value(id_), Value(now - session_timeout_.count())}) == 1;
}

bool JdbcClient::sleep(Millis duration) {
    std::unique_lock guard(mutex_);
    return !leaving_changed_.wait_for(guard, duration, [&] { return leaving_; });
}

}  // namespace dsfailover
