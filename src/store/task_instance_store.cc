#include "store/task_instance_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "database/batches.h"
#include "database/sql_dialect.h"
#include "store/read_by_ids.h"
#include "store/recovery_command.h"
#include "store/stored_row.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace task_state;

constexpr std::string_view kTable = "t_ds_task_instance";

// For rows whose first cell is not a task's id but a workflow's.
constexpr std::string_view kTasksOfWorkflow = "the tasks in t_ds_task_instance of a workflow";

constexpr std::array<std::string_view, 3> kActivityColumns = {"submit_time", "start_time",
                                                              "end_time"};
constexpr std::string_view kSelectActivity =
    "SELECT workflow_instance_id, submit_time, start_time, end_time FROM t_ds_task_instance";

void keep_later(std::optional<StoredTime>& latest, std::optional<StoredTime> time) {
    if (time && (!latest || time->local_us > latest->local_us)) latest = std::move(time);
}

// What the copy of a task has in a column, and whether `parameters` get the time of its submission.
std::string copied_value(const std::string& column) {
    if (column == "state") return std::to_string(kSubmitted);
    if (column == "submit_time") return "?";
    if (column == "host" || column == "var_pool" || column == "log_path" ||
        column == "execute_path") {
        return "NULL";
    }
    return column;
}

}  // namespace

// The condition under which a master sees a task row.
std::string TaskInstanceStore::valid() const {
    return context_.schema.has_test_flag ? "flag = 1 AND test_flag = 0" : "flag = 1";
}

// `select` WHERE `column` is one of `ids`, `rest`.
Rows TaskInstanceStore::lock_by_ids(std::string_view select, std::string_view column,
                                    std::span<const std::int64_t> ids, std::string_view rest) {
    Parameters parameters;
    const std::string sql =
        fmt::format("{} WHERE {} {}", select,
                    context_.database.dialect().in_list(column, ids, parameters), rest);
    return context_.database.query(sql, parameters);
}

std::unordered_map<std::int64_t, TaskActivity> TaskInstanceStore::activity(
    std::span<const std::int64_t> workflow_ids) {
    std::unordered_map<std::int64_t, TaskActivity> activity;
    read_by_ids(context_, workflow_ids, "workflow_instance_id", 0,
                "SELECT workflow_instance_id, MIN(submit_time), MAX(submit_time), "
                "MAX(start_time), MAX(end_time) FROM t_ds_task_instance",
                "GROUP BY workflow_instance_id", [&](const Row& row) {
                    const StoredRow stored(row, kTasksOfWorkflow, context_);
                    TaskActivity& found = activity[stored.id()];
                    found.first_submit = stored.time(1, "submit_time");
                    keep_later(found.latest, stored.time(2, "submit_time"));
                    keep_later(found.latest, stored.time(3, "start_time"));
                    keep_later(found.latest, stored.time(4, "end_time"));
                });
    return activity;
}

// Of rows of a workflow instance's id and three times.
bool TaskInstanceStore::is_active_since(const Row& row, EpochMs since) {
    const StoredRow stored(row, kTasksOfWorkflow, context_);
    for (std::size_t i = 0; i < kActivityColumns.size(); ++i) {
        const auto time = stored.time(i + 1, kActivityColumns[i]);
        if (time && time->instants.earliest_us > since * 1000) return true;
    }
    return false;
}

// A condition that holds for every task that is_active_since(), and for few others: where the wall
// clock is set back, and where the column rounds.
std::string TaskInstanceStore::active_after(EpochMs since, std::vector<Value>& parameters) {
    const EpochMs unit = std::max<EpochMs>(context_.schema.time_precision_us / 1000, 1);
    const std::string text =
        format_stored_time(since - since % unit, context_.zone, context_.schema.time_precision_us);
    const std::string after = context_.database.dialect().typed_placeholder("timestamp");
    std::vector<std::string> conditions;
    for (const std::string_view column : kActivityColumns) {
        conditions.push_back(fmt::format("{} > {}", column, after));
        parameters.emplace_back(text);
    }
    return fmt::format("({})", fmt::join(conditions, " OR "));
}

