#include "store/workflow_instance_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "database/batches.h"
#include "database/sql_dialect.h"
#include "store/chunk_failover.h"
#include "store/command_param.h"
#include "store/read_by_ids.h"
#include "store/recovery_command.h"
#include "store/stored_row.h"
#include "store/workflow_row.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

constexpr std::string_view kTable = "t_ds_workflow_instance";

// Once for all instances: the column has no index, so that a look for each would be a pass for
// each.
constexpr std::string_view kJoinCommands =
    "LEFT JOIN (SELECT DISTINCT workflow_instance_id FROM t_ds_command) c "
    "ON c.workflow_instance_id = t_ds_workflow_instance.id";

// Rows of the newest workflows and tasks that latest_activity() looks at, of each.
constexpr int kNewest = 100;

}  // namespace

void WorkflowInstanceStore::scan_unfinished(
    std::span<const std::string> hosts,
    const std::function<void(const WorkflowInstance&)>& instance) {
    scan(fmt::format("state IN ({})", fmt::join(kUnfinishedStates, ", ")), {}, hosts, instance);
}

// The condition for state 18 with none of `stamps` as restart_time.
std::string WorkflowInstanceStore::failover_without(std::span<const EpochMs> stamps,
                                                    Parameters& parameters) {
    std::string condition = fmt::format("state = {}", kFailover);
    if (stamps.empty()) return condition;
    condition += " AND (restart_time IS NULL OR restart_time NOT IN (";
    const char* separator = "";
    for (const EpochMs stamp : stamps) {
        condition += separator + context_.database.dialect().typed_placeholder("timestamp");
        separator = ", ";
        parameters.emplace_back(
            format_stored_time(stamp, context_.zone, context_.schema.time_precision_us));
    }
    return condition + "))";
}

void WorkflowInstanceStore::scan_with_failover(
    std::span<const std::string> hosts, std::span<const EpochMs> stamps,
    const std::function<void(const WorkflowInstance&)>& instance) {
    Parameters parameters;
    const std::string in_failover = failover_without(stamps, parameters);
    scan(fmt::format("(state IN ({}) OR ({}))", fmt::join(kUnfinishedStates, ", "), in_failover),
         std::move(parameters), hosts, instance);
}

void WorkflowInstanceStore::scan_failover(
    std::span<const std::string> hosts, std::span<const EpochMs> stamps,
    const std::function<void(const WorkflowInstance&)>& instance) {
    Parameters parameters;
    const std::string in_failover = failover_without(stamps, parameters);
    scan(in_failover, std::move(parameters), hosts, instance);
}

void WorkflowInstanceStore::scan_states(
    std::span<const int> states, const std::function<void(const WorkflowInstance&)>& instance) {
    scan(fmt::format("state IN ({})", fmt::join(states, ", ")), {}, {}, instance);
}

void WorkflowInstanceStore::scan_in_failover(
    const std::function<void(const InFailover&)>& instance) {
    const std::string sql =
        fmt::format("{} {} WHERE state = {}",
                    select_instances(context_, ", command_param, c.workflow_instance_id"),
                    kJoinCommands, kFailover);
    InFailover current;
    context_.database.stream(sql, {}, [&](const Row& row) {
        read_instance(row, context_, current.row);
        current.command_param = row.text(kBehindInstance);
        current.has_command = !row.is_null(kBehindInstance + 1);
        instance(current);
    });
}

std::vector<std::string> WorkflowInstanceStore::hosts_without_command() {
    const Rows rows = context_.database.query(fmt::format(
        "SELECT DISTINCT {} FROM {} {} WHERE state = {} AND c.workflow_instance_id IS NULL",
        context_.database.dialect().byte_for_byte("host"), kTable, kJoinCommands, kFailover));
    std::vector<std::string> hosts;
    for (std::size_t i = 0; i < rows.size(); ++i) hosts.emplace_back(rows[i].text(0));
    return hosts;
}

void WorkflowInstanceStore::scan_as_stored(
    const std::function<void(const WorkflowAsStored&)>& instance) {
    context_.database.stream(
        "SELECT id, name, state, host, start_time, restart_time, command_type "
        "FROM t_ds_workflow_instance ORDER BY id",
        {}, [&](const Row& row) {
            instance({row.integer(0), row.optional_text(1), row.optional_integer(2),
                      row.optional_text(3), row.optional_text(4), row.optional_text(5),
                      row.optional_integer(6)});
        });
}

