#pragma once

#include <functional>
#include <span>

#include "base/interruption.h"
#include "database/database.h"

namespace dsfailover {

/// Opens the connection that `cause` says is lost again, with patience. Throws
/// DatabaseError(unreachable) if the database stays away, and Interrupted if a signal came, but not
/// where the outcome of a commit is `unknown`: it must get into the report.
void reconnect_patiently(Database& database, const DatabaseError& cause, bool unknown);

/// Returns what `read`, which only reads, returns; where the connection is lost, on a new one.
/// Throws DatabaseError, and Interrupted.
template <typename Read>
auto read_patiently(Database& database, const Read& read) {
    for (;;) {
        try {
            return read();
        } catch (const DatabaseError& error) {
            if (error.kind() != DatabaseError::Kind::unreachable) throw;
            reconnect_patiently(database, error, false);
        }
    }
}

/// Whether an error ends the run: trying again, or with less, does not help. What is left is what
/// may be the fault of a single row, and passing conflicts with others.
bool ends_run(const DatabaseError& error);

/// Does `work` for all of `items` together; where that returns false, for each half by itself, and
/// so on, until the item that it fails for stands alone: `alone` is called with that one. Throws
/// what the two throw, and Interrupted between two halves.
template <typename Item, typename Work, typename Alone>
void in_halves(std::span<const Item> items, const Work& work, const Alone& alone) {
    if (items.empty() || work(items)) return;
    if (items.size() == 1) return alone(items.front());
    check_interruption();
    in_halves(items.first(items.size() / 2), work, alone);
    check_interruption();
    in_halves(items.subspan(items.size() / 2), work, alone);
}

/// Runs `work`, a whole transaction with its commit, until it is through: after a deadlock and the
/// like again after a pause, after a lost connection on a new one. Where the outcome of a commit is
/// unknown `on_unknown` is called, and `work`, run again on a new connection, must find out by
/// itself what stands in the rows. Throws the last DatabaseError if trying again does not help, and
/// Interrupted between two tries.
void run_retried_transaction(Database& database, const std::function<void()>& work,
                             const std::function<void()>& on_unknown);

}  // namespace dsfailover
