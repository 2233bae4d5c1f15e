#include "coordinator/retried_transaction.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/interruption.h"
#include "base/log.h"

namespace dsfailover {

namespace {

constexpr int kAttempts = 5;
constexpr Millis kRetryPause{200};
constexpr int kReconnects = 10;
constexpr Millis kReconnectPause{1500};

}  // namespace

void reconnect_patiently(Database& database, const DatabaseError& cause, bool unknown) {
    log_warn("{}; connecting again", cause.what());
    for (int attempts = 1;; ++attempts) {
        try {
            database.reconnect();
            return;
        } catch (const DatabaseError& error) {
            if (attempts == kReconnects) {
                throw DatabaseError(
                    DatabaseError::Kind::unreachable,
                    fmt::format("{} Connecting again failed {} times, last: {} Run the same "
                                "command again when the "
                                "database is back: what was committed is recognised.",
                                cause.what(), kReconnects, error.what()));
            }
            if (unknown) {
                wait_uninterrupted(kReconnectPause);
            } else {
                wait_for(kReconnectPause);
            }
        }
    }
}

bool ends_run(const DatabaseError& error) {
    using Kind = DatabaseError::Kind;
    switch (error.kind()) {
        case Kind::unreachable:
        case Kind::commit_unknown:
        case Kind::disk_full:
        case Kind::read_only:
            return true;
        case Kind::retryable:
        case Kind::constraint:
        case Kind::other:
            return false;
    }
    return true;
}

void run_retried_transaction(Database& database, const std::function<void()>& work,
                             const std::function<void()>& on_unknown) {
    using Kind = DatabaseError::Kind;
    bool unknown = false;
    for (int attempts = 1;; ++attempts) {
        try {
            return work();
        } catch (const DatabaseError& error) {
            const bool lost =
                error.kind() == Kind::commit_unknown || error.kind() == Kind::unreachable;
            if (attempts == kAttempts || (!lost && error.kind() != Kind::retryable)) throw;
            if (error.kind() == Kind::commit_unknown) {
                unknown = true;
                on_unknown();
            }
            if (lost) reconnect_patiently(database, error, unknown);
        }
        // Once a commit may have taken effect it must get into the report.
        if (unknown) {
            wait_uninterrupted(kRetryPause * attempts);
        } else {
            wait_for(kRetryPause * attempts);
        }
    }
}

}  // namespace dsfailover
