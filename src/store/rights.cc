#include "store/rights.h"

#include <fmt/format.h>

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
    "DELETE FROM t_ds_command WHERE 1 = 0"};

// In a transaction that is rolled back: of a commit nobody would know whether it took effect.
void try_out(Database& database, const char* sql) {
    database.begin();
    const struct RollBack {
        Database& of;
        ~RollBack() {
            if (of.in_transaction()) of.rollback();
        }
    } roll_back{database};
    database.execute(sql);
}

}  // namespace

void require_rights_to_act(Database& database) {
    if (database.dialect().locks_whole_file()) return;
    for (const char* const sql : kStatements) {
        try {
            try_out(database, sql);
        } catch (const DatabaseError& error) {
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
