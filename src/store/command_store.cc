#include "store/command_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "database/batches.h"
#include "database/sql_dialect.h"
#include "store/command_type.h"
#include "store/read_by_ids.h"
#include "store/recovery_command.h"
#include "store/stored_row.h"

namespace dsfailover {

namespace {

constexpr std::string_view kTable = "t_ds_command";

// 0, which no workflow instance has, where the column is null.
std::int64_t workflow_id(const StoredRow& stored, const Row& row, std::size_t cell) {
    return row.is_null(cell) ? 0 : stored.required(cell, "workflow_instance_id");
}

constexpr std::size_t kIdsPerPage = 100;

constexpr std::string_view kSelectWaiting =
    "SELECT id, workflow_instance_id, command_type, update_time, workflow_instance_priority "
    "FROM t_ds_command";

WaitingCommand read_waiting(const Row& row, const StoreContext& context) {
    const StoredRow stored(row, kTable, context);
    const auto update_time = stored.time(3, "update_time");
    return {stored.id(), workflow_id(stored, row, 1),
            stored.optional_small(2, "command_type").value_or(-1),
            update_time ? std::optional(update_time->epoch_ms()) : std::nullopt,
            stored.optional_small(4, "workflow_instance_priority").value_or(kMediumPriority)};
}

}  // namespace

void CommandStore::scan(const std::function<void(const WaitingCommand&)>& command) {
    context_.database.stream(kSelectWaiting, {},
                             [&](const Row& row) { command(read_waiting(row, context_)); });
}

void CommandStore::scan_ids(const IdCallback& command) {
    context_.database.stream("SELECT id, workflow_instance_id FROM t_ds_command", {},
                             [&](const Row& row) {
                                 const StoredRow stored(row, kTable, context_);
                                 command(stored.id(), workflow_id(stored, row, 1));
                             });
}

// A condition that leaves out what the transaction under way inserted, where the server can tell:
// it need not send that.
std::string CommandStore::but_own() const {
    const std::string_view condition = context_.database.dialect().written_by_others();
    if (condition.empty() || !context_.database.in_transaction()) return "";
    return fmt::format(" AND {}", condition);
}

// From one range to the next, so that none of their ids is read. A small page at a time, in order:
// a table that grows fast has no statistics, and for many rows of it PostgreSQL would rather read
// the whole than use the index.
void CommandStore::newer_than(std::int64_t after_id, std::span<const IdRange> but_not,
                              const IdCallback& command) {
    std::vector<IdRange> ranges(but_not.begin(), but_not.end());
    std::sort(ranges.begin(), ranges.end(),
              [](const IdRange& a, const IdRange& b) { return a.first < b.first; });
    const auto read_up_to = [&](std::optional<std::int64_t> before_id) {
        const std::string sql = fmt::format(
            "SELECT id, workflow_instance_id FROM t_ds_command WHERE id > ?{}{} "
            "ORDER BY id LIMIT {}",
            before_id ? " AND id < ?" : "", but_own(), kIdsPerPage);
        for (Rows rows;;) {
            Parameters parameters = {after_id};
            if (before_id) parameters.emplace_back(*before_id);
            rows = context_.database.query(sql, parameters);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const Row row = rows[i];
                const StoredRow stored(row, kTable, context_);
                after_id = stored.id();
                command(after_id, workflow_id(stored, row, 1));
            }
            if (rows.size() < kIdsPerPage) return;
        }
    };
    for (const IdRange& range : ranges) {
        if (range.first > after_id + 1) read_up_to(range.first);
        after_id = std::max(after_id, range.last);
    }
    read_up_to(std::nullopt);  // PostgreSQL's ids are int4: no number is large enough
}

std::int64_t CommandStore::id_slack() const {
    return context_.database.dialect().locks_whole_file() ? 0 : 1000;
}

std::vector<WaitingCommand> CommandStore::for_workflows(std::span<const std::int64_t> workflow_ids,
                                                        std::int64_t after_id) {
    std::vector<WaitingCommand> commands;
    for_batches(workflow_ids, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        Parameters parameters;
        std::string sql = fmt::format(
            "{} WHERE {}", kSelectWaiting,
            context_.database.dialect().in_list("workflow_instance_id", batch, parameters));
        if (after_id > 0) {
            sql += " AND id > ?";
            parameters.emplace_back(after_id);
        }
        const Rows rows = context_.database.query(sql, parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            commands.push_back(read_waiting(rows[i], context_));
        }
    });
    return commands;
}

std::vector<std::int64_t> CommandStore::still_waiting(std::span<const std::int64_t> command_ids) {
    std::vector<std::int64_t> waiting;
    read_by_ids(context_, command_ids, "id", 0, "SELECT id FROM t_ds_command", "",
                [&](const Row& row) { waiting.push_back(row.integer(0)); });
    return waiting;
}

