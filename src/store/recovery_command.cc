#include "store/recovery_command.h"

#include <fmt/format.h>

#include "base/stored_time.h"
#include "database/sql_dialect.h"
#include "store/command_param.h"
#include "store/command_type.h"
#include "store/workflow_state.h"

namespace dsfailover {

std::string insert_recovery_commands(const StoreContext& context, Parameters& parameters) {
    using namespace workflow_state;
    const bool has_test_flag = context.schema.has_test_flag;
    const SqlDialect& dialect = context.database.dialect();
    parameters.emplace_back(format_stored_time(now_ms(), context.zone, kWrittenPrecisionUs));
    for (const int state : {kReadyPause, kReadyStop, kRunning}) {
        parameters.emplace_back(recovery_command_param(state));
    }
    const std::string param = dialect.typed_placeholder("text");
    return fmt::format(
        "INSERT INTO t_ds_command (command_type, workflow_definition_code, "
        "workflow_definition_version, workflow_instance_id, executor_id, task_depend_type, "
        "failure_strategy, dry_run, {}update_time, command_param) "
        "SELECT {}, w.workflow_definition_code, w.workflow_definition_version, w.id, 0, 2, 1, 0, "
        "{}{}, CASE w.state WHEN {} THEN {} WHEN {} THEN {} ELSE {} END ",
        has_test_flag ? "test_flag, " : "", command_type::kRecoverToleranceFault,
        has_test_flag ? "0, " : "", dialect.typed_placeholder("timestamp"), kReadyPause, param,
        kReadyStop, param, param);
}

std::vector<FailedOver> add_recovery_commands(const StoreContext& context,
                                              std::string_view instances,
                                              std::span<const std::int64_t> ids) {
    Database& database = context.database;
    const SqlDialect& dialect = database.dialect();
    Parameters parameters;
    std::string sql = insert_recovery_commands(context, parameters);
    sql += fmt::format("FROM {} w WHERE {} ORDER BY w.id", instances,
                       dialect.in_list("w.id", ids, parameters));
    Rows rows;
    if (dialect.has_returning()) {
        rows = database.query(sql + " RETURNING workflow_instance_id, id", parameters);
    } else {
        database.execute(sql, parameters);
        parameters = {database.last_insert_id()};
        sql = fmt::format(
            "SELECT workflow_instance_id, id FROM t_ds_command WHERE id >= ? "
            "AND command_type = {} AND {}",
            command_type::kRecoverToleranceFault,
            dialect.in_list("workflow_instance_id", ids, parameters));
        rows = database.query(sql, parameters);
    }
    std::vector<FailedOver> added;
    added.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        added.push_back({rows[i].integer(0), rows[i].integer(1)});
    }
    return added;
}

}  // namespace dsfailover
