#pragma once

#include <mysql.h>

#include <string>

#include "base/time.h"
#include "database/database_settings.h"

namespace dsfailover {

/// As the client library takes what was not given: nullptr for an empty text.
const char* or_null(const std::string& text);

/// Whether `settings` want TLS or no connection.
bool needs_tls(const DatabaseSettings& settings);

/// mysql_real_connect() to one of the hosts of `settings`, which is over after
/// settings.connect_timeout however the server spends that: the library's own limit begins anew
/// with each piece that comes. `port` 0 and an empty `host` are the library's defaults. Throws
/// MysqlFailure; `connection` is still to be closed then.
void connect_in_time(MYSQL* connection, const DatabaseSettings& settings, const std::string& host,
                     unsigned int port);

}  // namespace dsfailover
