#include "database/mysql/server.h"

#include <fmt/format.h>
#include <mysqld_error.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>
#include <string_view>

#include "database/mysql/statement.h"

namespace dsfailover {

namespace {

constexpr std::string_view kReadOnly[] = {"read_only", "super_read_only", "innodb_read_only",
                                          "transaction_read_only", "tx_read_only"};

struct FreeResult {
    void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Result = std::unique_ptr<MYSQL_RES, FreeResult>;

void run(MYSQL* connection, const std::string& sql) {
    if (mysql_query(connection, sql.c_str()) != 0)
        throw MysqlFailure{mysql_errno(connection), mysql_error(connection)};
}

Result select(MYSQL* connection, const std::string& sql) {
    run(connection, sql);
    Result result(mysql_store_result(connection));
    if (!result) throw MysqlFailure{mysql_errno(connection), mysql_error(connection)};
    return result;
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

// -1: there is no such column.
int column_of(MYSQL_RES* result, std::string_view name) {
    const MYSQL_FIELD* const fields = mysql_fetch_fields(result);
    for (unsigned int i = 0; i < mysql_num_fields(result); ++i)
        if (lower_case(fields[i].name) == name) return static_cast<int>(i);
    return -1;
}

// The channels of a replication group serve the group itself.
bool is_of_group(std::string_view channel) { return channel.starts_with("group_replication_"); }

bool has_source(MYSQL_RES* status) {
    const int channel = column_of(status, "channel_name");
    while (const MYSQL_ROW row = mysql_fetch_row(status)) {
        if (channel < 0 || row[channel] == nullptr || !is_of_group(row[channel])) return true;
    }
    return false;
}

bool is_on(const ServerVariables& variables, const std::string& name) {
    const auto found = variables.find(name);
    return found != variables.end() && found->second == "ON";
}

}  // namespace

bool is_mariadb(MYSQL* connection) {
    return std::strstr(mysql_get_server_info(connection), "MariaDB") != nullptr;
}

ServerVariables server_variables(MYSQL* connection) {
    const Result result =
        select(connection, fmt::format("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('{}', "
                                       "'wsrep_on', 'group_replication_consistency')",
                                       fmt::join(kReadOnly, "', '")));
    ServerVariables variables;
    while (const MYSQL_ROW row = mysql_fetch_row(result.get()))
        variables[lower_case(row[0])] = row[1] == nullptr ? "" : row[1];
    return variables;
}

std::optional<std::string> read_only_variable(const ServerVariables& variables) {
    for (const std::string_view name : kReadOnly) {
        const auto found = variables.find(std::string(name));
        if (found == variables.end()) continue;
        // Later releases of MariaDB have more than one way to be read-only.
        const std::string value = lower_case(found->second);
        if (value != "off" && value != "0" && !value.empty())
            return fmt::format("{} is {}", name, found->second);
    }
    return std::nullopt;
}

Replica look_for_replication(MYSQL* connection) {
    // In the words of each release; the user's rights are asked for before the statement is run.
    const std::vector<const char*> statements =
        is_mariadb(connection) ? std::vector{"SHOW ALL SLAVES STATUS", "SHOW SLAVE STATUS"}
                               : std::vector{"SHOW REPLICA STATUS", "SHOW SLAVE STATUS"};
    for (const char* const sql : statements) {
        try {
            return has_source(select(connection, sql).get()) ? Replica::yes : Replica::no;
        } catch (const MysqlFailure& failure) {
            if (failure.code == ER_SPECIFIC_ACCESS_DENIED_ERROR ||
                failure.code == ER_ACCESS_DENIED_ERROR)
                return Replica::unknown;
            if (failure.code != ER_PARSE_ERROR) throw;
        }
    }
    return Replica::unknown;
}

void see_what_others_committed(MYSQL* connection, const ServerVariables& variables) {
    if (is_on(variables, "wsrep_on")) run(connection, "SET SESSION wsrep_sync_wait = 1");
    const auto group = variables.find("group_replication_consistency");
    if (group == variables.end()) return;
    const bool after = group->second.find("AFTER") != std::string::npos;
    run(connection, fmt::format("SET SESSION group_replication_consistency = '{}'",
                                after ? "BEFORE_AND_AFTER" : "BEFORE"));
}

}  // namespace dsfailover
