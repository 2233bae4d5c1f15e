#include "store/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "database/tables.h"

namespace dsfailover {

namespace {

// Every column that the SQL of this program names. What is not here may be absent.
const std::vector<NeededTable>& used_tables() {
    static const std::vector<NeededTable> tables = {
        {"t_ds_workflow_instance",
         {"id", "name", "workflow_definition_code", "workflow_definition_version", "state", "host",
          "start_time", "end_time", "restart_time", "command_type", "command_param",
          "is_sub_workflow", "update_time"}},
        {"t_ds_task_instance",
         {"id", "name", "task_type", "workflow_instance_id", "state", "host", "flag", "submit_time",
          "start_time", "end_time", "var_pool", "log_path", "execute_path", "app_link", "pid",
          "task_group_id", "worker_group"}},
        {"t_ds_command",
         {"id", "command_type", "workflow_definition_code", "workflow_definition_version",
          "workflow_instance_id", "executor_id", "task_depend_type", "failure_strategy", "dry_run",
          "update_time", "command_param", "workflow_instance_priority"}},
        {"t_ds_error_command",
         {"id", "command_type", "workflow_instance_id", "command_param", "message"}},
    };
    return tables;
}

// The columns whose precision is Schema::time_precision_us.
const std::vector<NeededTable>& time_columns() {
    static const std::vector<NeededTable> tables = {
        {"t_ds_workflow_instance", {"start_time", "restart_time"}},
        {"t_ds_task_instance", {"submit_time", "start_time", "end_time"}},
    };
    return tables;
}

constexpr std::string_view kVersionTable = "t_ds_version";
constexpr std::string_view kOldInstanceTable = "t_ds_process_instance";
constexpr std::string_view kRelationTable = "t_ds_relation_workflow_instance";
constexpr std::string_view kTaskGroupQueue = "t_ds_task_group_queue";
constexpr std::string_view kWorkerGroups = "t_ds_worker_group";

// A version that cannot be read is none: the columns decide.
std::optional<std::string> read_version(Database& database, const FoundTables& found) {
    if (found.find(kVersionTable, "version") == nullptr) return std::nullopt;
    const Rows rows = database.query("SELECT version FROM t_ds_version ORDER BY id DESC LIMIT 1");
    return rows.empty() ? std::nullopt : rows[0].optional_text(0);
}

std::string what_was_found(const FoundTables& found, const std::optional<std::string>& version) {
    std::string text = found.has(kOldInstanceTable) && !found.has("t_ds_workflow_instance")
                           ? fmt::format("found {}: this looks like DolphinScheduler 3.2 or older",
                                         kOldInstanceTable)
                           : describe_found(found, "DolphinScheduler");
    if (version) text += fmt::format(" (t_ds_version says {})", *version);
    return text;
}

constexpr std::string_view kSupported =
    "Supported are the tables of DolphinScheduler 3.3.0 and later, with test_flag columns in all "
    "of the instance and command tables or in none; nothing was changed";

// nullopt: some of the tables have the column, some have not.
std::optional<bool> all_or_none(const FoundTables& found, std::string_view column) {
    const auto& tables = used_tables();
    const auto with = std::count_if(tables.begin(), tables.end(), [&](const NeededTable& table) {
        return found.find(table.name, column) != nullptr;
    });
    if (with != 0 && with != std::ssize(tables)) return std::nullopt;
    return with != 0;
}

std::string describe_partly(const FoundTables& found, std::string_view column) {
    std::vector<std::string_view> with, without;
    for (const NeededTable& table : used_tables()) {
        (found.find(table.name, column) != nullptr ? with : without).push_back(table.name);
    }
    return fmt::format("{} has the column {}, but {} has not", fmt::join(with, ", "), column,
                       fmt::join(without, ", "));
}

std::int64_t time_precision_us(const FoundTables& found) {
    std::int64_t precision = 1;
    for (const NeededTable& table : time_columns()) {
        for (const std::string_view name : table.columns) {
            std::int64_t unit = 1;
            const auto digits = found.find(table.name, name)->fraction_digits.value_or(6);
            for (auto i = digits; i < 6; ++i) unit *= 10;
            precision = std::max(precision, unit);
        }
    }
    return precision;
}

// MySQL does not show what a user may not read. Parents and children are told by this table: as if
// there were none, a child would be failed over beside its parent.
void require_no_hidden_relations(Database& database) {
    try {
        database.query(fmt::format("SELECT 1 FROM {} WHERE 1 = 0", kRelationTable));
    } catch (const DatabaseError& error) {
        if (error.kind() == DatabaseError::Kind::unreachable) throw;
        if (error.kind() != DatabaseError::Kind::read_only) return;  // there is no such table
        throw EnvironmentError(fmt::format(
            "{}; parents and children cannot be told without it: grant this user SELECT on {}, and "
            "all else that docs/rights.md names",
            error.what(), kRelationTable));
    }
}

}  // namespace

Schema read_schema(Database& database) {
    constexpr std::string_view kOthers[] = {kVersionTable, kOldInstanceTable, kRelationTable,
                                            kTaskGroupQueue, kWorkerGroups};
    const FoundTables found = find_tables(database, used_tables(), kOthers);
    Schema schema;
    schema.version = read_version(database, found);
    const std::string missing = describe_missing(found, used_tables());
    const auto test_flag = all_or_none(found, "test_flag");
    if (!missing.empty() || !test_flag) {
        refuse_tables(database, missing.empty() ? describe_partly(found, "test_flag") : missing,
                      what_was_found(found, schema.version), kSupported);
    }
    schema.has_test_flag = *test_flag;
    schema.has_relations = found.has(kRelationTable);
    if (!schema.has_relations) require_no_hidden_relations(database);
    schema.has_task_group_queue = found.find(kTaskGroupQueue, "task_id") != nullptr;
    schema.has_worker_groups = found.find(kWorkerGroups, "name") != nullptr &&
                               found.find(kWorkerGroups, "addr_list") != nullptr;
    schema.time_precision_us = time_precision_us(found);
    schema.task_instance_columns = found.column_names("t_ds_task_instance");
    schema.command_columns = found.column_names("t_ds_command");
    return schema;
}

}  // namespace dsfailover
