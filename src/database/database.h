#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "database/database_settings.h"

namespace dsfailover {

class SqlDialect;

/// A bound parameter: null, an integer or a text. Timestamps are bound as text.
using Value = std::variant<std::nullptr_t, std::int64_t, std::string>;

/// What a database refused, sorted by what can be done about it.
class DatabaseError : public Error {
  public:
    enum class Kind {
        unreachable,  ///< no connection, or it broke, or (for_writing) to a server that must not be
                      ///< written to: reconnect() may help; an open transaction is gone
        commit_unknown,  ///< the connection broke during COMMIT: read the rows (locking) to learn
                         ///< the outcome
        retryable,   ///< deadlock, serialization failure, lock wait time-out, SQLite busy: rolled
                     ///< back
        disk_full,   ///< no space, or a write that failed below the database: rolled back
        read_only,   ///< the database may not be written to, or the user has not the right
        constraint,  ///< duplicate key and the like
        other,
    };
    /// `message` names the endpoint and what was being done, without secrets.
    DatabaseError(Kind kind, const std::string& message)
        : Error(kind == Kind::unreachable || kind == Kind::read_only ? ExitCode::environment
                                                                     : ExitCode::failed,
                message),
          kind_(kind) {}
    Kind kind() const noexcept { return kind_; }

  private:
    Kind kind_;
};

/// One row of a result, valid during the callback, or as long as the Rows it belongs to.
class Row {
  public:
    explicit Row(std::span<const std::optional<std::string_view>> cells) : cells_(cells) {}
    std::size_t size() const { return cells_.size(); }
    bool is_null(std::size_t column) const { return !cells_[column]; }
    /// The cell as text; an empty text for null.
    std::string_view text(std::size_t column) const {
        return cells_[column].value_or(std::string_view());
    }
    std::optional<std::string> optional_text(std::size_t column) const;
    /// The cell as an integer. Throws DatabaseError(other) naming the text if it is null or not
    /// one.
    std::int64_t integer(std::size_t column) const;
    std::optional<std::int64_t> optional_integer(std::size_t column) const;

  private:
    std::span<const std::optional<std::string_view>> cells_;
};

/// A whole small result, held in memory.
class Rows {
  public:
    /// Copies the cells of `row` behind the others.
    void add(const Row& row);
    std::size_t size() const { return ends_.size(); }
    bool empty() const { return ends_.empty(); }
    Row operator[](std::size_t index) const;

  private:
    std::string_view keep(std::string_view text);

    // Few blocks instead of some for each row, of which there may be ten thousand.
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::span<char> free_;  // the rest of the last block
    std::size_t block_size_ = 0;
    std::vector<std::optional<std::string_view>> cells_;  // of all rows, one behind the other
    std::vector<std::size_t> ends_;                       // of each row's cells
};

/// Whether a server that may be written to applies what is written to another one.
enum class Replica {
    no,
    yes,      ///< DatabaseSettings::primary says that it is the primary all the same
    unknown,  ///< the user may not look
};

/// Which contents an SQLite file had when one connection looked at them.
struct FileVersion {
    std::uint64_t connection = 0;  ///< no two that were opened have the same
    std::int64_t changes = 0;      ///< another number once another connection has changed the file
    bool operator==(const FileVersion&) const = default;
};

/// A connection to a database: the seam between the SQL of src/store (and the JDBC registry) and
/// the servers. One thread uses a connection at a time.
///
/// SQL is one statement a call, written with `?` for each bound parameter, whatever the server's
/// own placeholders are; a wrong number of parameters is a std::logic_error. What differs between
/// servers besides is dialect()'s to say.
/// All functions throw DatabaseError; what() names endpoint() and says what to do.
///
/// An error inside a transaction: after unreachable, commit_unknown, retryable and disk_full the
/// transaction is gone and in_transaction() is false; after any other, nothing but rollback() may
/// follow (statements and commit() throw DatabaseError(other)).
///
/// A session may change between two transactions: a connection that rested for 2 s or more and
/// was cut off meanwhile (by the server, on the way) is opened again where the next transaction, or
/// statement outside of one, begins; and a pooler of PostgreSQL connections may give each
/// transaction another session. So no statement relies on what an earlier one set up, and nothing
/// set here outlives its transaction on PostgreSQL.
///
/// A transaction in which nothing is sent for 10 s is rolled back by the server, so that a process
/// that stands still does not keep its row locks (not SQLite, nor the reading of stream()).
class Database {
  public:
    using RowCallback = std::function<void(const Row&)>;

