#include "database/postgresql_database.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <pqxx/connection>
#include <pqxx/except>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "database/database_error.h"
#include "database/placeholders.h"

namespace dsfailover {

namespace {

using Kind = DatabaseError::Kind;

// Rows fetched at once by stream(): more make it no faster, and cost memory.
constexpr int kPage = 4000;

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
    append_option(options, "application_name", "dsfailover");
    append_option(options, "client_encoding", "UTF8");
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(settings.connect_timeout);
    append_option(options, "connect_timeout", std::to_string(seconds.count()));
    // A server that vanished without a word is noticed within half a minute.
    options += "keepalives_idle=10 keepalives_interval=5 keepalives_count=4 tcp_user_timeout=30000";
    return options;
}

// Times out on our side of the agreement, and shows timestamps as the stores read them. Set after
// connecting, since poolers refuse them as options of the connection.
std::string session_settings(const DatabaseSettings& settings, int server_version) {
    std::string sql = fmt::format(
        "SET statement_timeout = {}; SET lock_timeout = {}; "
        "SET idle_in_transaction_session_timeout = {}; SET datestyle = 'ISO, YMD'; "
        "SET standard_conforming_strings = on",
        settings.statement_timeout.count(), settings.lock_timeout.count(),
        settings.statement_timeout.count());
    // Between two looks of --wait or --grace a connection rests for long.
    if (server_version >= 140000) sql += "; SET idle_session_timeout = 0";
    return sql;
}

// Cuts the connection off when an answer does not come in time: libpq would wait for it for ever.
class Watchdog {
  public:
    Watchdog(int socket, Millis limit) : socket_(socket), limit_(limit) {
        thread_ = std::thread(&Watchdog::watch, this);
    }
    ~Watchdog() {
        {
            const std::lock_guard guard(mutex_);
            leaving_ = true;
        }
        leaving_changed_.notify_all();
        thread_.join();
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// A statement is sent: its answer has to come within the limit.
    void expect_answer() { set_deadline(Clock::now() + limit_); }
    void answered() { set_deadline(std::nullopt); }
    bool has_struck() const { return struck_; }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr Millis kLookEvery{250};

    void set_deadline(std::optional<Clock::time_point> deadline) {
        const std::lock_guard guard(mutex_);
        deadline_ = deadline;
    }

    // Looks now and then, so that a statement need not wake up this thread.
    void watch() {
        std::unique_lock guard(mutex_);
        while (!leaving_changed_.wait_for(guard, kLookEvery, [this] { return leaving_; })) {
            if (!deadline_ || Clock::now() < *deadline_) continue;
            struck_ = true;
            deadline_.reset();
            shutdown(socket_, SHUT_RDWR);
        }
    }

    const int socket_;
    const Millis limit_;
    std::mutex mutex_;
    std::condition_variable leaving_changed_;
    bool leaving_ = false;
    std::optional<Clock::time_point> deadline_;
    std::atomic<bool> struck_ = false;
    std::thread thread_;
};

// A parameter as the text that PostgreSQL reads; none is null.
std::optional<std::string> parameter_text(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::nullopt;
}

class PostgresqlDatabase : public Database {
  public:
    explicit PostgresqlDatabase(DatabaseSettings settings)
        : settings_(std::move(settings)), endpoint_(settings_.endpoint()) {
        open();
    }

    Dialect dialect() const override { return Dialect::postgresql; }
    std::string endpoint() const override { return endpoint_; }

    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        const pqxx::result result = run(sql, parameters);
        Rows rows;
        for_each(result, [&](const Row& row) { rows.add(row); });
        return rows;
    }

    std::int64_t execute(std::string_view sql, std::span<const Value> parameters) override {
        return static_cast<std::int64_t>(run(sql, parameters).affected_rows());
    }

    void stream(std::string_view sql, std::span<const Value> parameters,
                const RowCallback& row) override {
        transaction_.require_none();
        // All rows will be read, so the plan for all rows is wanted, not that for the first ones.
        run("BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY; SET LOCAL cursor_tuple_fraction = 1");
        transaction_.opened();
        const struct RollBack {
            PostgresqlDatabase& of;
            ~RollBack() {
                if (of.in_transaction()) of.rollback();
            }
        } roll_back{*this};
        run(fmt::format("DECLARE dsfailover_stream NO SCROLL CURSOR FOR {}", sql), parameters);
        const std::string fetch = fmt::format("FETCH FORWARD {} FROM dsfailover_stream", kPage);
        for (;;) {
            const pqxx::result page = run(fetch);
            for_each(page, row);
            if (page.size() < kPage) return;
        }
    }

