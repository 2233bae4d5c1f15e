#include "registry/jdbc/lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/interruption.h"
#include "base/log.h"
#include "database/sql_dialect.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Millis kPause{10};
constexpr Millis kRetryInterval{500};
constexpr Millis kReportInterval{1000};

Millis since(Clock::time_point start) {
    return std::chrono::duration_cast<Millis>(Clock::now() - start);
}

class JdbcLock : public Lock {
  public:
    JdbcLock(std::shared_ptr<JdbcConnection> connection, std::shared_ptr<JdbcClient> client,
             std::string path, std::int64_t id)
        : connection_(std::move(connection)),
          client_(std::move(client)),
          path_(std::move(path)),
          id_(id) {}
    ~JdbcLock() override { release(); }

    const std::string& path() const override { return path_; }
    bool still_held() override;
    void release() noexcept override;

  private:
    const std::shared_ptr<JdbcConnection> connection_;
    const std::shared_ptr<JdbcClient> client_;
    const std::string path_;
    const std::int64_t id_;
    bool released_ = false;
};

bool JdbcLock::still_held() {
    if (released_ || client_->lost()) return false;
    bool held = false;
    connection_->read("checking the lock " + path_, [&](Database& database) {
        held = is_still_there(database,
                              {"t_ds_jdbc_registry_lock", "lock_key", id_, client_->id(), path_},
                              client_->session_timeout());
    });
    return held;
}

void JdbcLock::release() noexcept {
    if (released_) return;
    released_ = true;
    try {
        connection_->write("releasing the lock " + path_, [&](Database& database) {
            database.execute("DELETE FROM t_ds_jdbc_registry_lock WHERE id = ? AND client_id = ?",
                             {Value(id_), Value(client_->id())});
            return true;
        });
    } catch (const std::exception& error) {
        log_warn("The lock {} could not be released and ends with our session: {}", path_,
                 error.what());
    }
}

}  // namespace

LockAttempt JdbcLocks::take(const std::shared_ptr<JdbcClient>& client, const std::string& path,
                            Millis time_limit,
                            const std::function<void(const LockClaim&, Millis waited)>& waiting) {
    LockAttempt attempt;
    const Clock::time_point start = Clock::now();
    Millis next_report = kReportInterval;
    for (int tries = 1;; ++tries) {
        const std::int64_t id = try_insert(*client, path);
        attempt.waited = since(start);
        if (id != 0) {
            attempt.lock = std::make_unique<JdbcLock>(connection_, client, path, id);
            // A purge that read the clients before ours appeared may have taken the new row.
            if (attempt.lock->still_held()) return attempt;
            attempt.lock.reset();
        }
        if (!client->alive())
            throw RegistryError(
                RegistryError::Kind::session_lost,
                fmt::format("JDBC registry at {}: our session was lost while waiting for {}",
                            connection_->endpoint(), path));
        const std::vector<LockClaim> holders = claims(path);
        if (holders.empty()) {
            if (const auto twin = twin_of(path)) {
                attempt.problem = twins_are_one(connection_->endpoint(), path, *twin);
                return attempt;
            }
            // Just released or purged. A time limit of zero still gets a second try.
            if (attempt.waited >= time_limit && tries > 1) return attempt;
            wait_for(kPause);
            continue;
        }
        if (std::optional<std::string> note = remove_if_abandoned(path, holders.front())) {
            attempt.notes.push_back(std::move(*note));
            continue;
        }
        attempt.waited = since(start);
        if (attempt.waited >= time_limit) {
            attempt.holder = holders.front();
            return attempt;
        }
        if (attempt.waited >= next_report) {
            waiting(holders.front(), attempt.waited);
            next_report = since(start) + kReportInterval;
        }
        wait_for(std::clamp(time_limit - since(start), kPause, kRetryInterval));
    }
}

std::optional<std::string> JdbcLocks::twin_of(const std::string& path) {
    std::optional<std::string> twin;
    connection_->read("reading the lock " + path, [&](Database& database) {
        twin = twin_in(database, "t_ds_jdbc_registry_lock", "lock_key", path);
    });
    return twin;
}

std::vector<LockClaim> JdbcLocks::claims(const std::string& path) {
    std::vector<LockClaim> claims;
    connection_->read("reading the lock " + path, [&](Database& database) {
        claims.clear();
        const Rows rows = database.query(
            "SELECT id, client_id, lock_owner, create_time, lock_key FROM t_ds_jdbc_registry_lock"
            " WHERE lock_key = ? ORDER BY id",
            {Value(path)});
        for (std::size_t i = 0; i < rows.size(); ++i)
            if (rows[i].text(4) == path) claims.push_back(to_claim(rows[i]));
    });
    return claims;
}

