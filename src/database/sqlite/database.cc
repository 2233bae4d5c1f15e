#include "database/sqlite/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "database/database_error.h"
#include "database/sqlite/dialect.h"
#include "database/statement_cache.h"

namespace dsfailover {

namespace {

using Kind = DatabaseError::Kind;

Kind kind_of(int error_code) {
    switch (error_code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Kind::retryable;
        case SQLITE_FULL:
        case SQLITE_IOERR:
            return Kind::disk_full;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return Kind::read_only;
        case SQLITE_CONSTRAINT:
            return Kind::constraint;
        default:
            return Kind::other;
    }
}

// What data_version says can be compared within one connection only.
std::atomic<std::uint64_t> connections_opened = 0;

/// The cells of a row as texts. Numbers are made texts here: SQLite would keep each with its value.
class TextCells {
  public:
    void resize(std::size_t count) {
        cells_.resize(count);
        digits_.resize(count);
    }
    std::size_t size() const { return cells_.size(); }
    void set(std::size_t at, std::int64_t number) {
        std::array<char, 24>& digits = digits_[at];
        const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
        cells_[at] = {digits.data(), static_cast<std::size_t>(end - digits.data())};
    }
    /// `text` may be nullptr, for null.
    void set(std::size_t at, const char* text, int bytes) {
        if (text == nullptr)
            cells_[at].reset();
        else
            cells_[at] = {text, static_cast<std::size_t>(bytes)};
    }
    Row row() const { return Row(cells_); }

  private:
    std::vector<std::optional<std::string_view>> cells_;
    std::vector<std::array<char, 24>> digits_;  // of those that are numbers
};

class SqliteDatabase : public Database {
  public:
    explicit SqliteDatabase(DatabaseSettings settings)
        : settings_(std::move(settings)), endpoint_(settings_.endpoint()) {
        open();
    }
    ~SqliteDatabase() override { close(); }

    const SqlDialect& dialect() const override { return dialect_; }
    std::string endpoint() const override { return endpoint_; }

    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        Rows rows;
        run(sql, parameters, [&](const Row& row) { rows.add(row); });
        return rows;
    }

    std::int64_t execute(std::string_view sql, std::span<const Value> parameters) override {
        require_connection();
        // Of a statement that changes no rows by its nature SQLite reports the count of the one
        // before it; the total tells them apart.
        const auto before = sqlite3_total_changes64(connection_->getHandle());
        run(sql, parameters, [](const Row&) {});
        const auto after = sqlite3_total_changes64(connection_->getHandle());
        return after == before ? 0 : sqlite3_changes64(connection_->getHandle());
    }

    std::int64_t execute_on_wanted(std::string_view sql, std::span<const Value> parameters,
                                   const std::function<bool(const Row&)>& is_wanted) override {
        const struct Scope {
            const std::function<bool(const Row&)>*& current;
            ~Scope() { current = nullptr; }
        } scope{is_wanted_};
        is_wanted_ = &is_wanted;
        return execute(sql, parameters);
    }

    std::optional<FileVersion> file_version() override {
        FileVersion version{opened_as_, 0};
        run("PRAGMA data_version", {}, [&](const Row& row) { version.changes = row.integer(0); });
        return version;
    }

    void stream(std::string_view sql, std::span<const Value> parameters,
                const RowCallback& row) override {
        transaction_.require_none();
        run(sql, parameters, row);
    }

    std::int64_t last_insert_id() override {
        require_connection();
        return connection_->getLastInsertRowid();
    }

    void begin() override {
        transaction_.require_none();
        run("BEGIN IMMEDIATE");
        transaction_.opened();
    }

    void commit() override {
        transaction_.require_open(endpoint_);
        try {
            run("COMMIT");
        } catch (const DatabaseError&) {
            rollback();
            throw;
        }
        transaction_.ended();
    }

    void rollback() noexcept override {
        transaction_.ended();
        // SQLite rolls back by itself after some errors.
        if (!connection_ || sqlite3_get_autocommit(connection_->getHandle()) != 0) return;
        if (sqlite3_exec(connection_->getHandle(), "ROLLBACK", nullptr, nullptr, nullptr) !=
            SQLITE_OK) {
            close();  // which rolls back
        }
    }

    bool in_transaction() const override { return transaction_.in_transaction(); }

    void reconnect() override {
        close();
        open();
    }

    std::unique_ptr<Database> open_another() const override {
        return std::make_unique<SqliteDatabase>(settings_);
    }

    EpochMs clock_ms() override { return now_ms(); }

  private:
    [[noreturn]] void fail_to_open(std::string_view problem) {
        throw DatabaseError(Kind::unreachable, fmt::format("{}: {}", endpoint_, problem));
    }

