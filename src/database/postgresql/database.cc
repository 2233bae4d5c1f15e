#include "database/postgresql/database.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <future>
#include <iterator>
#include <optional>
#include <pqxx/connection>
#include <pqxx/except>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "database/database_error.h"
#include "database/idle_time.h"
#include "database/placeholders.h"
#include "database/postgresql/dialect.h"
#include "database/watchdog.h"

namespace dsfailover {

namespace {

using Kind = DatabaseError::Kind;

// Rows fetched at once by stream(): more make it no faster, and cost memory.
constexpr int kPage = 4000;
// Up to so many rows stream() takes at once.
constexpr int kFew = 20'000;

constexpr std::string_view kBegin = "BEGIN ISOLATION LEVEL READ COMMITTED";
constexpr std::string_view kBeginReading = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY";
// Older servers time a message as a whole, by the limit they had when it came: not by ours.
constexpr int kTimesEachStatement = 130000;
// Of statements in one message, which the server runs as one transaction.
constexpr std::string_view kAlone = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

// The driver has exceptions of their own, without a state, for some more.
Kind kind_of(std::string_view sqlstate) {
    constexpr std::pair<std::string_view, Kind> kKinds[] = {
        {"55P03", Kind::retryable},    // lock wait time-out
        {"57014", Kind::retryable},    // statement time-out
        {"53100", Kind::disk_full},    // disk full
        {"58030", Kind::disk_full},    // I/O error
        {"25006", Kind::read_only},    // read-only transaction: a standby
        {"23", Kind::constraint},      // integrity constraint violation
        {"08", Kind::unreachable},     // connection exception
        {"57P", Kind::unreachable},    // shut down, killed, starting up
        {"25P03", Kind::unreachable},  // idle in transaction for too long
    };
    for (const auto& [prefix, kind] : kKinds) {
        if (sqlstate.substr(0, prefix.size()) == prefix) return kind;
    }
    return Kind::other;
}

// One word of a connection string: quoted, so that nothing in it can be taken for another.
void append_option(std::string& options, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    fmt::format_to(std::back_inserter(options), "{}='", name);
    for (const char c : value) {
        if (c == '\'' || c == '\\') options += '\\';
        options += c;
    }
    options += "' ";
}

std::string connection_string(const DatabaseSettings& settings) {
    std::string hosts, ports;
    for (const auto& [host, port] : settings.hosts) {
        const char* const separator = hosts.empty() ? "" : ",";
        hosts += separator + host;
        ports += separator + std::to_string(port);
    }
    std::string options;
    append_option(options, "host", hosts);
    append_option(options, "port", ports);
    if (settings.hosts.size() > 1) append_option(options, "target_session_attrs", "read-write");
    append_option(options, "dbname", settings.database);
    append_option(options, "user", settings.user);
    append_option(options, "password", settings.password.reveal());
    append_option(options, "sslmode", settings.tls_mode);
    append_option(options, "channel_binding", settings.channel_binding);
    append_option(options, "sslrootcert", settings.tls_ca);
    append_option(options, "sslcert", settings.tls_cert);
    append_option(options, "sslkey", settings.tls_key);
    append_option(options, "client_encoding", "UTF8");
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(settings.connect_timeout);
    append_option(options, "connect_timeout", std::to_string(seconds.count()));
    // A server that vanished without a word is noticed within half a minute.
    options += "keepalives_idle=10 keepalives_interval=5 keepalives_count=4 tcp_user_timeout=30000";
    return options;
}

// Times out on our side of the agreement, and shows timestamps as the stores read them. Of each
// transaction anew: behind a pooler the next one may be another session's, and this session
// somebody else's. (As options of the connection poolers refuse them.)
std::string transaction_settings(const DatabaseSettings& settings) {
    return fmt::format(
        "; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; "
        "SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL datestyle = 'ISO, YMD'; "
        "SET LOCAL standard_conforming_strings = on; SET LOCAL application_name = 'dsfailover'",
        settings.statement_timeout.count(), settings.lock_timeout.count(),
        kIdleInTransaction.count());
}

// What a transaction for writing begins with, after its settings: what forbids it, if anything; and
// a commit that does not wait for the disk could be lost behind a mark.
constexpr std::string_view kCheckForWriting =
    "; SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') "
    "THEN set_config('synchronous_commit', 'on', true) END, "
    "CASE WHEN pg_is_in_recovery() THEN 'it is a standby (pg_is_in_recovery())' "
    "WHEN current_setting('transaction_read_only') = 'on' "
    "THEN 'default_transaction_read_only is on' END";

// A parameter as the text that PostgreSQL reads; none is null.
std::optional<std::string> parameter_text(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::nullopt;
}

// The same before a reading in the same message, of whose answers only the last is seen: it fails.
constexpr std::string_view kFailUnlessWritable =
    "; SELECT 1 / (CASE WHEN pg_is_in_recovery() OR "
    "current_setting('transaction_read_only') = 'on' THEN 0 ELSE 1 END)";

class PostgresqlDatabase : public Database {
  public:
    explicit PostgresqlDatabase(DatabaseSettings settings)
        : settings_(std::move(settings)), endpoint_(settings_.endpoint()) {
        open();
    }