void WorkflowInstanceStore::scan(const std::string& condition, Parameters parameters,
                                 std::span<const std::string> hosts,
                                 const std::function<void(const WorkflowInstance&)>& instance) {
    std::string sql = fmt::format("{} WHERE {}", select_instances(context_), condition);
    if (!hosts.empty()) {
        sql += " AND " + in_list("host", hosts, parameters);
    }
    // Some databases take 'A' for 'a'; a host is compared as written.
    const std::unordered_set<std::string_view> wanted(hosts.begin(), hosts.end());
    WorkflowInstance current;
    context_.database.stream(sql, parameters, [&](const Row& row) {
        if (!wanted.empty() && !wanted.contains(row.text(kHostCell))) return;
        read_instance(row, context_, current);
        instance(current);
    });
}

std::vector<FailedOver> WorkflowInstanceStore::fail_over(
    std::span<const WorkflowInstance> instances, const FailoverValues& values,
    const std::optional<FileVersion>& read_from) {
    if (instances.empty()) return {};
    const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
    std::vector<WorkflowInstance> sorted;
    if (!std::is_sorted(instances.begin(), instances.end(), by_id)) {
        sorted.assign(instances.begin(), instances.end());
        std::sort(sorted.begin(), sorted.end(), by_id);
        instances = sorted;
    }
    for (const WorkflowInstance& instance : instances)
        require_unfinished(values.back_to.value_or(instance.state));
    switch (context_.database.dialect().compare_and_set()) {
        case CompareAndSet::update_returning:
            return fail_over_by_update_returning(context_, instances, values);
        case CompareAndSet::locked_compare:
            return fail_over_by_locked_compare(context_, instances, values);
        case CompareAndSet::whole_file:
            return fail_over_in_whole_file(context_, instances, values, read_from);
    }
    throw std::logic_error("fail_over(): no such way to compare and set");
}

std::vector<Settled> WorkflowInstanceStore::settle(std::span<const WorkflowInstance> instances,
                                                   EpochMs stamp) {
    std::unordered_map<std::int64_t, WorkflowInstance> rows;
    for (WorkflowInstance& row : by_ids(ids_of(instances), true)) rows.emplace(row.id, row);
    const auto settled = [&](const WorkflowInstance& instance) {
        const auto row = rows.find(instance.id);
        if (row == rows.end()) return Settled::changed_by_others;
        if (is_as_read(row->second, instance)) return Settled::not_committed;
        const auto& restart_time = row->second.restart_time;
        const bool stamped = restart_time && restart_time->was_written_as(stamp, context_.zone);
        return stamped ? Settled::committed : Settled::changed_by_others;
    };
    std::vector<Settled> outcomes;
    outcomes.reserve(instances.size());
    for (const WorkflowInstance& instance : instances) outcomes.push_back(settled(instance));
    return outcomes;
}

