#include <fmt/format.h>

#include "database/batches.h"
#include "database/sql_dialect.h"
#include "store/chunk_failover.h"
#include "store/recovery_command.h"
#include "store/workflow_row.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

// Locks the rows and returns the ids of those that are as read.
std::vector<std::int64_t> lock_as_read(const StoreContext& context,
                                       std::span<const WorkflowInstance> instances) {
    const SqlDialect& dialect = context.database.dialect();
    Parameters parameters;
    const std::string sql =
        fmt::format("{} WHERE {} ORDER BY id{}", select_instances(context),
                    dialect.in_list("id", ids_of(instances), parameters), dialect.for_update());
    const Rows rows = context.database.query(sql, parameters);
    std::vector<std::int64_t> ids;
    auto instance = instances.begin();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::int64_t id = rows[i].integer(0);
        while (instance->id != id) ++instance;
        if (is_as_read(rows[i], *instance)) ids.push_back(id);
    }
    return ids;
}

}  // namespace

// The commands come from the rows, whose state they need: so the rows are changed last.
std::vector<FailedOver> fail_over_by_locked_compare(const StoreContext& context,
                                                    std::span<const WorkflowInstance> instances,
                                                    const FailoverValues& values) {
    const SqlDialect& dialect = context.database.dialect();
    const std::string stamp_text =
        format_stored_time(values.stamp, context.zone, context.schema.time_precision_us);
    std::vector<FailedOver> changed;
    changed.reserve(instances.size());
    for_batches(instances, kIdsPerLock, [&](std::span<const WorkflowInstance> batch) {
        const std::vector<std::int64_t> ids = lock_as_read(context, batch);
        if (ids.empty()) return;

        for (const FailedOver& failed_over : add_recovery_commands(context, ids, values.back_to)) {
            changed.push_back(failed_over);
        }

        Parameters parameters = {stamp_text};
        if (!values.host.empty()) parameters.emplace_back(values.host);
        const std::string sql = fmt::format(
            "UPDATE t_ds_workflow_instance SET state = {}, restart_time = {}{}{} WHERE {}",
            workflow_state::kFailover, dialect.typed_placeholder("timestamp"),
            values.host.empty() ? "" : ", host = ?", dialect.keep("update_time"),
            dialect.in_list("id", ids, parameters));
        context.database.execute(sql, parameters);
    });
    return changed;
}

}  // namespace dsfailover