    std::int64_t last_insert_id() override {
        throw std::logic_error("last_insert_id() on PostgreSQL: use RETURNING");
    }

    void begin() override {
        transaction_.require_none();
        run("BEGIN ISOLATION LEVEL READ COMMITTED");
        transaction_.opened();
    }

    void commit() override {
        transaction_.commit(endpoint_, [this] { run("COMMIT"); });
    }

    void rollback() noexcept override {
        transaction_.ended();
        if (!session_) return;
        try {
            const Answer answer(*watchdog_);
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
            watchdog_ = std::make_unique<Watchdog>(connection_->sock(), answer_limit());
            const Answer answer(*watchdog_);
            if (!settings_.schema.empty()) {
                session_->exec_params("SELECT set_config('search_path', $1, false)",
                                      settings_.schema);
            }
            session_->exec(session_settings(settings_, connection_->server_version()));
        } catch (const std::exception& error) {
            close();
            std::string detail = error.what();
            if (detail.find("no password supplied") != std::string::npos)
                detail += fmt::format("; no password was given: {} or PGPASSFILE (~/.pgpass)",
                                      kHowToGivePassword);
            throw make_database_error(Kind::unreachable, endpoint_, "connecting", detail);
        }
    }

    // The server's own limit should be the first to strike, since it says what happened.
    Millis answer_limit() const { return settings_.statement_timeout + Millis(5000); }

    void close() noexcept {
        session_.reset();
        watchdog_.reset();
        connection_.reset();
        transaction_.ended();
    }

    pqxx::result run(std::string_view sql, std::span<const Value> parameters = {}) {
        if (!session_) {
            throw make_database_error(Kind::unreachable, endpoint_, describe_statement(sql),
                                      "the connection is closed");
        }
        transaction_.require_usable(endpoint_);
        const NumberedSql numbered = number_placeholders(sql);
        require_parameters(numbered.placeholders, parameters.size(), sql);
        try {
            const Answer answer(*watchdog_);
            if (parameters.empty()) return session_->exec(numbered.sql);
            std::vector<std::optional<std::string>> texts;
            texts.reserve(parameters.size());
            for (const Value& value : parameters) {
                texts.push_back(parameter_text(value));
                // The driver would cut it off there.
                if (texts.back() && texts.back()->find('\0') != std::string::npos) {
                    fail(Kind::other, sql, "a text with a zero byte cannot be stored");
                }
            }
            return session_->exec_params(numbered.sql, pqxx::prepare::make_dynamic_params(texts));
        } catch (const pqxx::transaction_rollback& error) {
            fail(Kind::retryable, sql, error.what());  // deadlock, serialization failure
        } catch (const pqxx::insufficient_privilege& error) {
            fail(Kind::read_only, sql, error.what());
        } catch (const pqxx::sql_error& error) {
            fail(kind_of(error.sqlstate()), sql, error.what());
        } catch (const pqxx::broken_connection&) {
            fail(Kind::unreachable, sql, "the connection broke");
        } catch (const pqxx::failure& error) {
            fail(Kind::other, sql, error.what());
        }
    }

    [[noreturn]] void fail(Kind kind, std::string_view sql, std::string detail) {
        transaction_.spoilt();
        if (!connection_->is_open()) kind = Kind::unreachable;
        if (watchdog_->has_struck()) {
            detail = "no answer within " + format_duration(answer_limit());
        }
        if (kind == Kind::unreachable) {
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

    // While it lives, the server has to answer.
    class Answer {
      public:
        explicit Answer(Watchdog& watchdog) : watchdog_(watchdog) { watchdog_.expect_answer(); }
        ~Answer() { watchdog_.answered(); }
        Answer(const Answer&) = delete;
        Answer& operator=(const Answer&) = delete;

      private:
        Watchdog& watchdog_;
    };

    DatabaseSettings settings_;
    std::string endpoint_;
    std::unique_ptr<pqxx::connection> connection_;
    std::unique_ptr<Watchdog> watchdog_;  // of the socket of connection_: gone before it
    // Its statements run as they are; BEGIN and COMMIT are ours.
    std::unique_ptr<pqxx::nontransaction> session_;
    TransactionState transaction_;
};

}  // namespace

Database* DSFAILOVER_OPEN(const DatabaseSettings& settings) {
    return new PostgresqlDatabase(settings);
}

}  // namespace dsfailover
