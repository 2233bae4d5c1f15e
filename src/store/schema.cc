#include "store/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "base/error.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

struct Table {
    std::string_view name;
    std::vector<std::string_view> columns;
};

// Every column that the SQL of this program names. What is not here may be absent.
const std::vector<Table>& used_tables() {
    static const std::vector<Table> tables = {
        {"t_ds_workflow_instance",
         {"id", "name", "workflow_definition_code", "workflow_definition_version", "state", "host",
          "start_time", "restart_time", "command_type", "update_time"}},
        {"t_ds_task_instance",
         {"id", "name", "workflow_instance_id", "state", "host", "flag", "submit_time",
          "start_time", "end_time", "var_pool", "log_path", "execute_path"}},
        {"t_ds_command",
         {"id", "command_type", "workflow_definition_code", "workflow_definition_version",
          "workflow_instance_id", "executor_id", "task_depend_type", "failure_strategy", "dry_run",
          "update_time", "command_param"}},
        {"t_ds_error_command",
         {"id", "command_type", "workflow_instance_id", "command_param", "message"}},
    };
    return tables;
}

const std::vector<Table>& jdbc_registry_tables() {
    static const std::vector<Table> tables = {
        {"t_ds_jdbc_registry_data",
         {"id", "data_key", "data_value", "data_type", "client_id", "create_time",
          "last_update_time"}},
        {"t_ds_jdbc_registry_data_change_event",
         {"id", "event_type", "jdbc_registry_data", "create_time"}},
        {"t_ds_jdbc_registry_lock", {"id", "lock_key", "lock_owner", "client_id", "create_time"}},
        {"t_ds_jdbc_registry_client_heartbeat",
         {"id", "client_name", "last_heartbeat_time", "connection_config", "create_time"}},
    };
    return tables;
}

// The columns whose precision is Schema::time_precision_us.
const std::vector<Table>& time_columns() {
    static const std::vector<Table> tables = {
        {"t_ds_workflow_instance", {"start_time", "restart_time"}},
        {"t_ds_task_instance", {"submit_time", "start_time", "end_time"}},
    };
    return tables;
}

constexpr std::string_view kVersionTable = "t_ds_version";
constexpr std::string_view kOldInstanceTable = "t_ds_process_instance";
constexpr std::string_view kRelationTable = "t_ds_relation_workflow_instance";

struct Column {
    std::string name;
    std::optional<std::int64_t> fraction_digits;  // of a time column
};

class FoundTables {
  public:
    void add(const std::string& table, Column column) { tables_[table].push_back(column); }
    bool has(std::string_view table) const { return tables_.contains(table); }
    bool empty() const { return tables_.empty(); }
    const Column* find(std::string_view table, std::string_view column) const {
        const auto found = tables_.find(table);
        if (found == tables_.end()) return nullptr;
        const auto& columns = found->second;
        const auto it = std::find_if(columns.begin(), columns.end(),
                                     [&](const Column& c) { return c.name == column; });
        return it == columns.end() ? nullptr : &*it;
    }
    std::vector<std::string> column_names(std::string_view table) const {
        std::vector<std::string> names;
        for (const Column& column : tables_.find(table)->second) names.push_back(column.name);
        return names;
    }
    std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& [name, columns] : tables_) names.push_back(name);
        return names;
    }

  private:
    std::map<std::string, std::vector<Column>, std::less<>> tables_;
};

FoundTables find_tables(Database& database, const std::vector<Table>& used,
                        std::span<const std::string_view> others) {
    std::vector<std::string> names(others.begin(), others.end());
    for (const Table& table : used) names.emplace_back(table.name);
    std::vector<Value> parameters;
    const std::string sql = database.dialect().columns_query(names, parameters);
    const Rows rows = database.query(sql, parameters);
    FoundTables found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        found.add(std::string(rows[i].text(0)),
                  {std::string(rows[i].text(1)), rows[i].optional_integer(2)});
    }
    return found;
}

// A table with all its columns missing is named alone.
std::vector<std::string> missing_parts(const FoundTables& found, const std::vector<Table>& used) {
    std::vector<std::string> missing;
    for (const Table& table : used) {
        if (!found.has(table.name)) {
            missing.push_back(fmt::format("table {}", table.name));
            continue;
        }
        for (const std::string_view column : table.columns) {
            if (found.find(table.name, column) == nullptr) {
                missing.push_back(fmt::format("column {}.{}", table.name, column));
            }
        }
    }
    return missing;
}

