#include "store/rights.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

// Of each right that docs/rights.md asks for one.
constexpr const char* kStatements[] = {
    "UPDATE t_ds_workflow_instance SET state = state WHERE 1 = 0",
    "UPDATE t_ds_task_instance SET state = state WHERE 1 = 0",
    "INSERT INTO t_ds_task_instance (workflow_instance_id) "
    "SELECT workflow_instance_id FROM t_ds_task_instance WHERE 1 = 0",
    "INSERT INTO t_ds_command (workflow_instance_id) "
    "SELECT workflow_instance_id FROM t_ds_command WHERE 1 = 0",
    "DELETE FROM t_ds_command WHERE 1 = 0",
    "SELECT 1 FROM t_ds_relation_workflow_instance WHERE 1 = 0"};

}  // namespace

void require_rights_to_act(Database& database) {
    if (database.dialect().locks_whole_file()) return;
    // Rolled back: of a commit nobody would know whether it took effect. An error spoils it.
    std::optional<Transaction> transaction;
    for (const char* const sql : kStatements) {
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