std::vector<std::int64_t> TaskInstanceStore::active_since(
    std::span<const std::int64_t> workflow_ids, EpochMs since) {
    const SqlDialect& dialect = context_.database.dialect();
    std::vector<std::int64_t> active;
    for_batches(workflow_ids, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        Parameters parameters;
        std::string sql = fmt::format("{} WHERE {}", kSelectActivity,
                                      dialect.in_list("workflow_instance_id", batch, parameters));
        sql += fmt::format(" AND {}", active_after(since, parameters));
        const Rows rows = context_.database.query(sql, parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (is_active_since(rows[i], since)) active.push_back(rows[i].integer(0));
        }
    });
    std::sort(active.begin(), active.end());
    active.erase(std::unique(active.begin(), active.end()), active.end());
    return active;
}

void TaskInstanceStore::scan_active_since(
    EpochMs since, const std::function<void(std::int64_t workflow_id)>& workflow) {
    Parameters parameters;
    const std::string sql = fmt::format("{} WHERE workflow_instance_id IS NOT NULL AND {}",
                                        kSelectActivity, active_after(since, parameters));
    context_.database.stream(sql, parameters, [&](const Row& row) {
        if (is_active_since(row, since)) workflow(row.integer(0));
    });
}

// Without a join: for a hundred thousand tasks it costs a server more than all the rest.
void TaskInstanceStore::scan_worker_tasks(
    const std::string& worker, const std::function<void(const TaskInstance&)>& task,
    const std::function<void(std::int64_t workflow_id, const EnvironmentError&)>& unreadable) {
    const std::string sql = fmt::format(
        "SELECT id, workflow_instance_id, state, host, submit_time FROM t_ds_task_instance "
        "WHERE host = ? AND state IN ({}, {}) AND flag = 1 AND workflow_instance_id IS NOT NULL",
        kDispatched, kRunning);
    const Value parameters[] = {worker};
    TaskInstance current;
    current.host = worker;
    context_.database.stream(sql, parameters, [&](const Row& row) {
        // Some databases take 'A' for 'a'; a host is compared as written.
        if (row.text(3) != worker) return;
        const StoredRow stored(row, kTable, context_);
        current.id = stored.id();
        current.workflow_instance_id = stored.required(1, "workflow_instance_id");
        current.state = stored.small(2, "state");
        try {
            current.submit_time = stored.time(4, "submit_time");
        } catch (const EnvironmentError& error) {
            return unreadable(current.workflow_instance_id, error);
        }
        task(current);
    });
}

std::vector<std::optional<std::string>> TaskInstanceStore::names(
    std::span<const std::int64_t> ids) {
    return read_names(context_, kTable, ids);
}

std::vector<UnfinishedTask> TaskInstanceStore::unfinished(
    std::span<const std::int64_t> workflow_ids, bool lock) {
    constexpr std::string_view kSelect =
        "SELECT id, name, workflow_instance_id, state, host, submit_time, task_type, app_link, pid "
        "FROM t_ds_task_instance";
    const std::string unfinished =
        fmt::format("AND {} AND state IN ({})", valid(), fmt::join(kUnfinishedTaskStates, ", "));
    std::vector<UnfinishedTask> tasks;
    const auto take = [&](const Row& row) {
        const StoredRow stored(row, kTable, context_);
        tasks.push_back(
            {{stored.id(), std::string(row.text(1)), stored.required(2, "workflow_instance_id"),
              stored.small(3, "state"), row.optional_text(4), stored.time(5, "submit_time")},
             std::string(row.text(6)),
             row.optional_text(7),
             row.optional_integer(8)});
    };
    if (!lock) {
        read_by_ids(context_, workflow_ids, "workflow_instance_id", 2, kSelect, unfinished, take);
    } else {
        const std::string locked =
            fmt::format("{} ORDER BY id{}", unfinished, context_.database.dialect().for_update());
        for_batches(workflow_ids, kIdsPerLock, [&](std::span<const std::int64_t> batch) {
            const Rows rows = lock_by_ids(kSelect, "workflow_instance_id", batch, locked);
            for (std::size_t i = 0; i < rows.size(); ++i) take(rows[i]);
        });
    }
    std::sort(tasks.begin(), tasks.end(),
              [](const auto& a, const auto& b) { return a.task.id < b.task.id; });
    return tasks;
}