    const SqlDialect& dialect() const override { return dialect_; }
    std::string endpoint() const override { return endpoint_; }

    std::optional<Replica> replica() const override {
        // What can be written to follows nobody but a subscription, which is none.
        if (!settings_.for_writing) return std::nullopt;
        return Replica::no;
    }

    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        Rows rows;
        for_each(read(sql, parameters), [&](const Row& row) { rows.add(row); });
        return rows;
    }

    std::int64_t execute(std::string_view sql, std::span<const Value> parameters) override {
        return static_cast<std::int64_t>(
            run_anywhere(sql, parameters, Kind::commit_unknown).affected_rows());
    }

    void stream(std::string_view sql, std::span<const Value> parameters,
                const RowCallback& row) override {
        transaction_.require_none();
        // For a cursor there is no parallel plan, which finds a few rows among millions much
        // sooner.
        if (const pqxx::result few = read(fmt::format("{} LIMIT {}", sql, kFew + 1), parameters);
            few.size() <= kFew)
            return for_each(few, row);
        // All rows will be read, so the plan for all rows is wanted, not that for the first ones.
        // Between two pages as much time may pass as a statement may take: no row is locked.
        start(settings_.for_writing ? kBegin : kBeginReading, sql,
              fmt::format("; SET LOCAL cursor_tuple_fraction = 1; "
                          "SET LOCAL idle_in_transaction_session_timeout = {}",
                          settings_.statement_timeout.count()));
        const RollBack roll_back{*this};
        run(fmt::format("DECLARE dsfailover_stream NO SCROLL CURSOR FOR {}", sql), parameters);
        const std::string fetch = fmt::format("FETCH FORWARD {} FROM dsfailover_stream", kPage);
        // The server is at the next page while ours is worked on.
        pqxx::result next = run(fetch);
        while (!next.empty()) {
            const pqxx::result page = std::exchange(next, {});
            std::future<void> fetched;
            if (page.size() == kPage) fetched = run_beside([&] { next = run(fetch); });
            for_each(page, row);
            if (fetched.valid()) fetched.get();
        }
    }

    std::int64_t last_insert_id() override {
        throw std::logic_error("last_insert_id() on PostgreSQL: use RETURNING");
    }

    void begin() override {
        transaction_.require_none();
        start(kBegin, kBegin);
    }

    void commit() override {
        transaction_.commit(endpoint_, [this] { run("COMMIT"); });
    }

    void rollback() noexcept override {
        transaction_.ended();
        if (!session_) return;
        try {
            const AnswerTime answer(*watchdog_, idle_);
            session_->exec("ROLLBACK");
        } catch (const std::exception&) {
            close();  // the server rolls back by itself
        }
    }

    bool in_transaction() const override { return transaction_.in_transaction(); }

    void reconnect() override {
        close();
        open();
    }

    std::unique_ptr<Database> open_another() const override {
        return std::make_unique<PostgresqlDatabase>(settings_);
    }

    EpochMs clock_ms() override {
        return Database::query(
                   "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")[0]
            .integer(0);
    }

