#include "store/rights.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

struct Needed {
    std::string_view table;
    std::vector<std::string_view> rights;
};

// As docs/rights.md has them.
const Needed kNeeded[] = {{"t_ds_workflow_instance", {"SELECT", "UPDATE"}},
                          {"t_ds_task_instance", {"SELECT", "UPDATE", "INSERT"}},
                          {"t_ds_command", {"SELECT", "INSERT", "DELETE"}},
                          {"t_ds_relation_workflow_instance", {"SELECT"}}};

// Of each of them one. They say what is missing, and count what a user has to single columns.
constexpr std::string_view kStatements[] = {
    "UPDATE t_ds_workflow_instance SET state = state WHERE 1 = 0",
    "UPDATE t_ds_task_instance SET state = state WHERE 1 = 0",
    "INSERT INTO t_ds_task_instance (flag) SELECT flag FROM t_ds_task_instance WHERE 1 = 0",
    "INSERT INTO t_ds_command (executor_id) SELECT executor_id FROM t_ds_command WHERE 1 = 0",
    "DELETE FROM t_ds_command WHERE 1 = 0",
    "SELECT 1 FROM t_ds_relation_workflow_instance WHERE 1 = 0"};

// False also where the server cannot tell.
bool has_all_rights(Database& database) {
    std::string conditions = "1 = 1";
    for (const auto& [table, rights] : kNeeded) {
        for (const std::string_view right : rights) {
            const std::string condition = database.dialect().has_right(table, right);
            if (condition.empty()) return false;
            conditions += " AND " + condition;
        }
    }
    try {
        return !database.query("SELECT 1 WHERE " + conditions).empty();
    } catch (const DatabaseError& error) {
        if (error.kind() == DatabaseError::Kind::unreachable) throw;
        return false;  // a table is missing
    }
}

}  // namespace

void require_rights_to_act(Database& database) {
    if (database.dialect().locks_whole_file() || has_all_rights(database)) return;
    // Rolled back: of a commit nobody would know whether it took effect. An error spoils it.
    std::optional<Transaction> transaction;
    for (const std::string_view sql : kStatements) {
        try {
            if (!transaction) transaction.emplace(database);
            database.query(sql);
        } catch (const DatabaseError& error) {
            transaction.reset();
            if (error.kind() == DatabaseError::Kind::unreachable) throw;
            if (error.kind() != DatabaseError::Kind::read_only) continue;
            throw EnvironmentError(
                fmt::format("{}; which rights it takes to act says docs/rights.md, and those of "
                            "looking are enough for a dry run",
                            error.what()));
        }
    }
}

}  // namespace dsfailover