void TaskInstanceStore::scan_as_stored(const std::function<void(const TaskAsStored&)>& task) {
    context_.database.stream(
        "SELECT id, name, workflow_instance_id, state, host, flag, submit_time "
        "FROM t_ds_task_instance ORDER BY id",
        {}, [&](const Row& row) {
            task({row.integer(0), row.optional_text(1), row.optional_integer(2),
                  row.optional_integer(3), row.optional_text(4), row.optional_integer(5),
                  row.optional_text(6)});
        });
}

// Locks the rows and returns the ids of those that are as read. `tasks` are in order of id.
std::vector<std::int64_t> TaskInstanceStore::lock_as_read(std::span<const TaskInstance> tasks) {
    std::vector<std::int64_t> ids;
    for (const TaskInstance& task : tasks) ids.push_back(task.id);
    const Rows rows = lock_by_ids(
        "SELECT id, workflow_instance_id, state, host, submit_time FROM t_ds_task_instance", "id",
        ids,
        fmt::format("AND {} ORDER BY id{}", valid(), context_.database.dialect().for_update()));
    ids.clear();
    auto task = tasks.begin();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Row row = rows[i];
        const std::int64_t id = row.integer(0);
        while (task->id != id) ++task;
        if (row.optional_integer(1) == task->workflow_instance_id &&
            row.optional_integer(2) == task->state && is_as_read(row, 3, task->host) &&
            is_as_read(row, 4, task->submit_time)) {
            ids.push_back(id);
        }
    }
    return ids;
}

std::vector<std::int64_t> TaskInstanceStore::redispatch(std::span<const TaskInstance> tasks,
                                                        EpochMs now) {
    Database& database = context_.database;
    const SqlDialect& dialect = database.dialect();
    std::vector<TaskInstance> sorted(tasks.begin(), tasks.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const TaskInstance& a, const TaskInstance& b) { return a.id < b.id; });

    std::vector<std::string> columns, values;
    for (const std::string& column : context_.schema.task_instance_columns) {
        if (column == "id") continue;
        columns.push_back(column);
        values.push_back(copied_value(column));
        if (values.back() == "?") values.back() = dialect.typed_placeholder("timestamp");
    }
    const std::string submit_time = format_stored_time(now, context_.zone, kWrittenPrecisionUs);

    std::vector<std::int64_t> changed;
    for_batches<TaskInstance>(sorted, kIdsPerLock, [&](std::span<const TaskInstance> batch) {
        const std::vector<std::int64_t> ids = lock_as_read(batch);
        if (ids.empty()) return;
        Parameters parameters = {submit_time};
        std::string sql = fmt::format(
            "INSERT INTO t_ds_task_instance ({}) SELECT {} FROM t_ds_task_instance "
            "WHERE {} ORDER BY id",
            fmt::join(columns, ", "), fmt::join(values, ", "),
            dialect.in_list("id", ids, parameters));
        database.execute(sql, parameters);
        parameters.clear();
        sql = fmt::format("UPDATE t_ds_task_instance SET flag = 0, state = {} WHERE {}",
                          kNeedFaultTolerance, dialect.in_list("id", ids, parameters));
        database.execute(sql, parameters);
        changed.insert(changed.end(), ids.begin(), ids.end());
    });
    return changed;
}

