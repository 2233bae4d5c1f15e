#include "registry/jdbc/connection.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/log.h"

namespace dsfailover {
namespace {

constexpr int kAttempts = 4;
constexpr Millis kPause{50};

using Kind = DatabaseError::Kind;

RegistryError::Kind registry_kind(Kind kind) {
    switch (kind) {
        case Kind::unreachable:
            return RegistryError::Kind::unreachable;
        case Kind::commit_unknown:
            return RegistryError::Kind::outcome_unknown;
        case Kind::read_only:
            return RegistryError::Kind::denied;
        default:
            return RegistryError::Kind::other;
    }
}

RegistryError registry_error(const std::string& doing, const DatabaseError& error) {
    return {registry_kind(error.kind()), fmt::format("JDBC registry, {}: {}", doing, error.what())};
}

}  // namespace

JdbcConnection::JdbcConnection(const DatabaseSettings& settings) try
    : database_(open_database(settings)) {
    if (database_->replica() == Replica::unknown && !settings.primary)
        log_warn(
            "JDBC registry at {}: whether it is a replica is unknown, since its user may "
            "not look at the state of replication",
            database_->endpoint());
} catch (const DatabaseError& error) {
    throw registry_error("connecting", error);
}

void JdbcConnection::read(const std::string& doing, const std::function<void(Database&)>& reading) {
    for (bool again = false;; again = true) {
        try {
            return reading(*database_);
        } catch (const DatabaseError& error) {
            if (again || error.kind() != Kind::unreachable) throw registry_error(doing, error);
            reconnect(doing);
        }
    }
}

bool JdbcConnection::write(const std::string& doing,
                           const std::function<bool(Database&)>& writing) {
    for (int attempt = 1;; ++attempt) {
        try {
            Transaction transaction(*database_);
            if (!writing(*database_)) return false;
            transaction.commit();
            return true;
        } catch (const DatabaseError& error) {
            // Both kinds left nothing behind, so the whole transaction may be repeated.
            const bool broken = error.kind() == Kind::unreachable;
            const bool repeatable =
                broken ? attempt == 1 : error.kind() == Kind::retryable && attempt < kAttempts;
            if (!repeatable) throw registry_error(doing, error);
            if (broken)
                reconnect(doing);
            else
                std::this_thread::sleep_for(kPause * attempt);
        }
    }
}

void JdbcConnection::reconnect(const std::string& doing) {
    try {
        database_->reconnect();
    } catch (const DatabaseError& error) {
        throw registry_error(doing, error);
    }
}

}  // namespace dsfailover