std::vector<ErrorCommand> CommandStore::read_failed(std::string_view column,
                                                    std::span<const std::int64_t> ids) {
    std::vector<ErrorCommand> commands;
    read_by_ids(context_, ids, column, column == "id" ? 0 : 1,
                "SELECT id, workflow_instance_id, command_type, command_param, message "
                "FROM t_ds_error_command",
                "", [&](const Row& row) {
                    const StoredRow stored(row, "t_ds_error_command", context_);
                    commands.push_back({stored.id(), workflow_id(stored, row, 1),
                                        stored.optional_small(2, "command_type").value_or(-1),
                                        std::string(row.text(3)), std::string(row.text(4))});
                });
    return commands;
}

std::vector<ErrorCommand> CommandStore::failed(std::span<const std::int64_t> command_ids) {
    return read_failed("id", command_ids);
}

std::vector<ErrorCommand> CommandStore::failed_for_workflows(
    std::span<const std::int64_t> workflow_ids) {
    return read_failed("workflow_instance_id", workflow_ids);
}

std::unordered_map<std::int64_t, ErrorCommand> newest_of_each(std::vector<ErrorCommand> failed) {
    std::unordered_map<std::int64_t, ErrorCommand> newest;
    for (ErrorCommand& command : failed) {
        const auto [known, is_new] = newest.try_emplace(command.workflow_instance_id, command);
        if (!is_new && known->second.id < command.id) known->second = std::move(command);
    }
    return newest;
}

// `message`: the column of that name, where the table has it.
void CommandStore::scan_table(std::string_view table, std::string_view message,
                              const std::function<void(const CommandAsStored&)>& command) {
    context_.database.stream(
        fmt::format("SELECT id, command_type, workflow_instance_id, command_param, update_time, {} "
                    "FROM {} ORDER BY id",
                    message, table),
        {}, [&](const Row& row) {
            command({row.integer(0), row.optional_integer(1), row.optional_integer(2),
                     row.optional_text(3), row.optional_text(4), row.optional_text(5)});
        });
}

void CommandStore::scan_as_stored(const std::function<void(const CommandAsStored&)>& command) {
    scan_table(kTable, "NULL", command);
}

void CommandStore::scan_failed_as_stored(
    const std::function<void(const CommandAsStored&)>& command) {
    scan_table("t_ds_error_command", "message", command);
}

bool CommandStore::recovery_command_since(const std::string& host, std::int64_t after_id) {
    const auto select = [](std::string_view table) {
        return fmt::format(
            "SELECT 1 FROM {} c JOIN t_ds_workflow_instance w ON w.id = c.workflow_instance_id "
            "WHERE c.id > ? AND c.command_type = {} AND w.host = ?",
            table, command_type::kRecoverToleranceFault);
    };
    return !context_.database
                .query(fmt::format("{} UNION ALL {} LIMIT 1", select("t_ds_command"),
                                   select("t_ds_error_command")),
                       {after_id, host, after_id, host})
                .empty();
}

std::int64_t CommandStore::highest_id() {
    const Rows rows = context_.database.query(
        "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM t_ds_command UNION ALL "
        "SELECT MAX(id) FROM t_ds_error_command) h");
    return rows[0].optional_integer(0).value_or(0);
}

std::optional<CommandRow> CommandStore::take_out(std::int64_t command_id,
                                                 std::int64_t workflow_id) {
    std::vector<std::string> columns;
    for (const std::string& column : context_.schema.command_columns) {
        if (column != "id") columns.push_back(column);
    }
    const Rows rows = context_.database.query(
        fmt::format("SELECT {} FROM t_ds_command WHERE id = ? AND workflow_instance_id = ?",
                    fmt::join(columns, ", ")),
        {command_id, workflow_id});
    // What decides is whether the deletion hits: a master may have taken it in between.
    if (rows.empty() || !remove(command_id, workflow_id)) return std::nullopt;
    CommandRow row;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        row.emplace_back(columns[i], rows[0].optional_text(i));
    }
    return row;
}

bool CommandStore::remove(std::int64_t command_id, std::int64_t workflow_id) {
    return context_.database.execute(
               "DELETE FROM t_ds_command WHERE id = ? AND workflow_instance_id = ?",
               {command_id, workflow_id}) == 1;
}

std::int64_t CommandStore::insert_again(const CommandRow& row, EpochMs now) {
    std::vector<std::string_view> columns, placeholders;
    Parameters parameters;
    for (const auto& [column, value] : row) {
        columns.push_back(column);
        placeholders.push_back("?");
        if (column == "update_time") {
            parameters.emplace_back(
                format_stored_time(now, context_.zone, context_.schema.time_precision_us));
        } else if (value) {
            parameters.emplace_back(*value);
        } else {
            parameters.emplace_back(nullptr);
        }
    }
    const std::string sql = fmt::format("INSERT INTO t_ds_command ({}) VALUES ({})",
                                        fmt::join(columns, ", "), fmt::join(placeholders, ", "));
    if (context_.database.dialect().has_returning()) {
        return context_.database.query(sql + " RETURNING id", parameters)[0].integer(0);
    }
    context_.database.execute(sql, parameters);
    return context_.database.last_insert_id();
}

}  // namespace dsfailover
