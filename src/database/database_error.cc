#include "database/database_error.h"

#include <fmt/format.h>

#include <stdexcept>

namespace dsfailover {

namespace {

// A whole sentence's end: what the operator can do.
std::string_view way_out(DatabaseError::Kind kind) {
    using Kind = DatabaseError::Kind;
    switch (kind) {
        case Kind::unreachable:
            return "check that the server runs, that it can be reached from here and that user, "
                   "password and database are right";
        case Kind::commit_unknown:
            return "the connection broke during a commit: only the rows can tell whether it took "
                   "effect";
        case Kind::retryable:
            return "it was rolled back, since another transaction was in the way or it took too "
                   "long: run the command again";
        case Kind::disk_full:
            return "it was rolled back: make room where the database keeps its files, and run the "
                   "command again";
        case Kind::read_only:
            return "connect to the primary, as a user who may select, insert, update and delete";
        case Kind::constraint:
            return "a row stands in the way";
        case Kind::other:
            break;
    }
    return "";
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n.";
    const auto last = text.find_last_not_of(kBlank);
    return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::string on_one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank) {
            line += c;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    return line;
}

}  // namespace

DatabaseError make_database_error(DatabaseError::Kind kind, std::string_view endpoint,
                                  std::string_view doing, std::string_view detail) {
    const std::string_view advice = way_out(kind);
    return DatabaseError(
        kind, fmt::format("{}: {} failed: {}{}{}", endpoint, doing, on_one_line(trimmed(detail)),
                          advice.empty() ? "" : "; ", advice));
}

DatabaseError make_not_writable_error(std::string_view endpoint, std::string_view found) {
    return DatabaseError(
        DatabaseError::Kind::unreachable,
        fmt::format("{}: this server may only be read: {}; name the primary, or wait until this "
                    "server is one (a dry run and status may read it)",
                    endpoint, found));
}

std::string describe_statement(std::string_view sql) {
    constexpr std::size_t kShown = 80;
    std::string line = on_one_line(sql.substr(0, 4 * kShown));
    if (line.size() > kShown) line = line.substr(0, kShown) + "...";
    return fmt::format("running '{}'", trimmed(line));
}

void TransactionState::require_none() const {
    if (in_transaction()) throw std::logic_error("begin() inside a transaction");
}

void TransactionState::require_open(std::string_view endpoint) const {
    if (!in_transaction()) throw std::logic_error("commit() outside of a transaction");
    require_usable(endpoint);
}

void TransactionState::commit(std::string_view endpoint, const std::function<void()>& send) {
    require_open(endpoint);
    try {
        send();
    } catch (const DatabaseError& error) {
        ended();
        if (error.kind() != DatabaseError::Kind::unreachable) throw;
        throw make_database_error(DatabaseError::Kind::commit_unknown, endpoint, "the commit",
                                  "the server's answer did not come");
    }
    ended();
}

void TransactionState::require_usable(std::string_view endpoint) const {
    if (state_ == State::failed) {
        throw make_database_error(DatabaseError::Kind::other, endpoint, "going on",
                                  "an earlier statement of this transaction failed");
    }
}

void require_parameters(std::size_t wanted, std::size_t given, std::string_view sql) {
    if (wanted == given) return;
    throw std::logic_error(
        fmt::format("{} parameters for {} placeholders: {}", given, wanted, sql));
}

}  // namespace dsfailover