std::vector<WorkflowInstance> WorkflowInstanceStore::by_ids(std::span<const std::int64_t> ids,
                                                            bool lock) {
    const SqlDialect& dialect = context_.database.dialect();
    std::vector<std::int64_t> sorted(ids.begin(), ids.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<WorkflowInstance> instances;
    instances.reserve(ids.size());
    const auto read = [&](std::span<const std::int64_t> batch) {
        Parameters parameters;
        const std::string sql =
            fmt::format("{} WHERE {} ORDER BY id{}", select_instances(context_),
                        dialect.in_list("id", batch, parameters), lock ? dialect.for_update() : "");
        const Rows rows = context_.database.query(sql, parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            read_instance(rows[i], context_, instances.emplace_back());
        }
    };
    for_batches<std::int64_t>(sorted, lock ? kIdsPerLock : kIdsPerQuery, read);
    return instances;
}

void WorkflowInstanceStore::set_restart_time(std::span<const std::int64_t> ids, EpochMs time) {
    const SqlDialect& dialect = context_.database.dialect();
    for_batches(ids, kIdsPerLock, [&](std::span<const std::int64_t> batch) {
        Parameters parameters = {
            format_stored_time(time, context_.zone, context_.schema.time_precision_us)};
        const std::string sql = fmt::format(
            "UPDATE t_ds_workflow_instance SET restart_time = {}{} WHERE state = {} AND {}",
            dialect.typed_placeholder("timestamp"), dialect.keep("update_time"), kFailover,
            dialect.in_list("id", batch, parameters));
        context_.database.execute(sql, parameters);
    });
}

void WorkflowInstanceStore::rehost(std::span<const std::int64_t> ids, const std::string& host,
                                   EpochMs restart_time) {
    const SqlDialect& dialect = context_.database.dialect();
    for_batches(ids, kIdsPerLock, [&](std::span<const std::int64_t> batch) {
        Parameters parameters = {host, format_stored_time(restart_time, context_.zone,
                                                          context_.schema.time_precision_us)};
        const std::string sql = fmt::format(
            "UPDATE t_ds_workflow_instance SET host = {}, restart_time = {}{} "
            "WHERE state IN ({}) AND {}",
            dialect.typed_placeholder("text"), dialect.typed_placeholder("timestamp"),
            dialect.keep("update_time"), fmt::join(kUnfinishedOrFailoverStates, ", "),
            dialect.in_list("id", batch, parameters));
        context_.database.execute(sql, parameters);
    });
}

void WorkflowInstanceStore::end(std::int64_t id, int state, const std::string& end_time) {
    const SqlDialect& dialect = context_.database.dialect();
    context_.database.execute(
        fmt::format("UPDATE t_ds_workflow_instance SET state = {}, end_time = {}{} WHERE id = ?",
                    state, dialect.typed_placeholder("timestamp"), dialect.keep("update_time")),
        {end_time, id});
}

std::vector<std::int64_t> WorkflowInstanceStore::without_command_type(
    std::span<const std::int64_t> ids) {
    std::vector<std::int64_t> without;
    read_by_ids(context_, ids, "id", 0, "SELECT id, command_param FROM t_ds_workflow_instance", "",
                [&](const Row& row) {
                    if (!has_command_type(std::string(row.text(1))))
                        without.push_back(row.integer(0));
                });
    return without;
}

std::vector<std::optional<std::string>> WorkflowInstanceStore::names(
    std::span<const std::int64_t> ids) {
    return read_names(context_, kTable, ids);
}

std::unordered_map<std::int64_t, WorkflowInstanceStore::Standing> WorkflowInstanceStore::not_ended(
    std::span<const std::int64_t> ids) {
    std::unordered_map<std::int64_t, Standing> standing;
    read_by_ids(
        context_, ids, "id", 0, "SELECT id, host, state FROM t_ds_workflow_instance",
        fmt::format("AND state IN ({})", fmt::join(kUnfinishedOrFailoverStates, ", ")),
        [&](const Row& row) {
            const StoredRow stored(row, kTable, context_);
            standing.emplace(stored.id(), Standing{row.optional_text(1), stored.small(2, "state")});
        });
    return standing;
}

void WorkflowInstanceStore::scan_restart_times(const std::string& host,
                                               const std::function<void(const StoredTime&)>& time) {
    const std::string sql = fmt::format(
        "SELECT MIN(id), restart_time FROM t_ds_workflow_instance WHERE state IN ({}) AND "
        "host = ? AND restart_time IS NOT NULL GROUP BY restart_time",
        fmt::join(kUnfinishedOrFailoverStates, ", "));
    const Parameters parameters = {host};
    context_.database.stream(sql, parameters, [&](const Row& row) {
        time(*StoredRow(row, kTable, context_).time(1, "restart_time"));
    });
}

std::vector<std::int64_t> WorkflowInstanceStore::in_failover_without_command(
    std::span<const std::int64_t> ids) {
    std::vector<std::int64_t> found;
    read_by_ids(context_, ids, "w.id", 0, "SELECT w.id FROM t_ds_workflow_instance w",
                fmt::format("AND w.state = {} AND NOT EXISTS (SELECT 1 FROM t_ds_command c "
                            "WHERE c.workflow_instance_id = w.id) ORDER BY w.id",
                            kFailover),
                [&](const Row& row) { found.push_back(row.integer(0)); });
    return found;
}

std::optional<StoredTime> WorkflowInstanceStore::latest_activity() {
    const Rows rows = context_.database.query(fmt::format(
        "SELECT * FROM (SELECT id, start_time AS t1, restart_time AS t2, restart_time AS t3, "
        "0 AS is_task FROM t_ds_workflow_instance ORDER BY id DESC LIMIT {0}) w UNION ALL "
        "SELECT * FROM (SELECT id, submit_time, start_time, end_time, 1 "
        "FROM t_ds_task_instance ORDER BY id DESC LIMIT {0}) t",
        kNewest));
    constexpr std::string_view kColumns[2][3] = {{"start_time", "restart_time", "restart_time"},
                                                 {"submit_time", "start_time", "end_time"}};
    std::optional<StoredTime> latest;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Row row = rows[i];
        const bool is_task = row.integer(4) == 1;
        const StoredRow stored(row, is_task ? "t_ds_task_instance" : kTable, context_);
        for (std::size_t cell = 1; cell <= 3; ++cell) {
            auto time = stored.time(cell, kColumns[is_task][cell - 1]);
            if (time && (!latest || time->local_us > latest->local_us)) latest = std::move(time);
        }
    }
    return latest;
}

}  // namespace dsfailover