std::vector<LockState> JdbcLocks::locks_below(const std::string& prefix) {
    std::vector<LockState> states;
    connection_->read("reading the locks below " + prefix, [&](Database& database) {
        states.clear();
        const Rows rows = database.query(
            "SELECT id, client_id, lock_owner, create_time, lock_key FROM t_ds_jdbc_registry_lock"
            " ORDER BY lock_key, id");
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::string_view key = rows[i].text(4);
            if (!key.starts_with(prefix + "/")) continue;
            if (states.empty() || states.back().path != key)
                states.push_back({std::string(key), {}});
            states.back().claims.push_back(to_claim(rows[i]));
        }
    });
    return states;
}

LockClaim JdbcLocks::to_claim(const Row& row) const {
    LockClaim claim;
    claim.id = row.text(0);
    claim.owner = row.text(1);
    claim.description = row.text(2);
    claim.since = times_.parse(std::string(row.text(3))).epoch_ms();
    // A mark of the same millisecond (on MySQL: second) counts as written after the lock was taken.
    claim.created_order = claim.since - 1;
    return claim;
}

std::int64_t JdbcLocks::try_insert(const JdbcClient& client, const std::string& path) {
    std::int64_t id = 0;
    const auto read_id = [&](Database& database) {
        const Rows rows = database.query(
            "SELECT id FROM t_ds_jdbc_registry_lock WHERE lock_key = ? AND client_id = ?",
            {Value(path), Value(client.id())});
        id = rows.empty() ? 0 : rows[0].integer(0);
        return id != 0;
    };
    const std::string doing = "taking the lock " + path;
    try {
        connection_->write(doing, [&](Database& database) {
            id = 0;
            return database.execute(
                       database.dialect().insert_if_absent(
                           "t_ds_jdbc_registry_lock (lock_key, lock_owner, client_id, create_time)"
                           " VALUES (?, ?, ?, ?)"),
                       {Value(path), Value(client.name() + "_dsfailover"), Value(client.id()),
                        Value(times_.format(database.clock_ms()))}) == 1 &&
                   read_id(database);
        });
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
        connection_->read(doing, read_id);
    }
    return id;
}

std::optional<std::string> JdbcLocks::remove_if_abandoned(const std::string& path,
                                                          const LockClaim& claim) {
    const std::int64_t client_id = std::stoll(claim.owner);
    JdbcClients clients;
    connection_->read("reading the clients",
                      [&](Database& database) { clients = read_clients(database); });
    if (!is_dead(claim, clients)) return std::nullopt;

    std::int64_t removed = 0;
    connection_->write("removing the abandoned lock " + path, [&](Database& database) {
        if (read_clients(database).last_heartbeat(client_id) != clients.last_heartbeat(client_id))
            return false;
        removed =
            database.execute("DELETE FROM t_ds_jdbc_registry_lock WHERE id = ? AND client_id = ?",
                             {Value(std::stoll(claim.id)), Value(client_id)});
        return removed == 1;
    });
    if (removed != 1) return std::nullopt;
    return fmt::format("removed the lock row {} of {} from the {} client {} ({})", claim.id, path,
                       clients.heartbeats.contains(client_id) ? "dead" : "unknown", client_id,
                       claim.description);
}

// Looked at from the first time on, so that a client that died before has stood still long enough
// when its session is over.
bool JdbcLocks::is_dead(const LockClaim& claim, const JdbcClients& clients) {
    const std::int64_t client_id = std::stoll(claim.owner);
    const auto sign = movements_.look(client_id, clients);
    if (clients.alive(client_id)) return false;
    bool dead = sign == JdbcMovements::Sign::stands;
    for (const std::string_view folder : {paths::kMasters, paths::kWorkers}) {
        rows_.scan_below(std::string(folder), [&](JdbcRow& server) {
            const std::string address = server.key.substr(server.key.rfind('/') + 1);
            if (std::to_string(server.client_id) != claim.owner &&
                !names_server(claim.description, address, server.value))
                return;
            const auto its_sign = movements_.look(server.key, movable_state(server, clients));
            if (its_sign != JdbcMovements::Sign::stands ||
                reported_lately(server.value, clients.now))
                dead = false;
        });
    }
    return dead;
}

}  // namespace dsfailover
