// Which tables are accepted, and what is said about others, on every database.
#include <gmock/gmock.h>

#include "base/error.h"
#include "conformance/store_fixture.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class StoreSchema : public StoreFixture {
  protected:
    /// The message with which the tables are refused.
    std::string refusal() {
        try {
            read_schema(*database_);
        } catch (const EnvironmentError& error) {
            EXPECT_EQ(error.exit_code(), ExitCode::environment);
            EXPECT_THAT(error.what(), HasSubstr(database_->endpoint()));
            EXPECT_THAT(error.what(), HasSubstr("DolphinScheduler 3.3.0 and later"));
            return error.what();
        }
        ADD_FAILURE() << "accepted";
        return "";
    }
    void drop_all() {
        for (const char* table :
             {"t_ds_version", "t_ds_workflow_instance", "t_ds_relation_workflow_instance",
              "t_ds_task_instance", "t_ds_command", "t_ds_error_command", "t_ds_jdbc_registry_data",
              "t_ds_jdbc_registry_data_change_event", "t_ds_jdbc_registry_lock",
              "t_ds_jdbc_registry_client_heartbeat"}) {
            execute(fmt::format("DROP TABLE {}", table));
        }
    }
    void drop_column(const char* table, const char* column) {
        execute(fmt::format("ALTER TABLE {} DROP COLUMN {}", table, column));
    }
};

TEST_P(StoreSchema, TellsTheTwoKindsOfReleasesApart) {
    EXPECT_EQ(schema_.has_test_flag, GetParam().has_test_flag);
    EXPECT_EQ(schema_.recovery_leaves_host(), GetParam().has_test_flag);
    EXPECT_TRUE(schema_.has_relations);
    EXPECT_THAT(schema_.task_instance_columns, AllOf(Contains("id"), Contains("task_params")));
    EXPECT_EQ(schema_.task_instance_columns.size(), GetParam().has_test_flag ? 38U : 37U);
    EXPECT_EQ(schema_.command_columns.size(), GetParam().has_test_flag ? 20U : 19U);
}

TEST_P(StoreSchema, KnowsThePrecisionOfTimes) {
    constexpr std::int64_t kExpected[] = {1000, 1, 1'000'000};
    EXPECT_EQ(schema_.time_precision_us, kExpected[static_cast<std::size_t>(type())]);
    if (is_sqlite()) return;
    constexpr std::pair<const char*, const char*> kTimes[] = {
        {"t_ds_workflow_instance", "start_time"}, {"t_ds_workflow_instance", "restart_time"},
        {"t_ds_task_instance", "submit_time"},    {"t_ds_task_instance", "start_time"},
        {"t_ds_task_instance", "end_time"},
    };
    for (const auto& [table, column] : kTimes) {
        execute(is_mysql()
                    ? fmt::format("ALTER TABLE {} MODIFY {} datetime(3)", table, column)
                    : fmt::format("ALTER TABLE {} ALTER {} TYPE timestamp(3)", table, column));
    }
    EXPECT_EQ(read_schema(*database_).time_precision_us, 1000);
    execute(is_mysql() ? "ALTER TABLE t_ds_task_instance MODIFY end_time datetime(1)"
                       : "ALTER TABLE t_ds_task_instance ALTER end_time TYPE timestamp(1)");
    EXPECT_EQ(read_schema(*database_).time_precision_us, 100'000);
}

TEST_P(StoreSchema, VersionIsForTheReportOnly) {
    EXPECT_EQ(schema_.version, std::nullopt);
    insert("t_ds_version", {{"version", "'9.9.9'"}});
    EXPECT_EQ(read_schema(*database_).version, "9.9.9");
    execute("DROP TABLE t_ds_version");
    EXPECT_EQ(read_schema(*database_).version, std::nullopt);
}

TEST_P(StoreSchema, RelationsMayBeAbsent) {
    execute("DROP TABLE t_ds_relation_workflow_instance");
    EXPECT_FALSE(read_schema(*database_).has_relations);
}

TEST_P(StoreSchema, OtherTablesAndColumnsDoNotMatter) {
    execute("CREATE TABLE t_ds_process_instance (id int)");
    execute("ALTER TABLE t_ds_workflow_instance ADD COLUMN news int");
    EXPECT_NO_THROW(read_schema(*database_));
}

TEST_P(StoreSchema, TablesOfOlderReleasesAreNamed) {
    drop_all();
    execute("CREATE TABLE t_ds_process_instance (id int)");
    execute("CREATE TABLE t_ds_version (id int, version varchar(9))");
    insert("t_ds_version", {{"id", "1"}, {"version", "'3.2.1'"}});
    EXPECT_THAT(refusal(), AllOf(HasSubstr("t_ds_process_instance"), HasSubstr("3.2 or older"),
                                 HasSubstr("3.2.1"), HasSubstr("table t_ds_workflow_instance")));
}

TEST_P(StoreSchema, AnEmptyDatabaseIsCalledSo) {
    drop_all();
    EXPECT_THAT(refusal(), HasSubstr("no table of DolphinScheduler at all"));
}

TEST_P(StoreSchema, WhatIsMissingIsNamed) {
    drop_column("t_ds_command", "workflow_definition_version");
    execute("DROP TABLE t_ds_error_command");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("column t_ds_command.workflow_definition_version"),
                                 HasSubstr("table t_ds_error_command")));
}

TEST_P(StoreSchema, TestFlagInSomeTablesOnlyIsUnknown) {
    if (GetParam().has_test_flag) {
        drop_column("t_ds_task_instance", "test_flag");
    } else {
        execute("ALTER TABLE t_ds_error_command ADD COLUMN test_flag int");
    }
    EXPECT_THAT(refusal(), AllOf(HasSubstr("test_flag"), HasSubstr("t_ds_task_instance"),
                                 HasSubstr("t_ds_error_command")));
}

INSTANTIATE_TEST_SUITE_P(EveryDatabase, StoreSchema, ::testing::ValuesIn(kStoreCases), case_name);

}  // namespace
}  // namespace dsfailover
