#include "database/mysql/database.h"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "database/database_error.h"
#include "database/idle_time.h"
#include "database/mysql/connecting.h"
#include "database/mysql/dialect.h"
#include "database/mysql/server.h"
#include "database/mysql/statement.h"
#include "database/statement_cache.h"
#include "database/watchdog.h"

namespace dsfailover {

namespace {

using Kind = DatabaseError::Kind;

// Numbers that the headers of libmariadb do not name, or name otherwise than MySQL does.
constexpr unsigned int kErrorWritingFile = 3;            // EE_WRITE
constexpr unsigned int kMysqlStatementTimeout = 3024;    // MySQL's max_execution_time
constexpr unsigned int kMariadbStatementTimeout = 1969;  // MariaDB's max_statement_time
constexpr unsigned int kLockNotAvailable = 3572;         // NOWAIT
constexpr unsigned int kMysqlCheckViolated = 3819;
constexpr unsigned int kMariadbCheckViolated = 4025;
constexpr unsigned int kConnectionKilled = 1927;
constexpr unsigned int kDisconnectedByServer = 4031;  // idle for too long
constexpr unsigned int kReadOnlyMode = 1836;
constexpr unsigned int kReadOnlyTransaction = 1792;

struct CodeKind {
    unsigned int code;
    Kind kind;
};

constexpr CodeKind kKinds[] = {
    {ER_LOCK_DEADLOCK, Kind::retryable},
    {ER_LOCK_WAIT_TIMEOUT, Kind::retryable},
    {kLockNotAvailable, Kind::retryable},
    {ER_QUERY_INTERRUPTED, Kind::retryable},
    {kMariadbStatementTimeout, Kind::retryable},
    {kMysqlStatementTimeout, Kind::retryable},
    {ER_DISK_FULL, Kind::disk_full},
    {ER_RECORD_FILE_FULL, Kind::disk_full},
    {ER_ERROR_ON_WRITE, Kind::disk_full},
    {kErrorWritingFile, Kind::disk_full},
    {ER_OPTION_PREVENTS_STATEMENT, Kind::read_only},
    {kReadOnlyTransaction, Kind::read_only},
    {kReadOnlyMode, Kind::read_only},
    {ER_TABLEACCESS_DENIED_ERROR, Kind::read_only},
    {ER_COLUMNACCESS_DENIED_ERROR, Kind::read_only},
    {ER_DBACCESS_DENIED_ERROR, Kind::read_only},
    {ER_DUP_ENTRY, Kind::constraint},
    {ER_DUP_UNIQUE, Kind::constraint},
    {ER_BAD_NULL_ERROR, Kind::constraint},
    {ER_NO_REFERENCED_ROW, Kind::constraint},
    {ER_NO_REFERENCED_ROW_2, Kind::constraint},
    {ER_ROW_IS_REFERENCED, Kind::constraint},
    {ER_ROW_IS_REFERENCED_2, Kind::constraint},
    {kMysqlCheckViolated, Kind::constraint},
    {kMariadbCheckViolated, Kind::constraint},
    {ER_SERVER_SHUTDOWN, Kind::unreachable},
    {ER_NET_READ_ERROR, Kind::unreachable},
    {ER_NET_READ_INTERRUPTED, Kind::unreachable},
    {ER_NET_ERROR_ON_WRITE, Kind::unreachable},
    {ER_NET_WRITE_INTERRUPTED, Kind::unreachable},
    {kConnectionKilled, Kind::unreachable},
    {kDisconnectedByServer, Kind::unreachable},
    {ER_UNKNOWN_COM_ERROR, Kind::unreachable},  // a Galera node that is cut off from its cluster
};

// Of the client library's own errors, those about its use; any other may mean a connection lost,
// under TLS in other words than without.
constexpr unsigned int kWrongUses[] = {CR_OUT_OF_MEMORY,          CR_COMMANDS_OUT_OF_SYNC,
                                       CR_NO_PREPARE_STMT,        CR_PARAMS_NOT_BOUND,
                                       CR_INVALID_PARAMETER_NO,   CR_INVALID_BUFFER_USE,
                                       CR_UNSUPPORTED_PARAM_TYPE, CR_NO_DATA,
                                       CR_NO_STMT_METADATA,       CR_NOT_IMPLEMENTED,
                                       CR_NEW_STMT_METADATA};

Kind kind_of(const MysqlFailure& failure) {
    if (failure.code >= CR_MIN_ERROR && failure.code <= CR_MAX_ERROR) {
        return std::ranges::find(kWrongUses, failure.code) == std::end(kWrongUses)
                   ? Kind::unreachable
                   : Kind::other;
    }
    if (failure.code == CR_ERR_NET_READ || failure.code == CR_ERR_NET_WRITE) {
        return Kind::unreachable;
    }
    const auto* const known =
        std::find_if(std::begin(kKinds), std::end(kKinds),
                     [&](const CodeKind& entry) { return entry.code == failure.code; });
    if (known != std::end(kKinds)) return known->kind;
    // Storage engines tell of it in many ways, all with the system's words.
    if (failure.message.find("No space left") != std::string::npos) return Kind::disk_full;
    return Kind::other;
}

unsigned int whole_seconds(Millis duration) {
    return static_cast<unsigned int>(
        std::max<Millis::rep>(1, std::chrono::ceil<std::chrono::seconds>(duration).count()));
}

// The server's own limit for a connection that rests; between two looks of --wait or --grace ours
// do.
constexpr int kRestSeconds = 8 * 3600;

constexpr const char* kBeginWriting = "START TRANSACTION READ WRITE";

// A server or a way to it that vanished without a word is noticed within half a minute, and what
// forgets connections without traffic sees some.
void notice_silence(my_socket socket) {
    const auto set = [&](int level, int name, int value) {
        setsockopt(socket, level, name, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

void set_time_limits(MYSQL* connection, const DatabaseSettings& settings) {
    const unsigned int connect = whole_seconds(settings.connect_timeout);
    // The server's own limit should be the first to strike, since it says what happened.
    const unsigned int answer = whole_seconds(settings.statement_timeout) + 5;
    mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &answer);
    mysql_options(connection, MYSQL_OPT_WRITE_TIMEOUT, &answer);
}

void set_tls(MYSQL* connection, const DatabaseSettings& settings) {
    const std::string& mode = settings.tls_mode;
    if (mode.empty() || mode == "disable") return;
    // The authority is for checking the server; the other modes must not fail for it.
    const bool checks = mode == "verify-ca" || mode == "verify-full";
    mysql_ssl_set(connection, or_null(settings.tls_key), or_null(settings.tls_cert),
                  checks ? or_null(settings.tls_ca) : nullptr, nullptr, nullptr);
    const my_bool enforce = needs_tls(settings) ? 1 : 0;
    const my_bool verify = mode == "verify-full" ? 1 : 0;
    if (enforce != 0) mysql_options(connection, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

// What may be asked of us without TLS: nothing that sends the password itself
// (mysql_clear_password, dialog), which the library does for any server that asks.
constexpr const char* kLoginsInTheOpen =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,"
    "auth_gssapi_client";

// As the mysql client does, and only if no password was given.
void set_default_file(MYSQL* connection, const DatabaseSettings& settings) {
    const char* const home = std::getenv("HOME");
    if (!settings.password.empty() || home == nullptr) return;
    const std::string file = std::string(home) + "/.my.cnf";
    if (!std::filesystem::exists(file)) return;
    mysql_options(connection, MYSQL_READ_DEFAULT_FILE, file.c_str());
    mysql_options(connection, MYSQL_READ_DEFAULT_GROUP, "client");
}

class MysqlDatabase : public Database {
  public:
    explicit MysqlDatabase(DatabaseSettings settings)
        : settings_(std::move(settings)), endpoint_(settings_.endpoint()) {
        open();
    }
    ~MysqlDatabase() override { close(); }

    const SqlDialect& dialect() const override { return dialect_; }
    std::string endpoint() const override { return endpoint_; }

    std::optional<Replica> replica() const override { return replica_; }

    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        look_after_rest();
        Rows rows;
        run(sql, parameters, [&](const Row& row) { rows.add(row); });
        return rows;
    }

    std::int64_t execute(std::string_view sql, std::span<const Value> parameters) override {
        look_after_rest();
        return run(sql, parameters, [](const Row&) {});
    }

    void stream(std::string_view sql, std::span<const Value> parameters,
                const RowCallback& row) override {
        transaction_.require_none();
        look_after_rest();
        if (!settings_.for_writing) {
            run(sql, parameters, row);
            return;
        }
        // What must not be written to must not be read from, either.
        command(kBeginWriting);
        transaction_.opened();
        const struct RollBack {
            MysqlDatabase& of;
            ~RollBack() {
                if (of.in_transaction()) of.rollback();
            }
        } roll_back{*this};
        run(sql, parameters, row);
    }

    std::int64_t last_insert_id() override {
        require_connection("last_insert_id()");
        return static_cast<std::int64_t>(mysql_insert_id(connection_.get()));
    }

    void begin() override {
        transaction_.require_none();
        look_after_rest();
        if (wait_timeout_) {
            command(
                fmt::format("SET SESSION wait_timeout = {}", whole_seconds(kIdleInTransaction)));
        }
        command(settings_.for_writing ? kBeginWriting : "START TRANSACTION");
        transaction_.opened();
    }

    void commit() override {
        transaction_.commit(endpoint_, [this] { command("COMMIT"); });
        rest_long();
    }

    void rollback() noexcept override {
        transaction_.ended();
        if (connection_ && ask("ROLLBACK") != 0) close();
        rest_long();
    }

    bool in_transaction() const override { return transaction_.in_transaction(); }

    void reconnect() override {
        close();
        open();
    }

    std::unique_ptr<Database> open_another() const override {
        return std::make_unique<MysqlDatabase>(settings_);
    }

    EpochMs clock_ms() override {
        return Database::query(
                   "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000")[0]
            .integer(0);
    }

  private:
    struct Close {
        void operator()(MYSQL* connection) const { mysql_close(connection); }
    };

    void open() {
        std::string problems;
        auto hosts = settings_.hosts;
        if (hosts.empty()) hosts.emplace_back("", 0);  // from the file, or this machine
        for (const auto& [host, port] : hosts) {
            try {
                connect(host, static_cast<unsigned int>(port));
                const AnswerTime answer(*watchdog_, idle_);
                set_up_session();
                const bool first = &host == &hosts.front().first;
                if (settings_.for_writing) check_for_writing(host, first);
                why_only_read_ = "";
                if (!first) only_read_replica(host);
                return;
            } catch (const DatabaseError&) {
                close();
                throw;
            } catch (const std::system_error& error) {
                close();
                throw make_database_error(
                    Kind::unreachable, endpoint_, "connecting",
                    fmt::format("no thread can be started to watch it: {}", error.what()));
            } catch (const MysqlFailure& failure) {
                close();
                problems += fmt::format("{}{}: {}{}", problems.empty() ? "" : "; ", host,
                                        failure.message, missing_password(failure));
            }
        }
        throw make_database_error(Kind::unreachable, endpoint_, "connecting", problems);
    }

    static std::string missing_password(const MysqlFailure& failure) {
        const bool denied = failure.code == ER_ACCESS_DENIED_ERROR &&
                            failure.message.find("password: NO") != std::string::npos;
        return denied
                   ? "; no password was given: " + std::string(kHowToGivePassword) + " or ~/.my.cnf"
                   : "";
    }

    std::string not_the_first(const std::string& host) const {
        return fmt::format(
            "{} is not the first host, {}, and may be its replica; if it is the primary now, name "
            "it alone, or add failOverReadOnly=false to the URL",
            host, settings_.hosts.front().first);
    }

    // As the masters' driver: only the first host is sure to be the primary.
    void only_read_replica(const std::string& host) {
        const auto read_only = read_only_variable(server_variables(connection_.get()));
        if (!read_only && !settings_.fail_over_read_only) return;
        require(mysql_query(connection_.get(), "SET SESSION TRANSACTION READ ONLY"));
        why_only_read_ = read_only ? fmt::format("{}: {}", host, *read_only) : not_the_first(host);
    }

    void check_for_writing(const std::string& host, bool first) {
        const ServerVariables variables = server_variables(connection_.get());
        if (const auto read_only = read_only_variable(variables)) {
            throw make_not_writable_error(endpoint_, fmt::format("{}: {}", host, *read_only));
        }
        if (!first && settings_.fail_over_read_only) {
            throw make_not_writable_error(endpoint_, not_the_first(host));
        }
        replica_ = look_for_replication(connection_.get());
        if (replica_ == Replica::yes && !settings_.primary) {
            throw DatabaseError(
                Kind::unreachable,
                fmt::format("{}: {} may be written to, but applies what is written to another "
                            "server: it looks like a replica. Name the primary; or, if this is "
                            "the primary, say so: --primary",
                            endpoint_, host));
        }
        see_what_others_committed(connection_.get(), variables);
    }

    void connect(const std::string& host, unsigned int port) {
        connection_.reset(mysql_init(nullptr));
        MYSQL* const connection = connection_.get();
        if (connection == nullptr) throw std::bad_alloc();
        set_time_limits(connection, settings_);
        set_default_file(connection, settings_);
        set_tls(connection, settings_);
        if (!needs_tls(settings_))
            mysql_options(connection, MARIADB_OPT_RESTRICTED_AUTH, kLoginsInTheOpen);
        // "localhost" means a socket file to the library, but a port to JDBC and to the operator.
        const unsigned int protocol = MYSQL_PROTOCOL_TCP;
        mysql_options(connection, MYSQL_OPT_PROTOCOL, &protocol);
        mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        mysql_options4(connection, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "dsfailover");
        connect_in_time(connection, settings_, host, port);
        watchdog_ =
            std::make_unique<Watchdog>(mysql_get_socket(connection), answer_limit(settings_));
        notice_silence(mysql_get_socket(connection));
        if (needs_tls(settings_) && mysql_get_ssl_cipher(connection) == nullptr) {
            throw MysqlFailure{CR_SSL_CONNECTION_ERROR, "the server offers no TLS"};
        }
    }

    // The time zone of the session is left alone unless the URL names it: the masters wrote their
    // wall clocks under it.
    void set_up_session() {
        // A file of defaults may have chosen another one.
        if (std::string_view(mysql_character_set_name(connection_.get())) != "utf8mb4" &&
            mysql_set_character_set(connection_.get(), "utf8mb4") != 0) {
            throw_failure();
        }
        require(mysql_query(connection_.get(),
                            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"));
        const std::string limits = fmt::format(
            "SET SESSION autocommit = 1, innodb_lock_wait_timeout = {0}, lock_wait_timeout = {0}, "
            "net_write_timeout = 600, wait_timeout = {1}",
            whole_seconds(settings_.lock_timeout), kRestSeconds);
        if (!settings_.session_time_zone.empty()) {
            std::string zone = settings_.session_time_zone;
            std::erase_if(zone, [](char c) { return c == '\'' || c == '\\'; });
            require(mysql_query(connection_.get(),
                                fmt::format("SET SESSION time_zone = '{}'", zone).c_str()));
        }
        require(mysql_query(connection_.get(), limits.c_str()));
        const bool mariadb = is_mariadb(connection_.get());
        set_if_known(
            mariadb ? fmt::format("max_statement_time = {}",
                                  static_cast<double>(settings_.statement_timeout.count()) / 1000)
                    : fmt::format("max_execution_time = {}", settings_.statement_timeout.count()));
        // MySQL has no such limit but the one for every rest.
        wait_timeout_ = !mariadb || !set_if_known(fmt::format("idle_transaction_timeout = {}",
                                                              whole_seconds(kIdleInTransaction)));
    }

    // Whether the server knows the variable of this assignment; old ones do not.
    bool set_if_known(const std::string& assignment) {
        const std::string sql = "SET SESSION " + assignment;
        if (mysql_query(connection_.get(), sql.c_str()) == 0) return true;
        if (mysql_errno(connection_.get()) != ER_UNKNOWN_SYSTEM_VARIABLE) throw_failure();
        return false;
    }

    // Outside of a transaction again. Where this does not arrive the next statement finds it out.
    void rest_long() noexcept {
        if (!wait_timeout_ || !connection_) return;
        static const std::string kSql = fmt::format("SET SESSION wait_timeout = {}", kRestSeconds);
        ask(kSql);
    }

    // Outside of a transaction, before the next one or a statement: what was cut off while it
    // rested is opened again.
    void look_after_rest() {
        if (!connection_ || in_transaction() || !idle_.is_long()) return;
        if (answers_a_ping()) return;
        log_info("{}: the connection was cut off while it rested; connecting again", endpoint_);
        reconnect();
    }

    void close() noexcept {
        statements_.clear();
        watchdog_.reset();
        connection_.reset();
        transaction_.ended();
    }

    [[noreturn]] void throw_failure() const {
        throw MysqlFailure{mysql_errno(connection_.get()), mysql_error(connection_.get())};
    }

    void require(int status) const {
        if (status != 0) throw_failure();
    }

    void require_connection(std::string_view doing) const {
        if (!connection_) {
            throw make_database_error(Kind::unreachable, endpoint_, doing,
                                      "the connection is closed");
        }
    }

    // As mysql_query(): 0 if it was answered well.
    int ask(const std::string& sql) noexcept {
        const AnswerTime answer(*watchdog_, idle_);
        return mysql_query(connection_.get(), sql.c_str());
    }

    bool answers_a_ping() {
        const AnswerTime answer(*watchdog_, idle_);
        return mysql_ping(connection_.get()) == 0;
    }

    // A statement that cannot be prepared, or need not be.
    void command(const std::string& sql) {
        require_connection(sql);
        if (ask(sql) != 0) {
            fail({mysql_errno(connection_.get()), mysql_error(connection_.get())}, sql);
        }
    }

    std::int64_t run(std::string_view sql, std::span<const Value> parameters,
                     const RowCallback& row) {
        require_connection(describe_statement(sql));
        transaction_.require_usable(endpoint_);
        try {
            const AnswerTime answer(*watchdog_, idle_);
            MysqlStatement& statement =
                statements_.get(sql, [&] { return MysqlStatement(connection_.get(), sql); });
            require_parameters(statement.placeholders(), parameters.size(), sql);
            // Rows may be many: each has the time of an answer, and what is done with it has any.
            statement.run(parameters, [&](const Row& each) {
                watchdog_->answered();
                row(each);
                watchdog_->expect_answer();
            });
            return statement.affected_rows();
        } catch (const MysqlFailure& failure) {
            fail(failure, sql);
        }
    }

    [[noreturn]] void fail(const MysqlFailure& failure, std::string_view sql) {
        transaction_.spoilt();
        const Kind kind = kind_of(failure);
        const std::string message =
            watchdog_->has_ended_session() ? watchdog_->what_happened() : failure.message;
        if (kind == Kind::unreachable) {
            close();
        } else if (in_transaction() && ends_transaction(kind)) {
            rollback();  // after a lock wait the server itself rolls back the statement only
        }
        const bool explained = kind == Kind::read_only && !why_only_read_.empty();
        throw make_database_error(
            kind, endpoint_, describe_statement(sql),
            fmt::format("{} (error {}){}{}", message, failure.code, explained ? "; " : "",
                        explained ? why_only_read_ : ""));
    }

    const MysqlDialect dialect_;
    DatabaseSettings settings_;
    std::string endpoint_;
    std::unique_ptr<MYSQL, Close> connection_;
    std::unique_ptr<Watchdog> watchdog_;  // of the socket of connection_: gone before it
    std::string why_only_read_;           // empty: it may be written to
    std::optional<Replica> replica_;      // what the check for writing found
    bool wait_timeout_ = false;           // it is what limits a rest in a transaction
    IdleTime idle_;
    StatementCache<MysqlStatement> statements_;  // of connection_: gone before it
    TransactionState transaction_;
};

}  // namespace

const char* DSFAILOVER_LIBRARY() {
    static const std::string library =
        std::string("MariaDB Connector/C ") + mysql_get_client_info();
    return library.c_str();
}

Database* DSFAILOVER_OPEN(const DatabaseSettings& settings) {
    // The library would not check anything then, and not say so.
    if (settings.tls_mode == "verify-ca" && settings.tls_ca.empty()) {
        throw UsageError(settings.endpoint() +
                         ": verify-ca needs the authority's certificate; verify-full can do with "
                         "those of the system");
    }
    return new MysqlDatabase(settings);
}

}  // namespace dsfailover