    void open() {
        const std::string& file = settings_.file;
        struct stat status {};
        if (stat(file.c_str(), &status) != 0) {
            fail_to_open(
                fmt::format("the file cannot be opened: {}; check --database, or make a "
                            "sandbox with: dsfailover sandbox create {}",
                            std::strerror(errno), file));
        }
        if (S_ISDIR(status.st_mode)) {
            fail_to_open("this is a directory; give the path of an SQLite file in --database");
        }
        if (faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0) {
            fail_to_open(fmt::format("the file cannot be read: {}; run as a user who may read it",
                                     std::strerror(errno)));
        }
        const bool writable = faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) == 0;
        if (settings_.for_writing && !writable) {
            fail_to_open(fmt::format(
                "the file cannot be written to: {}; run as a user who may (a dry run and status "
                "may read it)",
                std::strerror(errno)));
        }
        try {
            // One thread uses a connection at a time, so that SQLite need not take care of it.
            connection_ = std::make_unique<SQLite::Database>(
                file,
                (writable ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY) | SQLite::OPEN_NOMUTEX,
                static_cast<int>(settings_.lock_timeout.count()));
            opened_as_ = ++connections_opened;
            connection_->exec("PRAGMA synchronous = FULL");
            connection_->createFunction("is_wanted", -1, false, this, ask_if_wanted, nullptr,
                                        nullptr, nullptr);
            // Outside of WAL mode a full cache would bar the readers, ours among them, until the
            // commit: a JDBC registry in the same file confirms its lock before that.
            connection_->exec("PRAGMA cache_spill = OFF");
            // The first look into the file: whether it is a database at all.
            connection_->execAndGet("PRAGMA schema_version");
        } catch (const SQLite::Exception& error) {
            connection_.reset();
            if (error.getErrorCode() == SQLITE_CANTOPEN ||
                kind_of(error.getErrorCode()) == Kind::read_only)
                fail_to_open(fmt::format(
                    "the file cannot be read without writing to it or its folder, which is not "
                    "allowed here: {}; run as a user who may write both, or on a copy",
                    error.what()));
            fail_to_open(fmt::format("not usable as an SQLite database: {}; check --database",
                                     error.what()));
        }
    }

    void close() {
        statements_.clear();
        connection_.reset();
        transaction_.ended();
    }

    void require_connection() const {
        if (!connection_) {
            throw make_database_error(Kind::unreachable, endpoint_, "going on",
                                      "the connection is closed");
        }
    }

    void run(std::string_view sql) {
        run(sql, {}, [](const Row&) {});
    }

    void run(std::string_view sql, std::span<const Value> parameters, const RowCallback& row) {
        require_connection();
        transaction_.require_usable(endpoint_);
        try {
            SQLite::Statement& statement = statements_.get(
                sql, [&] { return SQLite::Statement(*connection_, std::string(sql)); });
            step_through(statement, parameters, row);
        } catch (const SQLite::Exception& error) {
            const Kind kind = kind_of(error.getErrorCode());
            const std::string detail = error.what();
            transaction_.spoilt();
            if (ends_transaction(kind)) rollback();
            throw make_database_error(kind, endpoint_, describe_statement(sql), detail);
        }
    }

    static void step_through(SQLite::Statement& statement, std::span<const Value> parameters,
                             const RowCallback& row) {
        // Resets on every way out, so that no read lock is left behind.
        const struct Reset {
            SQLite::Statement& of;
            ~Reset() { of.tryReset(); }
        } reset{statement};
        require_parameters(static_cast<std::size_t>(statement.getBindParameterCount()),
                           parameters.size(), statement.getQuery());
        bind(statement, parameters);
        const int count = statement.getColumnCount();
        std::vector<SQLite::Column> columns;  // each of the row that the statement stands on
        TextCells cells;
        cells.resize(static_cast<std::size_t>(count));
        while (statement.executeStep()) {
            if (columns.empty()) {
                for (int i = 0; i < count; ++i) columns.push_back(statement.getColumn(i));
            }
            for (std::size_t i = 0; i < cells.size(); ++i) {
                if (columns[i].isInteger()) {
                    cells.set(i, columns[i].getInt64());
                } else {
                    const char* const text = columns[i].getText(nullptr);
                    cells.set(i, text, columns[i].getBytes());
                }
            }
            row(cells.row());
        }
    }

    // is_wanted(...) of execute_on_wanted(). SQLite is C: no exception may go through it.
    static void ask_if_wanted(sqlite3_context* context, int count, sqlite3_value** arguments) {
        auto* self = static_cast<SqliteDatabase*>(sqlite3_user_data(context));
        TextCells& cells = self->is_wanted_cells_;
        try {
            if (self->is_wanted_ == nullptr) throw std::logic_error("is_wanted() outside its call");
            cells.resize(static_cast<std::size_t>(count));
            for (std::size_t i = 0; i < cells.size(); ++i) {
                sqlite3_value* const value = arguments[i];
                if (sqlite3_value_type(value) == SQLITE_INTEGER) {
                    cells.set(i, sqlite3_value_int64(value));
                } else {
                    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
                    cells.set(i, text, sqlite3_value_bytes(value));
                }
            }
            sqlite3_result_int(context, (*self->is_wanted_)(cells.row()) ? 1 : 0);
        } catch (const std::exception& error) {
            sqlite3_result_error(context, error.what(), -1);
        }
    }

    static void bind(SQLite::Statement& statement, std::span<const Value> parameters) {
        int index = 0;
        for (const Value& value : parameters) {
            ++index;
            if (const auto* number = std::get_if<std::int64_t>(&value)) {
                statement.bind(index, *number);
            } else if (const auto* text = std::get_if<std::string>(&value)) {
                statement.bindNoCopy(index, *text);
            } else {
                statement.bind(index);
            }
        }
    }

    const SqliteDialect dialect_;
    DatabaseSettings settings_;
    std::string endpoint_;
    std::unique_ptr<SQLite::Database> connection_;
    std::uint64_t opened_as_ = 0;  // the number of connection_ among all that were opened
    StatementCache<SQLite::Statement> statements_;  // of connection_: gone before it
    TransactionState transaction_;
    const std::function<bool(const Row&)>* is_wanted_ = nullptr;  // of the statement under way
    TextCells is_wanted_cells_;
};

}  // namespace

std::string sqlite_version() { return sqlite3_libversion(); }

std::unique_ptr<Database> open_sqlite_database(const DatabaseSettings& settings) {
    return std::make_unique<SqliteDatabase>(settings);
}

}  // namespace dsfailover