void TaskInstanceStore::end(std::span<const std::int64_t> task_ids, int state,
                            const std::string& end_time) {
    const SqlDialect& dialect = context_.database.dialect();
    for_batches(task_ids, kIdsPerLock, [&](std::span<const std::int64_t> batch) {
        Parameters parameters = {end_time};
        const std::string sql = fmt::format(
            "UPDATE t_ds_task_instance SET state = {}, end_time = {} WHERE {}", state,
            dialect.typed_placeholder("timestamp"), dialect.in_list("id", batch, parameters));
        context_.database.execute(sql, parameters);
    });
}

std::unordered_map<std::int64_t, TaskInstanceStore::Standing> TaskInstanceStore::standing(
    std::span<const std::int64_t> task_ids) {
    std::unordered_map<std::int64_t, Standing> standing;
    read_by_ids(context_, task_ids, "id", 0, "SELECT id, state, flag FROM t_ds_task_instance", "",
                [&](const Row& row) {
                    const StoredRow stored(row, kTable, context_);
                    standing[stored.id()] = {stored.small(1, "state"), stored.small(2, "flag")};
                });
    return standing;
}

std::vector<std::int64_t> TaskInstanceStore::with_duplicate_tasks(
    std::span<const std::int64_t> workflow_ids) {
    std::vector<std::int64_t> duplicated;
    for (const auto& [id, found] : signs(workflow_ids))
        if (found.duplicates) duplicated.push_back(id);
    return duplicated;
}

std::unordered_map<std::int64_t, TaskInstanceStore::Signs> TaskInstanceStore::signs(
    std::span<const std::int64_t> workflow_ids) {
    // Names that differ in case only are different to a master, but not to every database.
    const std::string each = fmt::format(
        "AND {} GROUP BY workflow_instance_id, {} HAVING COUNT(*) > 1 OR "
        "SUM(CASE WHEN state IN ({}, {}) THEN 1 ELSE 0 END) > 0",
        valid(), context_.database.dialect().byte_for_byte("name"), kKilled, kPaused);
    const std::string columns = fmt::format(
        "SELECT workflow_instance_id, COUNT(*), SUM(CASE WHEN state = {} THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN state = {} THEN 1 ELSE 0 END) FROM t_ds_task_instance",
        kKilled, kPaused);
    std::unordered_map<std::int64_t, Signs> signs;
    read_by_ids(context_, workflow_ids, "workflow_instance_id", 0, columns, each,
                [&](const Row& row) {
                    Signs& found = signs[row.integer(0)];
                    found.duplicates |= row.integer(1) > 1;
                    found.killed |= row.integer(2) > 0;
                    found.paused |= row.integer(3) > 0;
                });
    return signs;
}

std::vector<std::int64_t> TaskInstanceStore::with_valid_tasks(
    std::span<const std::int64_t> workflow_ids, std::string_view condition) {
    std::vector<std::int64_t> found;
    read_by_ids(context_, workflow_ids, "workflow_instance_id", 0,
                "SELECT DISTINCT workflow_instance_id FROM t_ds_task_instance",
                fmt::format("AND {} AND {}", valid(), condition),
                [&](const Row& row) { found.push_back(row.integer(0)); });
    return found;
}

std::vector<std::int64_t> TaskInstanceStore::with_tasks_at_work(
    std::span<const std::int64_t> workflow_ids) {
    return with_valid_tasks(workflow_ids, fmt::format("state IN ({}, {})", kDispatched, kRunning));
}

std::vector<std::int64_t> TaskInstanceStore::waiting_for_slot(
    std::span<const std::int64_t> workflow_ids) {
    return with_valid_tasks(workflow_ids,
                            fmt::format("state = {} AND task_group_id > 0", kSubmitted));
}

}  // namespace dsfailover
