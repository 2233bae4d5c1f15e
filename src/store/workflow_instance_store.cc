#include "store/workflow_instance_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "database/sql_dialect.h"
#include "store/batches.h"
#include "store/command_store.h"
#include "store/recovery_command.h"
#include "store/stored_row.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

constexpr std::string_view kTable = "t_ds_workflow_instance";
constexpr std::string_view kColumns = "id, host, state, start_time, restart_time, command_type";
enum : std::size_t { kId, kHost, kState, kStartTime, kRestartTime, kCommandType, kVersion };

constexpr int kUnfinished[] = {kRunning, kReadyPause, kReadyStop};

// Rows of the newest workflows and tasks that latest_activity() looks at, of each.
constexpr int kNewest = 100;

void read_instance(const Row& row, const StoreContext& context, WorkflowInstance& instance) {
    const StoredRow stored(row, kTable, context);
    instance.id = stored.id();
    instance.host = row.optional_text(kHost);
    instance.state = stored.small(kState, "state");
    instance.start_time = stored.time(kStartTime, "start_time");
    instance.restart_time = stored.time(kRestartTime, "restart_time");
    instance.command_type = stored.optional_small(kCommandType, "command_type");
    if (row.size() > kVersion) instance.version = row.text(kVersion);
}

// Of databases without a row version.
bool is_as_read(const Row& row, const WorkflowInstance& instance) {
    return row.optional_integer(kState) == instance.state &&
           is_as_read(row, kHost, instance.host) &&
           is_as_read(row, kStartTime, instance.start_time) &&
           is_as_read(row, kRestartTime, instance.restart_time) &&
           row.optional_integer(kCommandType) == instance.command_type;
}

std::vector<std::int64_t> ids_of(std::span<const WorkflowInstance> instances) {
    std::vector<std::int64_t> ids;
    ids.reserve(instances.size());
    for (const WorkflowInstance& instance : instances) ids.push_back(instance.id);
    return ids;
}

// PostgreSQL arrays as text.
class ArrayLiteral {
  public:
    explicit ArrayLiteral(std::size_t items) { text_.reserve(items * 26 + 2); }

    void add(std::int64_t number) {
        separate();
        fmt::format_to(std::back_inserter(text_), "{}", number);
    }
    void add(const std::optional<int>& number) {
        number ? add(std::int64_t{*number}) : add(static_cast<const std::string*>(nullptr));
    }
    void add(const std::string* item) {
        separate();
        if (item == nullptr) {
            text_ += "NULL";
            return;
        }
        text_ += '"';
        for (const char c : *item) {
            if (c == '"' || c == '\\') text_ += '\\';
            text_ += c;
        }
        text_ += '"';
    }
    std::string take() { return std::move(text_ += '}'); }

  private:
    void separate() { text_ += text_.empty() ? '{' : ','; }
    std::string text_;
};

const std::string* text_of(const std::optional<StoredTime>& time) {
    return time ? &time->text : nullptr;
}

}  // namespace

bool is_as_read(const WorkflowInstance& row, const WorkflowInstance& read) {
    const auto same = [](const std::optional<StoredTime>& a, const std::optional<StoredTime>& b) {
        return a.has_value() == b.has_value() && (!a || a->text == b->text);
    };
    return row.state == read.state && row.host == read.host &&
           same(row.start_time, read.start_time) && same(row.restart_time, read.restart_time) &&
           row.command_type == read.command_type && row.version == read.version;
}

std::string_view workflow_state_name(int state) {
    switch (state) {
        case kRunning:
            return "RUNNING_EXECUTION";
        case kReadyPause:
            return "READY_PAUSE";
        case kReadyStop:
            return "READY_STOP";
        default:
            throw std::logic_error(fmt::format("{} is not a state to fail over from", state));
    }
}

std::string WorkflowInstanceStore::select_instances() const {
    const std::string_view version = context_.database.dialect().row_version();
    return fmt::format("SELECT {}{}{} FROM t_ds_workflow_instance", kColumns,
                       version.empty() ? "" : ", ", version);
}

