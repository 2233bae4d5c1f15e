#include "store/rights.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

struct Right {
    std::string_view table;
    std::string_view name;
    std::string_view column;  // any one, to try it on
};

// As docs/rights.md has them; SELECT goes with each.
constexpr Right kRights[] = {{"t_ds_workflow_instance", "UPDATE", "state"},
                             {"t_ds_task_instance", "UPDATE", "state"},
                             {"t_ds_task_instance", "INSERT", "flag"},
                             {"t_ds_command", "INSERT", "executor_id"},
                             {"t_ds_command", "DELETE", "id"},
                             {"t_ds_relation_workflow_instance", "SELECT", "1"}};

// A statement that takes this right and changes nothing. It says what is missing, and counts what a
// user has to single columns.
std::string trial(const Right& right) {
    const auto& [table, name, column] = right;
    if (name == "UPDATE")
        return fmt::format("UPDATE {} SET {} = {} WHERE 1 = 0", table, column, column);
    if (name == "INSERT")
        return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} WHERE 1 = 0", table, column,
                           column, table);
    if (name == "DELETE") return fmt::format("DELETE FROM {} WHERE 1 = 0", table);
    return fmt::format("SELECT {} FROM {} WHERE 1 = 0", column, table);
}

// False also where the server cannot tell.
bool has_all_rights(Database& database) {
    std::string conditions = "1 = 1";
    for (const Right& right : kRights) {
        for (const std::string_view name : {right.name, std::string_view("SELECT")}) {
            const std::string condition = database.dialect().has_right(right.table, name);
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
    for (const Right& right : kRights) {
        try {
            if (!transaction) transaction.emplace(database);
            database.query(trial(right));
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
