#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "database/sql_dialect.h"
#include "store/chunk_failover.h"
#include "store/recovery_command.h"
#include "store/workflow_row.h"
#include "store/workflow_state.h"

namespace dsfailover {

// The transaction has locked the whole file, so that nothing changes between the statements and the
// commands' ids follow one another. Where the instances stand close together, as they do after a
// master's death, their part of the table is read through instead of looking up each.
std::vector<FailedOver> fail_over_in_whole_file(const StoreContext& context,
                                                std::span<const WorkflowInstance> instances,
                                                const FailoverValues& values,
                                                const std::optional<FileVersion>& read_from) {
    Database& database = context.database;
    const std::int64_t from = instances.front().id, to = instances.back().id;
    const bool close = to - from < 4 * static_cast<std::int64_t>(instances.size());
    Parameters ids;
    const bool no_gap = to - from + 1 == std::ssize(instances);
    const bool unchanged = read_from && database.file_version() == read_from;
    std::string which =
        close ? "w.id BETWEEN ? AND ?" : database.dialect().in_list("w.id", ids_of(instances), ids);
    if (close) ids = {from, to};
    if (!unchanged)
        which += fmt::format(
            " AND w.state IN ({}) AND is_wanted(w.id, w.host, w.state, w.start_time, "
            "w.restart_time, w.command_type, w.is_sub_workflow, w.update_time)",
            fmt::join(kUnfinishedOrFailoverStates, ", "));
    else if (close && !no_gap)
        which += " AND is_wanted(w.id)";
    // The rows come in the order of the instances.
    const auto is_wanted = [&, next = instances.begin()](const Row& row) mutable {
        const std::int64_t id = row.integer(0);
        if (next == instances.end() || next->id != id) {
            next = std::lower_bound(instances.begin(), instances.end(), id,
                                    [](const WorkflowInstance& instance, std::int64_t wanted) {
                                        return instance.id < wanted;
                                    });
        }
        if (next == instances.end() || next->id != id) return false;
        return unchanged ? (++next, true) : is_as_read(row, *next++);
    };

    Parameters parameters;
    std::string sql = insert_recovery_commands(context, parameters, values.back_to);
    sql += fmt::format("FROM t_ds_workflow_instance w WHERE {} ORDER BY w.id", which);
    parameters.insert(parameters.end(), ids.begin(), ids.end());
    const auto count =
        static_cast<std::size_t>(database.execute_on_wanted(sql, parameters, is_wanted));
    if (count == 0) return {};
    const std::int64_t first = database.last_insert_id() - static_cast<std::int64_t>(count) + 1;

    const bool all = count == instances.size();
    Parameters of_rows = {
        format_stored_time(values.stamp, context.zone, context.schema.time_precision_us)};
    if (!values.host.empty()) of_rows.emplace_back(values.host);
    if (all && no_gap) {
        which = "id BETWEEN ? AND ?";
        of_rows.insert(of_rows.end(), {from, to});
    } else {
        which = "id IN (SELECT workflow_instance_id FROM t_ds_command WHERE id >= ?)";
        of_rows.emplace_back(first);
    }
    database.execute(
        fmt::format("UPDATE t_ds_workflow_instance SET state = {}, restart_time = ?{} WHERE {}",
                    workflow_state::kFailover, values.host.empty() ? "" : ", host = ?", which),
        of_rows);

    std::vector<FailedOver> changed;
    changed.reserve(count);
    if (all) {  // nearly always, and then there is no need to ask
        for (const WorkflowInstance& instance : instances) {
            changed.push_back({instance.id, first + static_cast<std::int64_t>(changed.size())});
        }
        return changed;
    }
    const Rows rows =
        database.query("SELECT workflow_instance_id, id FROM t_ds_command WHERE id >= ?", {first});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        changed.push_back({rows[i].integer(0), rows[i].integer(1)});
    }
    return changed;
}

}  // namespace dsfailover