  private:
    void open() {
        try {
            connection_ = std::make_unique<pqxx::connection>(connection_string(settings_));
#include <pqxx/internal/ignore-deprecated-pre.hxx>
            // A new session in the middle of a transaction would commit half of it.
            connection_->inhibit_reactivation(true);
#include <pqxx/internal/ignore-deprecated-post.hxx>
            session_ = std::make_unique<pqxx::nontransaction>(*connection_);
            times_each_statement_ = connection_->server_version() >= kTimesEachStatement;
            watchdog_ = std::make_unique<Watchdog>(connection_->sock(), answer_limit(settings_));
            settings_sql_ = transaction_settings(settings_);
            if (!settings_.schema.empty()) {
                settings_sql_ += fmt::format("; SELECT set_config('search_path', {}, true)",
                                             session_->quote(settings_.schema));
            }
        } catch (const std::exception& error) {
            close();
            std::string detail = error.what();
            if (detail.find("no password supplied") != std::string::npos)
                detail += fmt::format("; no password was given: {} or PGPASSFILE (~/.pgpass)",
                                      kHowToGivePassword);
            throw make_database_error(Kind::unreachable, endpoint_, "connecting", detail);
        }
        if (!settings_.for_writing) return;
        try {
            require_writable(
                run_as(fmt::format("{}{}{}", kAlone, settings_sql_, kCheckForWriting), {}, kAlone));
        } catch (const DatabaseError&) {
            close();
            throw;
        }
    }

    // `first` begins something that changes nothing. Where it finds the connection broken after a
    // rest, again on a new one.
    template <typename First>
    auto after_rest(const First& first) {
        const bool rested = session_ && idle_.is_long();
        try {
            return first();
        } catch (const DatabaseError& error) {
            if (!rested || error.kind() != Kind::unreachable) throw;
            log_info("{}: the connection was cut off while it rested; connecting again", endpoint_);
            reconnect();
            return first();
        }
    }

    // Begins a transaction by `begin` for `sql`, with more settings of its own.
    void start(std::string_view begin, std::string_view sql, std::string_view more = {}) {
        after_rest([&] { send_start(begin, sql, more); });
    }

    void send_start(std::string_view begin, std::string_view sql, std::string_view more = {}) {
        transaction_.opened();
        try {
            const pqxx::result check =
                run_as(fmt::format("{}{}{}{}", begin, settings_sql_, more,
                                   settings_.for_writing ? kCheckForWriting : std::string_view()),
                       {}, sql);
            has_begun_ = true;
            if (settings_.for_writing) require_writable(check);
        } catch (...) {
            if (in_transaction()) rollback();
            throw;
        }
    }

    // `check`: the answer to kCheckForWriting.
    void require_writable(const pqxx::result& check) const {
        if (check[0][1].is_null()) return;
        throw make_not_writable_error(endpoint_, check[0][1].as<std::string>());
    }

    struct RollBack {
        PostgresqlDatabase& of;
        ~RollBack() {
            if (of.in_transaction()) of.rollback();
        }
    };

    pqxx::result read(std::string_view sql, std::span<const Value> parameters) {
        if (in_transaction() || !parameters.empty() || !times_each_statement_)
            return run_anywhere(sql, parameters, Kind::unreachable);
        return read_alone(sql);
    }

    // Of what has no parameters, outside of a transaction: one round trip instead of three.
    pqxx::result read_alone(std::string_view sql) {
        try {
            return after_rest([&] {
                return run_as(fmt::format("{}{}{}; {}", kAlone, settings_sql_,
                                          settings_.for_writing ? kFailUnlessWritable : "", sql),
                              {}, sql);
            });
        } catch (const DatabaseError& error) {
            if (error.kind() != Kind::other) throw;
        }
        // Says what is wrong with the server, if it is that.
        return run_anywhere(sql, {}, Kind::unreachable);
    }

    // Outside of a transaction in one of its own; `lost` says what it is if the connection breaks
    // in the end of that.
    pqxx::result run_anywhere(std::string_view sql, std::span<const Value> parameters, Kind lost) {
        if (in_transaction()) return run(sql, parameters);
        start(kBegin, sql);
        const RollBack roll_back{*this};
        pqxx::result result = run(sql, parameters);
        try {
            // As COMMIT; in the server's log it is told from that of several statements.
            transaction_.commit(endpoint_, [this] { run("END"); });
        } catch (const DatabaseError& error) {
            if (error.kind() != Kind::commit_unknown || lost == Kind::commit_unknown) throw;
            throw make_database_error(lost, endpoint_, describe_statement(sql),
                                      "the connection broke");
        }
        return result;
    }

