#pragma once

#include <mysql.h>

#include <map>
#include <optional>
#include <string>

#include "database/database.h"

namespace dsfailover {

// What a MySQL or MariaDB server is, whatever the user may do there. These functions run statements
// on a connection on which none is under way, and throw MysqlFailure.

bool is_mariadb(MYSQL* connection);

/// Those global variables that the server has of the ones looked at here, by their lower-case
/// names.
using ServerVariables = std::map<std::string, std::string>;
ServerVariables server_variables(MYSQL* connection);

/// "read_only is ON" and the like; none: the server may be written to.
std::optional<std::string> read_only_variable(const ServerVariables& variables);

/// Whether the server applies what is written to another one. To be a member of a replication group
/// or a Galera cluster is none of that.
Replica look_for_replication(MYSQL* connection);

/// In a Galera cluster or a replication group: lets the readings of this session wait for what was
/// committed at other members before.
void see_what_others_committed(MYSQL* connection, const ServerVariables& variables);

}  // namespace dsfailover
