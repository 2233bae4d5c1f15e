#include <fmt/format.h>

#include "database/postgresql/array_literal.h"
#include "store/chunk_failover.h"
#include "store/recovery_command.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

const std::string* text_of(const std::optional<StoredTime>& time) {
    return time ? &time->text : nullptr;
}

}  // namespace

// The arrays come from subqueries so that the planner does not see how long they are: for a long
// list it would walk the whole index for every chunk. For a short one it looks the rows up one by
// one, and so locks them in the order of the list.
std::vector<FailedOver> fail_over_by_update_returning(const StoreContext& context,
                                                      std::span<const WorkflowInstance> instances,
                                                      const FailoverValues& values) {
    ArrayLiteral ids(instances.size()), states(instances.size()), hosts(instances.size()),
        starts(instances.size()), restarts(instances.size()), types(instances.size()),
        versions(instances.size());
    for (const WorkflowInstance& instance : instances) {
        ids.add(instance.id);
        states.add(instance.state);
        hosts.add(instance.host ? &*instance.host : nullptr);
        starts.add(text_of(instance.start_time));
        restarts.add(text_of(instance.restart_time));
        types.add(instance.command_type);
        versions.add(instance.version.empty() ? nullptr : &instance.version);
    }
    Parameters parameters = {
        format_stored_time(values.stamp, context.zone, context.schema.time_precision_us)};
    if (!values.host.empty()) parameters.emplace_back(values.host);
    for (ArrayLiteral* column : {&ids, &states, &hosts, &starts, &restarts, &types, &versions})
        parameters.emplace_back(column->take());
    std::string sql = fmt::format(
        "WITH changed AS (UPDATE t_ds_workflow_instance w "
        "SET state = {}, restart_time = CAST(? AS timestamp){} "
        "FROM unnest((SELECT CAST(? AS bigint[])), (SELECT CAST(? AS int[])), "
        "(SELECT CAST(? AS text[])), (SELECT CAST(? AS timestamp[])), "
        "(SELECT CAST(? AS timestamp[])), (SELECT CAST(? AS int[])), (SELECT CAST(? AS xid[]))) "
        "AS r (id, state, host, start_time, restart_time, command_type, version) "
        "WHERE w.id = r.id AND w.xmin = r.version AND w.state = r.state "
        "AND w.host IS NOT DISTINCT FROM r.host "
        "AND w.start_time IS NOT DISTINCT FROM r.start_time "
        "AND w.restart_time IS NOT DISTINCT FROM r.restart_time "
        "AND w.command_type IS NOT DISTINCT FROM r.command_type "
        "RETURNING w.id, w.workflow_definition_code, w.workflow_definition_version, r.state) ",
        workflow_state::kFailover, values.host.empty() ? "" : ", host = ?");
    sql += insert_recovery_commands(context, parameters, values.back_to);
    sql += "FROM changed w RETURNING workflow_instance_id, id";
    const Rows rows = context.database.query(sql, parameters);
    std::vector<FailedOver> changed;
    changed.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        changed.push_back({rows[i].integer(0), rows[i].integer(1)});
    }
    return changed;
}

}  // namespace dsfailover
