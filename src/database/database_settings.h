#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace dsfailover {

enum class DatabaseType { sqlite, postgresql, mysql };  ///< mysql: MariaDB, too

/// "sqlite", "postgresql" or "mysql", as in URLs and in the report.
std::string name_of(DatabaseType type);

/// How to reach a database; made from a --database URL, a JDBC URL or application.yaml.
struct DatabaseSettings {
    DatabaseType type = DatabaseType::sqlite;
    std::string file;                                ///< SQLite only
    std::vector<std::pair<std::string, int>> hosts;  ///< tried in order; IPv6 without brackets
    std::string database;
    std::string user;
    Secret password;
    std::string schema;  ///< PostgreSQL currentSchema; empty: server's search_path
    /// TLS: "disable", "prefer", "require", "verify-ca", "verify-full"; empty: the driver's
    /// default.
    std::string tls_mode;
    std::string tls_ca, tls_cert, tls_key;  ///< file names; empty: none
    /// PostgreSQL: "disable", "prefer" or "require"; empty: the driver's default.
    std::string channel_binding;
    /// MySQL: the session's time_zone, by which it converts TIMESTAMP columns; empty: the server's.
    std::string session_time_zone;
    /// MySQL: a connection to any host but the first only reads, as that of the masters' driver.
    bool fail_over_read_only = true;
    Millis connect_timeout{5000};
    Millis statement_timeout{60000};  ///< also how long a row lock is waited for, at most
    Millis lock_timeout{10000};
    /// What is decided by this connection is written by it: every server it meets must be one that
    /// may be written to, and see what was committed before. See open_database().
    bool for_writing = false;
    /// The operator says that the server is the primary, although it applies changes of another.
    bool primary = false;
    /// "postgresql://host:port/db", "mysql://host:port/db" or "sqlite:FILE": no user, no secret.
    std::string endpoint() const;
};

}  // namespace dsfailover