// A version that cannot be read is none: the columns decide.
std::optional<std::string> read_version(Database& database, const FoundTables& found) {
    if (found.find(kVersionTable, "version") == nullptr) return std::nullopt;
    const Rows rows = database.query("SELECT version FROM t_ds_version ORDER BY id DESC LIMIT 1");
    return rows.empty() ? std::nullopt : rows[0].optional_text(0);
}

std::string what_was_found(const FoundTables& found, const std::optional<std::string>& version) {
    std::string text;
    if (found.has(kOldInstanceTable) && !found.has("t_ds_workflow_instance")) {
        text = fmt::format("found {}: this looks like DolphinScheduler 3.2 or older",
                           kOldInstanceTable);
    } else if (found.empty()) {
        text =
            "found no table of DolphinScheduler at all, so it is not the right database or schema";
    } else {
        text = fmt::format("found {}", fmt::join(found.names(), ", "));
    }
    if (version) text += fmt::format(" (t_ds_version says {})", *version);
    return text;
}

[[noreturn]] void refuse(Database& database, std::string_view problem, std::string_view found,
                         std::string_view supported) {
    throw EnvironmentError(fmt::format("{}: the tables are not ones this program knows: {}; {}. {}",
                                       database.endpoint(), problem, found, supported));
}

constexpr std::string_view kSupported =
    "Supported are the tables of DolphinScheduler 3.3.0 and later, with test_flag columns in all "
    "of the instance and command tables or in none; nothing was changed";

// nullopt: some of the tables have the column, some have not.
std::optional<bool> all_or_none(const FoundTables& found, std::string_view column) {
    const auto& tables = used_tables();
    const auto with = std::count_if(tables.begin(), tables.end(), [&](const Table& table) {
        return found.find(table.name, column) != nullptr;
    });
    if (with != 0 && with != std::ssize(tables)) return std::nullopt;
    return with != 0;
}

std::string describe_partly(const FoundTables& found, std::string_view column) {
    std::vector<std::string_view> with, without;
    for (const Table& table : used_tables()) {
        (found.find(table.name, column) != nullptr ? with : without).push_back(table.name);
    }
    return fmt::format("{} has the column {}, but {} has not", fmt::join(with, ", "), column,
                       fmt::join(without, ", "));
}

std::int64_t time_precision_us(const FoundTables& found) {
    std::int64_t precision = 1;
    for (const Table& table : time_columns()) {
        for (const std::string_view name : table.columns) {
            std::int64_t unit = 1;
            const auto digits = found.find(table.name, name)->fraction_digits.value_or(6);
            for (auto i = digits; i < 6; ++i) unit *= 10;
            precision = std::max(precision, unit);
        }
    }
    return precision;
}

}  // namespace

Schema read_schema(Database& database) {
    constexpr std::string_view kOthers[] = {kVersionTable, kOldInstanceTable, kRelationTable};
    const FoundTables found = find_tables(database, used_tables(), kOthers);
    Schema schema;
    schema.version = read_version(database, found);
    const auto missing = missing_parts(found, used_tables());
    const auto test_flag = all_or_none(found, "test_flag");
    if (!missing.empty() || !test_flag) {
        const std::string problem = missing.empty()
                                        ? describe_partly(found, "test_flag")
                                        : fmt::format("missing {}", fmt::join(missing, ", "));
        refuse(database, problem, what_was_found(found, schema.version), kSupported);
    }
    schema.has_test_flag = *test_flag;
    schema.has_relations = found.has(kRelationTable);
    schema.time_precision_us = time_precision_us(found);
    schema.task_instance_columns = found.column_names("t_ds_task_instance");
    schema.command_columns = found.column_names("t_ds_command");
    return schema;
}

void check_jdbc_registry_schema(Database& database) {
    const FoundTables found = find_tables(database, jdbc_registry_tables(), {});
    const auto missing = missing_parts(found, jdbc_registry_tables());
    if (missing.empty()) return;
    refuse(database, fmt::format("missing {}", fmt::join(missing, ", ")),
           what_was_found(found, std::nullopt),
           "Supported are the tables of the JDBC registry of DolphinScheduler 3.3.0 and later: is "
           "the registry kept in another database, or in ZooKeeper or etcd?");
}

}  // namespace dsfailover