void WorkflowInstanceStore::scan_unfinished(
    std::span<const std::string> hosts,
    const std::function<void(const WorkflowInstance&)>& instance) {
    scan(fmt::format("state IN ({})", fmt::join(kUnfinished, ", ")), {}, hosts, instance);
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
    scan(fmt::format("(state IN ({}) OR ({}))", fmt::join(kUnfinished, ", "), in_failover),
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

void WorkflowInstanceStore::scan(const std::string& condition, Parameters parameters,
                                 std::span<const std::string> hosts,
                                 const std::function<void(const WorkflowInstance&)>& instance) {
    std::string sql = fmt::format("{} WHERE {}", select_instances(), condition);
    if (!hosts.empty()) {
        sql += " AND " + in_list("host", hosts, parameters);
    }
    // Some databases take 'A' for 'a'; a host is compared as written.
    const std::unordered_set<std::string_view> wanted(hosts.begin(), hosts.end());
    WorkflowInstance current;
    context_.database.stream(sql, parameters, [&](const Row& row) {
        if (!wanted.empty() && !wanted.contains(row.text(kHost))) return;
        read_instance(row, context_, current);
        instance(current);
    });
}

std::vector<FailedOver> WorkflowInstanceStore::fail_over(
    std::span<const WorkflowInstance> instances, EpochMs stamp) {
    if (instances.empty()) return {};
    const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
    std::vector<WorkflowInstance> sorted;
    if (!std::is_sorted(instances.begin(), instances.end(), by_id)) {
        sorted.assign(instances.begin(), instances.end());
        std::sort(sorted.begin(), sorted.end(), by_id);
        instances = sorted;
    }
    for (const WorkflowInstance& instance : instances) workflow_state_name(instance.state);
    switch (context_.database.dialect().compare_and_set()) {
        case CompareAndSet::update_returning:
            return fail_over_by_statement(instances, stamp);
        case CompareAndSet::locked_compare:
            return fail_over_by_comparing(instances, stamp);
        case CompareAndSet::whole_file:
            return fail_over_by_commands(instances, stamp);
    }
    throw std::logic_error("fail_over(): no such way to compare and set");
}

// PostgreSQL: all in one statement. The arrays come from subqueries so that the planner does not
// see how long they are: for a long list it would walk the whole index for every chunk. For a short
// one it looks the rows up one by one, and so locks them in the order of the list.
std::vector<FailedOver> WorkflowInstanceStore::fail_over_by_statement(
    std::span<const WorkflowInstance> instances, EpochMs stamp) {
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
        format_stored_time(stamp, context_.zone, context_.schema.time_precision_us),
        ids.take(),
        states.take(),
        hosts.take(),
        starts.take(),
        restarts.take(),
        types.take(),
        versions.take()};
    std::string sql = fmt::format(
        "WITH changed AS (UPDATE t_ds_workflow_instance w "
        "SET state = {}, restart_time = CAST(? AS timestamp) "
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
        kFailover);
    sql += insert_recovery_commands(context_, parameters);
    sql += "FROM changed w RETURNING workflow_instance_id, id";
    const Rows rows = context_.database.query(sql, parameters);
    std::vector<FailedOver> changed;
    changed.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        changed.push_back({rows[i].integer(0), rows[i].integer(1)});
    }
    return changed;
}

// Locks the rows and returns the ids of those that are as read.
std::vector<std::int64_t> WorkflowInstanceStore::lock_as_read(
    std::span<const WorkflowInstance> instances) {
    Parameters parameters;
    const std::string sql =
        fmt::format("{} WHERE {} ORDER BY id FOR UPDATE", select_instances(),
                    context_.database.dialect().in_list("id", ids_of(instances), parameters));
    const Rows rows = context_.database.query(sql, parameters);
    std::vector<std::int64_t> ids;
    auto instance = instances.begin();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::int64_t id = rows[i].integer(kId);
        while (instance->id != id) ++instance;
        if (is_as_read(rows[i], *instance)) ids.push_back(id);
    }
    return ids;
}