    virtual ~Database() = default;
    Database() = default;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// What SQL says differently here; lives as long as this.
    virtual const SqlDialect& dialect() const = 0;
    /// As DatabaseSettings::endpoint().
    virtual std::string endpoint() const = 0;
    /// What was found when it was opened; empty where nobody looked: not for_writing, or SQLite.
    virtual std::optional<Replica> replica() const { return std::nullopt; }

    /// Runs a statement and returns all its rows.
    virtual Rows query(std::string_view sql, std::span<const Value> parameters) = 0;
    /// Runs a statement and returns how many rows it changed (rows matched, on MySQL too). Outside
    /// of a transaction it commits by itself, and throws unreachable or commit_unknown where the
    /// connection breaks: it is never sent again.
    virtual std::int64_t execute(std::string_view sql, std::span<const Value> parameters) = 0;
    /// SQLite only (std::logic_error elsewhere), where a statement runs in our own process:
    /// execute() for a statement in which `is_wanted(...)` asks the callback with the arguments as
    /// a row.
    virtual std::int64_t execute_on_wanted(std::string_view, std::span<const Value>,
                                           const std::function<bool(const Row&)>&) {
        throw std::logic_error("is_wanted() is for SQLite only");
    }
    /// SQLite only, none elsewhere. As long as it is the same, nobody but this connection has
    /// changed the file; after reconnect() it is another. Inside a transaction it stays as it is.
    virtual std::optional<FileVersion> file_version() { return std::nullopt; }
    /// Runs a SELECT and hands over row by row in bounded memory, on a snapshot of its own. No
    /// other statement may run on this connection until it returns. Must not be called inside a
    /// transaction. An exception of the callback ends the reading and is passed on; the connection
    /// stays usable.
    virtual void stream(std::string_view sql, std::span<const Value> parameters,
                        const RowCallback& row) = 0;
    /// The id generated for the first row of the last INSERT of this connection; MySQL and SQLite
    /// (there: the last row) only.
    virtual std::int64_t last_insert_id() = 0;

    /// READ COMMITTED on PostgreSQL and MySQL, IMMEDIATE on SQLite. Nesting is an error
    /// (std::logic_error). for_writing: throws unreachable if the server became read-only.
    virtual void begin() = 0;
    /// Throws commit_unknown if the connection broke before the answer came. Any other throw:
    /// rolled back.
    virtual void commit() = 0;
    /// Never throws: if the connection is gone the server rolls back by itself.
    virtual void rollback() noexcept = 0;
    virtual bool in_transaction() const = 0;

    /// Drops the connection and opens a new one (one try over all hosts). Throws unreachable.
    virtual void reconnect() = 0;

    /// Opens one more connection to the same database, for another thread. Throws unreachable.
    virtual std::unique_ptr<Database> open_another() const = 0;

    /// The database server's clock (this machine's for SQLite).
    virtual EpochMs clock_ms() = 0;

    /// Brace-list conveniences.
    Rows query(std::string_view sql, std::initializer_list<Value> parameters = {}) {
        return query(sql, std::span<const Value>(parameters.begin(), parameters.size()));
    }
    std::int64_t execute(std::string_view sql, std::initializer_list<Value> parameters = {}) {
        return execute(sql, std::span<const Value>(parameters.begin(), parameters.size()));
    }
};

/// Opens a database. Throws DatabaseError(unreachable) naming the endpoint, or UsageError when the
/// settings contradict each other. SQLite: the file must exist (it is never created here); opening
/// it writes nothing, its journal mode stays as it is (stream() beside a writer needs WAL), and a
/// file that may not be written is opened for reading.
///
/// for_writing: throws unreachable, here and in reconnect() and open_another(), if the server (the
/// file) may only be read, whatever the user may do: a standby, read_only, a host of MySQL that is
/// not the first; and, unless `primary`, if it applies what is written to another server. Its
/// COMMITs wait for the disk, and on a multi-primary cluster its readings for what was committed
/// elsewhere.
std::unique_ptr<Database> open_database(const DatabaseSettings& settings);

/// A transaction that rolls back unless committed.
class Transaction {
  public:
    explicit Transaction(Database& database) : database_(database) { database_.begin(); }
    ~Transaction() {
        if (database_.in_transaction()) database_.rollback();
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit() { database_.commit(); }
    void rollback() noexcept { database_.rollback(); }

  private:
    Database& database_;
};

}  // namespace dsfailover
