#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "database/database.h"

namespace dsfailover {

/// The error of `kind` with the endpoint, what was being done (`doing`: "connecting", or see
/// describe_statement), the driver's own words (`detail`, without secrets) and the way out.
DatabaseError make_database_error(DatabaseError::Kind kind, std::string_view endpoint,
                                  std::string_view doing, std::string_view detail);

/// for_writing: of a server at `endpoint` that must not be written to, and why (`found`:
/// "read_only is ON").
DatabaseError make_not_writable_error(std::string_view endpoint, std::string_view found);

/// For one that the server or the client library asks for in vain; ends before "or".
inline constexpr std::string_view kHowToGivePassword =
    "give it with --database-password-file, DSFAILOVER_DATABASE_PASSWORD (for a JDBC registry in a "
    "database of its own --registry-password-file, DSFAILOVER_REGISTRY_PASSWORD)";

/// "running 'UPDATE t_ds_command SET ...'": the beginning of a statement, on one line.
std::string describe_statement(std::string_view sql);

/// Whether the drivers roll back after an error of this kind, as DatabaseError promises.
inline bool ends_transaction(DatabaseError::Kind kind) {
    return kind == DatabaseError::Kind::retryable || kind == DatabaseError::Kind::disk_full;
}

/// How far the transaction of a connection is.
class TransactionState {
  public:
    bool in_transaction() const { return state_ != State::none; }

    /// Before begin(): throws std::logic_error inside a transaction.
    void require_none() const;
    /// Throws std::logic_error outside of a transaction, and as require_usable().
    void require_open(std::string_view endpoint) const;
    /// Ends the transaction by `send`, which runs COMMIT. Throws what it throws, but commit_unknown
    /// where the connection broke: whether the server committed is not known then.
    void commit(std::string_view endpoint, const std::function<void()>& send);
    /// Before a statement: throws DatabaseError(other) if an error has spoilt the transaction.
    void require_usable(std::string_view endpoint) const;

    void opened() { state_ = State::open; }
    void ended() { state_ = State::none; }
    /// After a failed statement.
    void spoilt() {
        if (state_ == State::open) state_ = State::failed;
    }

  private:
    enum class State { none, open, failed };
    State state_ = State::none;
};

/// Throws std::logic_error unless a statement gets as many parameters as it has placeholders.
void require_parameters(std::size_t wanted, std::size_t given, std::string_view sql);

}  // namespace dsfailover