// SQLite: the commands of the rows that are as read, then these rows. The transaction has locked
// the whole file, so that nothing changes between the statements and the commands' ids follow one
// another. Where the instances stand close together, as they do after a master's death, their part
// of the table is read through instead of looking up each.
std::vector<FailedOver> WorkflowInstanceStore::fail_over_by_commands(
    std::span<const WorkflowInstance> instances, EpochMs stamp) {
    Database& database = context_.database;
    const std::int64_t from = instances.front().id, to = instances.back().id;
    const bool close = to - from < 4 * static_cast<std::int64_t>(instances.size());
    Parameters ids;
    std::string which =
        close ? "w.id BETWEEN ? AND ?" : database.dialect().in_list("w.id", ids_of(instances), ids);
    if (close) ids = {from, to};
    which += fmt::format(
        " AND w.state IN ({}) AND is_wanted(w.id, w.host, w.state, w.start_time, w.restart_time, "
        "w.command_type)",
        fmt::join(kUnfinished, ", "));
    const auto is_wanted = [&](const Row& row) {
        const std::int64_t id = row.integer(kId);
        const auto instance = std::lower_bound(
            instances.begin(), instances.end(), id,
            [](const WorkflowInstance& one, std::int64_t wanted) { return one.id < wanted; });
        return instance != instances.end() && instance->id == id && is_as_read(row, *instance);
    };

    Parameters parameters;
    std::string sql = insert_recovery_commands(context_, parameters);
    sql += fmt::format("FROM t_ds_workflow_instance w WHERE {} ORDER BY w.id", which);
    parameters.insert(parameters.end(), ids.begin(), ids.end());
    const auto count =
        static_cast<std::size_t>(database.execute_on_wanted(sql, parameters, is_wanted));
    if (count == 0) return {};
    const std::int64_t first = database.last_insert_id() - static_cast<std::int64_t>(count) + 1;

    const bool all = count == instances.size();
    const bool no_gap = to - from + 1 == static_cast<std::int64_t>(count);
    Parameters of_rows = {
        format_stored_time(stamp, context_.zone, context_.schema.time_precision_us)};
    if (all && no_gap) {
        which = "id BETWEEN ? AND ?";
        of_rows.insert(of_rows.end(), {from, to});
    } else {
        which = "id IN (SELECT workflow_instance_id FROM t_ds_command WHERE id >= ?)";
        of_rows.emplace_back(first);
    }
    database.execute(
        fmt::format("UPDATE t_ds_workflow_instance SET state = {}, restart_time = ? WHERE {}",
                    kFailover, which),
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

// MySQL, which returns no rows from an UPDATE: locked, compared here, then the commands from the
// rows (whose state they need), and the rows last.
std::vector<FailedOver> WorkflowInstanceStore::fail_over_by_comparing(
    std::span<const WorkflowInstance> instances, EpochMs stamp) {
    const SqlDialect& dialect = context_.database.dialect();
    const std::string stamp_text =
        format_stored_time(stamp, context_.zone, context_.schema.time_precision_us);
    std::vector<FailedOver> changed;
    changed.reserve(instances.size());
    for_batches(instances, kIdsPerLock, [&](std::span<const WorkflowInstance> batch) {
        const std::vector<std::int64_t> ids = lock_as_read(batch);
        if (ids.empty()) return;

        for (const FailedOver& one : add_recovery_commands(context_, kTable, ids)) {
            changed.push_back(one);
        }

        Parameters parameters = {stamp_text};
        const std::string sql = fmt::format(
            "UPDATE t_ds_workflow_instance SET state = {}, restart_time = {}{} WHERE {}", kFailover,
            dialect.typed_placeholder("timestamp"), dialect.keep("update_time"),
            dialect.in_list("id", ids, parameters));
        context_.database.execute(sql, parameters);
    });
    return changed;
}

std::vector<Settled> WorkflowInstanceStore::settle(std::span<const WorkflowInstance> instances,
                                                   EpochMs stamp) {
    std::unordered_map<std::int64_t, WorkflowInstance> rows;
    for (WorkflowInstance& row : by_ids(ids_of(instances), true)) rows.emplace(row.id, row);
    std::vector<Settled> outcomes;
    outcomes.reserve(instances.size());
    for (const WorkflowInstance& instance : instances) {
        const auto row = rows.find(instance.id);
        if (row == rows.end()) {
            outcomes.push_back(Settled::changed_by_others);
        } else if (row->second.restart_time &&
                   row->second.restart_time->was_written_as(stamp, context_.zone)) {
            outcomes.push_back(Settled::committed);
        } else {
            outcomes.push_back(is_as_read(row->second, instance) ? Settled::not_committed
                                                                 : Settled::changed_by_others);
        }
    }
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
            fmt::format("{} WHERE {} ORDER BY id{}", select_instances(),
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

std::vector<std::optional<std::string>> WorkflowInstanceStore::names(
    std::span<const std::int64_t> ids) {
    std::unordered_map<std::int64_t, std::optional<std::string>> known;
    for_batches(ids, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        Parameters parameters;
        const std::string sql =
            fmt::format("SELECT id, name FROM t_ds_workflow_instance WHERE {}",
                        context_.database.dialect().in_list("id", batch, parameters));
        const Rows rows = context_.database.query(sql, parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            known.emplace(rows[i].integer(0), rows[i].optional_text(1));
        }
    });
    std::vector<std::optional<std::string>> names;
    names.reserve(ids.size());
    for (const std::int64_t id : ids) {
        const auto found = known.find(id);
        names.push_back(found == known.end() ? std::nullopt : found->second);
    }
    return names;
}

void WorkflowInstanceStore::scan_restart_times(const std::string& host,
                                               const std::function<void(const StoredTime&)>& time) {
    const std::string sql = fmt::format(
        "SELECT MIN(id), restart_time FROM t_ds_workflow_instance WHERE state IN ({}, {}) AND "
        "host = ? AND restart_time IS NOT NULL GROUP BY restart_time",
        fmt::join(kUnfinished, ", "), kFailover);
    const Parameters parameters = {host};
    context_.database.stream(sql, parameters, [&](const Row& row) {
        time(*StoredRow(row, kTable, context_).time(1, "restart_time"));
    });
}

std::vector<std::int64_t> WorkflowInstanceStore::in_failover_without_command(
    std::span<const std::int64_t> ids) {
    std::vector<std::int64_t> found;
    for_batches(ids, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        Parameters parameters;
        const std::string sql = fmt::format(
            "SELECT w.id FROM t_ds_workflow_instance w WHERE w.state = {} AND {} AND NOT EXISTS "
            "(SELECT 1 FROM t_ds_command c WHERE c.workflow_instance_id = w.id) ORDER BY w.id",
            kFailover, context_.database.dialect().in_list("w.id", batch, parameters));
        const Rows rows = context_.database.query(sql, parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows[i].integer(0));
    });
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