    void close() noexcept {
        session_.reset();
        watchdog_.reset();
        connection_.reset();
        transaction_.ended();
    }

    pqxx::result run(std::string_view sql, std::span<const Value> parameters = {}) {
        return run_as(sql, parameters, sql);
    }

    // Errors name `shown` instead of `sql`.
    pqxx::result run_as(std::string_view sql, std::span<const Value> parameters,
                        std::string_view shown) {
        if (!session_) {
            throw make_database_error(Kind::unreachable, endpoint_, describe_statement(shown),
                                      "the connection is closed");
        }
        transaction_.require_usable(endpoint_);
        const NumberedSql numbered = number_placeholders(sql);
        require_parameters(numbered.placeholders, parameters.size(), sql);
        try {
            const AnswerTime answer(*watchdog_, idle_);
            if (parameters.empty()) return session_->exec(numbered.sql);
            std::vector<std::optional<std::string>> texts;
            texts.reserve(parameters.size());
            for (const Value& value : parameters) {
                texts.push_back(parameter_text(value));
                // The driver would cut it off there.
                if (texts.back() && texts.back()->find('\0') != std::string::npos) {
                    fail(Kind::other, shown, "a text with a zero byte cannot be stored");
                }
            }
            return session_->exec_params(numbered.sql, pqxx::prepare::make_dynamic_params(texts));
        } catch (const pqxx::transaction_rollback& error) {
            fail(Kind::retryable, shown, error.what());  // deadlock, serialization failure
        } catch (const pqxx::insufficient_privilege& error) {
            fail(Kind::read_only, shown, error.what());
        } catch (const pqxx::sql_error& error) {
            fail(kind_of(error.sqlstate()), shown, error.what());
        } catch (const pqxx::broken_connection&) {
            fail(Kind::unreachable, shown, "the connection broke");
        } catch (const pqxx::failure& error) {
            fail(Kind::other, shown, error.what());
        }
    }

    [[noreturn]] void fail(Kind kind, std::string_view sql, std::string detail) {
        transaction_.spoilt();
        if (!connection_->is_open()) kind = Kind::unreachable;
        if (watchdog_->has_ended_session()) {
            detail = watchdog_->what_happened();
        }
        if (kind == Kind::unreachable) {
            // A pooler that gives out sessions by the statement hangs up on a transaction.
            if (!has_begun_)
                detail +=
                    " at its first transaction; a pooler, if there is one, must give each "
                    "transaction a session to itself: pool_mode transaction or session";
            close();
        } else if (in_transaction() && ends_transaction(kind)) {
            rollback();
        }
        throw make_database_error(kind, endpoint_, describe_statement(sql), detail);
    }

    static void for_each(const pqxx::result& result, const RowCallback& callback) {
        std::vector<std::optional<std::string_view>> cells(result.columns());
        for (const pqxx::row row : result) {
            for (std::size_t i = 0; i < cells.size(); ++i) {
                const pqxx::field field = row[static_cast<pqxx::row::size_type>(i)];
                cells[i].reset();
                if (!field.is_null()) cells[i] = std::string_view(field.c_str(), field.size());
            }
            callback(Row(cells));
        }
    }

    const PostgresqlDialect dialect_;
    DatabaseSettings settings_;
    std::string endpoint_;
    std::unique_ptr<pqxx::connection> connection_;
    std::unique_ptr<Watchdog> watchdog_;  // of the socket of connection_: gone before it
    // Its statements run as they are; BEGIN and COMMIT are ours.
    std::unique_ptr<pqxx::nontransaction> session_;
    TransactionState transaction_;
    std::string settings_sql_;           // follows each BEGIN
    bool has_begun_ = false;             // a transaction, ever
    bool times_each_statement_ = false;  // of a message, by the limit that is set then
    IdleTime idle_;
};

}  // namespace

const char* DSFAILOVER_LIBRARY() {
    const int version = PQlibVersion();
    static const std::string library =
        fmt::format("libpq {}.{}, libpqxx " PQXX_VERSION, version / 10000, version % 10000);
    return library.c_str();
}

Database* DSFAILOVER_OPEN(const DatabaseSettings& settings) {
    return new PostgresqlDatabase(settings);
}

}  // namespace dsfailover
