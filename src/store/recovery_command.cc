#include "store/recovery_command.h"

#include <fmt/format.h>

#include "base/stored_time.h"
#include "database/sql_dialect.h"
#include "store/command_param.h"
#include "store/command_type.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

// The command_param of an instance that goes back to the state that `w` has.
std::string param_by_state(const SqlDialect& dialect, Parameters& parameters) {
    using namespace workflow_state;
    for (const int state : {kReadyPause, kReadyStop, kRunning})
        parameters.emplace_back(recovery_command_param(state));
    const std::string param = dialect.typed_placeholder("text");
    return fmt::format("CASE w.state WHEN {} THEN {} WHEN {} THEN {} ELSE {} END", kReadyPause,
                       param, kReadyStop, param, param);
}

}  // namespace

std::string insert_recovery_commands(const StoreContext& context, Parameters& parameters,
                                     std::optional<int> back_to) {
    const bool has_test_flag = context.schema.has_test_flag;
    const SqlDialect& dialect = context.database.dialect();
    parameters.emplace_back(format_stored_time(now_ms(), context.zone, kWrittenPrecisionUs));
    std::string param;
    if (back_to) {
        parameters.emplace_back(recovery_command_param(*back_to));
        param = dialect.typed_placeholder("text");
    } else {
        param = param_by_state(dialect, parameters);
    }
    return fmt::format(
        "INSERT INTO t_ds_command (command_type, workflow_definition_code, "
        "workflow_definition_version, workflow_instance_id, executor_id, task_depend_type, "
        "failure_strategy, dry_run, {}update_time, command_param) "
        "SELECT {}, w.workflow_definition_code, w.workflow_definition_version, w.id, 0, 2, 1, 0, "
        "{}{}, {} ",
        has_test_flag ? "test_flag, " : "", command_type::kRecoverToleranceFault,
        has_test_flag ? "0, " : "", dialect.typed_placeholder("timestamp"), param);
}

std::vector<FailedOver> add_recovery_commands(const StoreContext& context,
                                              std::span<const std::int64_t> ids,
                                              std::optional<int> back_to) {
    Database& database = context.database;
    const SqlDialect& dialect = database.dialect();
    Parameters parameters;
    std::string sql = insert_recovery_commands(context, parameters, back_to);
    sql += fmt::format("FROM t_ds_workflow_instance w WHERE {} ORDER BY w.id",
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
