#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "conformance/test_databases.h"
#include "store/schema.h"

namespace dsfailover {

/// Which database, and which of the two kinds of releases.
struct StoreCase {
    DatabaseType type = DatabaseType::sqlite;
    bool has_test_flag = true;  ///< 3.3.0; without: 3.3.1 and later
};

inline std::string case_name(const ::testing::TestParamInfo<StoreCase>& info) {
    return name_of(info.param.type) + (info.param.has_test_flag ? "_330" : "_later");
}

using Cells = std::vector<std::optional<std::string>>;

/// DolphinScheduler's tables, empty, in a place of their own in the database.
class StoreFixture : public ::testing::TestWithParam<StoreCase> {
  protected:
    void SetUp() override {
        auto settings = test_database(type());
        if (!settings) GTEST_SKIP() << "no " << name_of(type()) << " to test with";
        settings_ = make_place(*settings, "store_conformance");
        database_ = open_database(settings_);
        for (const std::string& sql : schema_statements(type())) {
            if (sql.find("CREATE") != std::string::npos) database_->execute(sql);
        }
        // Tests insert ids of their own below those that PostgreSQL gives out.
        if (is_postgresql()) {
            for (const char* table : {"t_ds_task_instance", "t_ds_command"}) {
                execute(fmt::format("ALTER SEQUENCE {}_id_seq RESTART WITH 1000", table));
            }
        }
        if (!GetParam().has_test_flag) {
            for (const char* table : {"t_ds_workflow_instance", "t_ds_task_instance",
                                      "t_ds_command", "t_ds_error_command"}) {
                execute(fmt::format("ALTER TABLE {} DROP COLUMN test_flag", table));
            }
        }
        schema_ = read_schema(*database_);
    }

    void TearDown() override {
        if (database_ && database_->in_transaction()) database_->rollback();
    }

    DatabaseType type() const { return GetParam().type; }
    bool is_sqlite() const { return type() == DatabaseType::sqlite; }
    bool is_postgresql() const { return type() == DatabaseType::postgresql; }
    bool is_mysql() const { return type() == DatabaseType::mysql; }

    StoreContext context() { return context(*database_); }
    StoreContext context(Database& database) { return {database, schema_, zone_}; }
    std::unique_ptr<Database> another() { return open_database(settings_); }

    void execute(const std::string& sql, const std::vector<Value>& parameters = {}) {
        database_->execute(sql, std::span<const Value>(parameters));
    }

    /// All rows, cell by cell.
    std::vector<Cells> rows(const std::string& sql) {
        std::vector<Cells> found;
        const Rows result = database_->query(sql);
        for (std::size_t i = 0; i < result.size(); ++i) {
            Cells& cells = found.emplace_back();
            for (std::size_t cell = 0; cell < result[i].size(); ++cell) {
                cells.push_back(result[i].optional_text(cell));
            }
        }
        return found;
    }
    /// The first cell of the only row.
    std::optional<std::string> value(const std::string& sql) {
        const auto found = rows(sql);
        EXPECT_EQ(found.size(), 1U) << sql;
        return found.empty() ? std::nullopt : found[0].at(0);
    }

    /// Inserts a row from SQL expressions by column.
    void insert(const std::string& table, const std::map<std::string, std::string>& values) {
        std::string columns, expressions;
        for (const auto& [column, expression] : values) {
            columns += (columns.empty() ? "" : ", ") + column;
            expressions += (expressions.empty() ? "" : ", ") + expression;
        }
        execute(fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, expressions));
    }

    /// A workflow instance in state 1 on the dead master, with `changes` to that.
    void insert_workflow(std::int64_t id, const std::map<std::string, std::string>& changes = {}) {
        std::map<std::string, std::string> values = {
            {"id", std::to_string(id)},
            {"name", fmt::format("'workflow-{}'", id)},
            {"workflow_definition_code", std::to_string(1'000'000'000'000 + id)},
            {"workflow_definition_version", "3"},
            {"state", "1"},
            {"host", "'127.0.1.1:5678'"},
            {"start_time", "'2026-11-22 07:00:00'"},
            {"command_type", "0"},
            {"executor_id", "7"},
            {"update_time", "'2026-11-22 07:00:01'"},
        };
        if (GetParam().has_test_flag) values["test_flag"] = "0";
        for (const auto& [column, expression] : changes) values[column] = expression;
        insert("t_ds_workflow_instance", values);
    }

    /// A running task of the dead worker, with `changes` to that.
    void insert_task(std::int64_t id, std::int64_t workflow_id,
                     const std::map<std::string, std::string>& changes = {}) {
        std::map<std::string, std::string> values = {
            {"id", std::to_string(id)},
            {"name", fmt::format("'task-{}'", id)},
            {"task_type", "'SHELL'"},
            {"task_code", std::to_string(2'000'000'000'000 + id)},
            {"workflow_instance_id", std::to_string(workflow_id)},
            {"state", "1"},
            {"host", "'127.0.1.9:1234'"},
            {"submit_time", "'2026-11-22 07:00:02'"},
            {"start_time", "'2026-11-22 07:00:03'"},
            {"flag", "1"},
        };
        if (GetParam().has_test_flag) values["test_flag"] = "0";
        for (const auto& [column, expression] : changes) values[column] = expression;
        insert("t_ds_task_instance", values);
    }

    DatabaseSettings settings_;
    std::unique_ptr<Database> database_;
    Schema schema_;
    TimeZone zone_;
};

inline constexpr StoreCase kStoreCases[] = {
    {DatabaseType::sqlite, true},     {DatabaseType::sqlite, false},
    {DatabaseType::postgresql, true}, {DatabaseType::postgresql, false},
    {DatabaseType::mysql, true},      {DatabaseType::mysql, false}};

}  // namespace dsfailover
