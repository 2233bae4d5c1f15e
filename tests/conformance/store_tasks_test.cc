// What is read of task instances and commands, and what a re-dispatch writes, on every database.
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <set>

#include "base/error.h"
#include "conformance/store_fixture.h"
#include "database/sql_dialect.h"
#include "store/command_store.h"
#include "store/command_watch.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Ids = std::vector<std::int64_t>;

const std::string kWorker = "127.0.1.9:1234";
// 2026-11-22T08:00:00Z
constexpr EpochMs kNow = 1'795'334'400'000;

class StoreTasks : public StoreFixture {
  protected:
    TaskInstanceStore store() { return TaskInstanceStore(context()); }

    std::vector<TaskInstance> tasks(const std::string& worker = kWorker) {
        std::vector<TaskInstance> found;
        store().scan_worker_tasks(
            worker, [&](const TaskInstance& task) { found.push_back(task); },
            [&](std::int64_t workflow, const EnvironmentError& why) {
                unreadable_.emplace_back(workflow, why.what());
            });
        std::sort(found.begin(), found.end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
        return found;
    }
    std::vector<std::pair<std::int64_t, std::string>> unreadable_;

    Ids redispatch(const std::vector<TaskInstance>& tasks) {
        Transaction transaction(*database_);
        Ids changed = store().redispatch(tasks, kNow);
        transaction.commit();
        return changed;
    }
    /// Whether a master sees the task row: what makes it valid.
    std::map<std::string, std::string> invalid() {
        return {{GetParam().has_test_flag ? "test_flag" : "flag",
                 GetParam().has_test_flag ? "NULL" : "0"}};
    }
};

TEST_P(StoreTasks, ActivityIsTheFirstSubmitAndTheLatestOfAll) {
    insert_task(1, 10);
    insert_task(2, 10, {{"submit_time", "'2026-11-22 07:10:00'"}, {"start_time", "NULL"}});
    insert_task(3, 10, {{"flag", "0"}, {"end_time", "'2026-11-22 08:00:00'"}});
    insert_task(4, 11, {{"submit_time", "NULL"}, {"start_time", "NULL"}});
    insert_task(5, 12);
    const auto found = store().activity(Ids{10, 11, 99});
    EXPECT_THAT(found, SizeIs(2));
    EXPECT_EQ(found.at(10).first_submit.value().epoch_ms(), kNow - 3'598'000);
    EXPECT_EQ(found.at(10).latest.value().epoch_ms(), kNow);
    EXPECT_FALSE(found.at(11).first_submit || found.at(11).latest);
    EXPECT_THAT(store().activity(Ids{}), IsEmpty());
}

TEST_P(StoreTasks, ActivityOfThoseAskedForAloneCloseTogetherOrFarApart) {
    for (const int workflow : {10, 11, 12, 5000}) insert_task(workflow, workflow);
    for (const Ids& asked : {Ids{12, 10}, Ids{10, 5000}, Ids{10}}) {
        std::set<std::int64_t> found;
        for (const auto& [id, activity] : store().activity(asked)) found.insert(id);
        EXPECT_THAT(found, testing::UnorderedElementsAreArray(asked));
    }
}

TEST_P(StoreTasks, ActivityOfAnyNumberOfWorkflows) {
    insert_task(1, 25'000);
    Ids ids;
    for (std::int64_t id = 1; id <= 25'000; ++id) ids.push_back(id);
    EXPECT_THAT(store().activity(ids), SizeIs(1));
}

TEST_P(StoreTasks, UnfinishedOnesOfTheWorkerAreScanned) {
    for (const int state : {0, 1, 6, 7, 8, 9, 17}) {
        insert_task(100 + state, 50, {{"state", std::to_string(state)}});
    }
    insert_task(200, 50, {{"flag", "0"}});
    insert_task(201, 50, {{"host", "'127.0.1.8:1234'"}});
    insert_task(202, 999);
    insert_task(203, 50, {{"workflow_instance_id", "NULL"}});
    Ids ids;
    for (const TaskInstance& task : tasks()) ids.push_back(task.id);
    EXPECT_THAT(ids, ElementsAre(101, 117, 202));
}

TEST_P(StoreTasks, UnfinishedOnesOfWorkflowsAreReadWithWhatTellsWhereTheyAre) {
    for (const int state : {0, 1, 3, 6, 7, 8, 9, 12, 13, 17})
        insert_task(100 + state, 10, {{"state", std::to_string(state)}});
    insert_task(200, 10, invalid());
    insert_task(201, 99);
    insert_task(202, 11,
                {{"task_type", "'SPARK'"},
                 {"app_link", "'application_1,application_2'"},
                 {"pid", "4711"},
                 {"host", "NULL"}});
    for (const bool lock : {false, true}) {
        Transaction transaction(*database_);
        Ids ids;
        const auto found = store().unfinished(Ids{11, 10}, lock);
        for (const UnfinishedTask& one : found) ids.push_back(one.task.id);
        ASSERT_THAT(ids, ElementsAre(100, 101, 108, 112, 117, 202));
        EXPECT_EQ(found[1].task.host, kWorker);
        EXPECT_EQ(found[1].app_link, std::nullopt);
        EXPECT_EQ(found[1].pid, std::nullopt);
        EXPECT_EQ(found[5].task.workflow_instance_id, 11);
        EXPECT_EQ(found[5].task.host, std::nullopt);
        EXPECT_EQ(found[5].type, "SPARK");
        EXPECT_EQ(found[5].app_link, "application_1,application_2");
        EXPECT_EQ(found[5].pid, 4711);
    }
    EXPECT_THAT(store().unfinished(Ids{}, false), IsEmpty());
}

TEST_P(StoreTasks, ThoseThatWaitForASlotAreOfATaskGroupAndNotDispatched) {
    insert_task(1, 10, {{"state", "0"}, {"task_group_id", "3"}});
    insert_task(2, 10, {{"state", "0"}, {"task_group_id", "3"}});
    insert_task(3, 11, {{"state", "0"}, {"task_group_id", "0"}});
    insert_task(4, 12, {{"state", "0"}});
    insert_task(5, 13, {{"task_group_id", "3"}});
    auto changes = invalid();
    changes.insert({{"state", "0"}, {"task_group_id", "3"}});
    insert_task(6, 14, changes);
    EXPECT_THAT(store().waiting_for_slot(Ids{10, 11, 12, 13, 14}), ElementsAre(10));
}

TEST_P(StoreTasks, AreReadWithWhatIsComparedBeforeTheyChange) {
    insert_task(5, 1, {{"state", "17"}});
    insert_task(6, 2, {{"submit_time", "NULL"}});
    const auto found = tasks();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_EQ(found[0].workflow_instance_id, 1);
    EXPECT_EQ(found[0].state, 17);
    EXPECT_EQ(found[0].host, kWorker);
    EXPECT_EQ(found[0].submit_time.value().epoch_ms(), kNow - 3'598'000);
    EXPECT_FALSE(found[1].submit_time);
}

TEST_P(StoreTasks, NamesComeInTheOrderAsked) {
    insert_task(1, 1, {{"name", "'nächtlich \"x\"'"}});
    insert_task(2, 1, {{"name", "NULL"}});
    insert_task(3, 1, {{"name", "'plain'"}});
    EXPECT_THAT(store().names(Ids{3, 99, 1, 2}),
                ElementsAre("plain", std::nullopt, "nächtlich \"x\"", std::nullopt));
}

TEST_P(StoreTasks, WorkersAreComparedAsWritten) {
    insert_workflow(1);
    insert_task(1, 1, {{"host", "'Worker-0.invalid:1234'"}});
    EXPECT_THAT(tasks("worker-0.invalid:1234"), IsEmpty());
    EXPECT_THAT(tasks("Worker-0.invalid:1234"), SizeIs(1));
}

TEST_P(StoreTasks, ABrokenRowIsReported) {
    if (is_mysql()) GTEST_SKIP() << "the server takes nothing but times and zeros";
    insert_workflow(1);
    insert_task(77, 1, {{"submit_time", is_sqlite() ? "'soon'" : "'infinity'"}});
    insert_task(78, 1);
    EXPECT_THAT(tasks(), ElementsAre(Field(&TaskInstance::id, 78)));
    EXPECT_THAT(unreadable_, ElementsAre(Pair(1, AllOf(HasSubstr("t_ds_task_instance.submit_time"),
                                                       HasSubstr("id 77")))));
    EXPECT_THAT([&] { store().activity(Ids{1}); },
                ::testing::ThrowsMessage<EnvironmentError>(
                    AllOf(HasSubstr("submit_time"), HasSubstr("of a workflow"), HasSubstr("1"))));
}

TEST_P(StoreTasks, ACloneIsDispatchedAnew) {
    execute("ALTER TABLE t_ds_task_instance ADD COLUMN of_a_later_release int");
    schema_ = read_schema(*database_);
    insert_workflow(1);
    insert_task(5, 1,
                {{"var_pool", "'[]'"},
                 {"log_path", "'/tmp/log'"},
                 {"execute_path", "'/tmp/execute'"},
                 {"task_params", "'{\"rawScript\":\"sleep\"}'"},
                 {"retry_times", "2"},
                 {"pid", "4711"},
                 {"end_time", "'2026-11-22 07:59:00'"},
                 {"first_submit_time", "'2026-11-22 06:00:00'"},
                 {"of_a_later_release", "42"}});
    const Cells before = rows("SELECT * FROM t_ds_task_instance").at(0);
    EXPECT_THAT(redispatch(tasks()), ElementsAre(5));

    const auto found = rows("SELECT * FROM t_ds_task_instance ORDER BY id");
    ASSERT_THAT(found, SizeIs(2));
    for (std::size_t i = 0; i < schema_.task_instance_columns.size(); ++i) {
        const std::string& column = schema_.task_instance_columns[i];
        const std::optional<std::string>& of_old = found[0][i];
        const std::optional<std::string>& of_clone = found[1][i];
        if (column == "id") {
            EXPECT_EQ(of_old, "5");
            EXPECT_GT(std::stoi(of_clone.value()), 5);
        } else if (column == "state") {
            EXPECT_EQ(of_old, "8");
            EXPECT_EQ(of_clone, "0");
        } else if (column == "flag") {
            EXPECT_EQ(of_old, "0");
            EXPECT_EQ(of_clone, "1");
        } else {
            EXPECT_EQ(of_old, before[i]) << column;
            if (column == "submit_time") {
                EXPECT_THAT(of_clone.value(), ::testing::StartsWith("2026-11-22 08:00:00"));
            } else if (column == "host" || column == "var_pool" || column == "log_path" ||
                       column == "execute_path") {
                EXPECT_EQ(of_clone, std::nullopt) << column;
            } else {
                EXPECT_EQ(of_clone, before[i]) << column;
            }
        }
    }
}

TEST_P(StoreTasks, OneThatChangedSinceIsNotRedispatched) {
    insert_workflow(1);
    const std::vector<std::string> changes = {
        "state = 17",         "state = 7",
        "host = NULL",        "host = 'elsewhere.invalid:1'",
        "flag = 0",           "submit_time = '2026-11-22 07:00:03'",
        "submit_time = NULL", "workflow_instance_id = 2"};
    const auto count = static_cast<std::int64_t>(changes.size());
    for (std::int64_t id = 1; id <= count + 1; ++id) insert_task(id, 1);
    auto read = tasks();
    std::reverse(read.begin(), read.end());
    for (std::int64_t id = 1; id <= count; ++id) {
        execute(fmt::format("UPDATE t_ds_task_instance SET {} WHERE id = {}",
                            changes[static_cast<std::size_t>(id - 1)], id));
    }
    EXPECT_THAT(redispatch(read), ElementsAre(count + 1));
    EXPECT_EQ(value("SELECT COUNT(*) FROM t_ds_task_instance"), std::to_string(count + 2));
    EXPECT_THAT(redispatch(read), IsEmpty());
}

TEST_P(StoreTasks, OneThatAMasterDoesNotSeeIsNotRedispatched) {
    insert_workflow(1);
    insert_task(1, 1);
    const auto read = tasks();
    const auto [column, expression] = *invalid().begin();
    execute(fmt::format("UPDATE t_ds_task_instance SET {} = {}", column, expression));
    EXPECT_THAT(redispatch(read), IsEmpty());
}

TEST_P(StoreTasks, HowTheyStandIsReadById) {
    insert_task(1, 1, {{"state", "8"}, {"flag", "0"}});
    insert_task(2, 1);
    const auto found = store().standing(Ids{1, 2, 3});
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_EQ(found.at(1).state, 8);
    EXPECT_EQ(found.at(1).flag, 0);
    EXPECT_EQ(found.at(2).state, 1);
    EXPECT_EQ(found.at(2).flag, 1);
}

TEST_P(StoreTasks, AreShownAsTheyStandWhateverTheyHold) {
    insert_task(2, 1, {{"workflow_instance_id", "NULL"}, {"state", "NULL"}, {"host", "NULL"}});
    insert_task(1, 1, {{"flag", "0"}, {"submit_time", "NULL"}});
    std::vector<TaskAsStored> found;
    store().scan_as_stored([&](const TaskAsStored& task) { found.push_back(task); });
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_EQ(found[0].id, 1);
    EXPECT_EQ(found[0].name, "task-1");
    EXPECT_EQ(found[0].workflow_instance_id, 1);
    EXPECT_EQ(found[0].state, 1);
    EXPECT_EQ(found[0].host, kWorker);
    EXPECT_EQ(found[0].flag, 0);
    EXPECT_FALSE(found[0].submit_time);
    EXPECT_FALSE(found[1].workflow_instance_id || found[1].state || found[1].host);
    EXPECT_THAT(found[1].submit_time.value(), HasSubstr("2026-11-22 07:00:02"));
}

TEST_P(StoreTasks, TwoValidRowsOfOneNameAreFound) {
    auto invalid_twin = invalid();
    invalid_twin["name"] = "'twin'";
    for (const std::int64_t workflow : {1, 2, 3, 4}) {
        insert_task(workflow * 10, workflow, {{"name", "'twin'"}});
    }
    insert_task(11, 1, {{"name", "'twin'"}});
    insert_task(12, 1, {{"name", "'twin'"}});
    insert_task(21, 2, invalid_twin);
    insert_task(31, 3, {{"name", "'Twin'"}});
    insert_task(41, 4, {{"name", "'twin'"}});
    EXPECT_THAT(store().with_duplicate_tasks(Ids{1, 2, 3, 99}), UnorderedElementsAre(1));
    EXPECT_THAT(store().with_duplicate_tasks(Ids{}), IsEmpty());
}

TEST_P(StoreTasks, SignsAreThoseOfValidTasks) {
    insert_task(1, 1, {{"state", "9"}, {"name", "'a'"}});
    insert_task(2, 1, {{"state", "3"}, {"name", "'b'"}});
    insert_task(3, 2, {{"state", "3"}});
    auto gone = invalid();
    gone["state"] = "9";
    insert_task(4, 2, gone);
    insert_task(5, 3);
    insert_task(6, 4, {{"name", "'twin'"}});
    insert_task(7, 4, {{"name", "'twin'"}});
    insert_task(8, 4, {{"name", "'other'"}});
    const auto found = store().signs(Ids{1, 2, 3, 4});
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_TRUE(found.at(1).killed && found.at(1).paused && !found.at(1).duplicates);
    EXPECT_TRUE(!found.at(2).killed && found.at(2).paused && !found.at(2).duplicates);
    EXPECT_TRUE(!found.at(4).killed && !found.at(4).paused && found.at(4).duplicates);
}

TEST_P(StoreTasks, WhatStandsBetweenTheIdsIsPassedOver) {
    for (const std::int64_t workflow : {1, 2, 3})
        insert_task(workflow * 10, workflow, {{"state", "9"}});
    for (const Ids& ids : {Ids{1, 3}, Ids{3, 1}}) {
        EXPECT_THAT(store().signs(ids), UnorderedElementsAre(Key(1), Key(3)));
        EXPECT_THAT(store().activity(ids), UnorderedElementsAre(Key(1), Key(3)));
    }
    EXPECT_THAT(store().standing(Ids{10, 30}), UnorderedElementsAre(Key(10), Key(30)));
    EXPECT_THAT(store().signs(Ids{2, INT64_MAX}), ElementsAre(Key(2)));
    EXPECT_THAT(store().signs(Ids{INT64_MAX}), IsEmpty());
    EXPECT_THAT(store().signs(Ids{INT64_MIN, 1, INT64_MAX}), ElementsAre(Key(1)));
}

TEST_P(StoreTasks, ActiveSinceIsEveryTaskThatMovedLater) {
    const std::string before = "'2026-11-22 08:00:00'", after = "'2026-11-22 08:00:02'";
    const std::map<std::string, std::string> quiet = {
        {"submit_time", "NULL"}, {"start_time", "NULL"}, {"end_time", before}};
    const auto task = [&](std::int64_t id, std::map<std::string, std::string> changes) {
        changes.insert(quiet.begin(), quiet.end());
        insert_task(id, id, changes);
    };
    task(1, {{"submit_time", after}});
    task(2, {{"start_time", after}, {"flag", "0"}});
    task(3, {{"end_time", after}});
    task(4, {{"submit_time", before}, {"start_time", before}});
    task(5, {{"end_time", "NULL"}});
    insert_task(6, 3, {{"end_time", after}});
    insert_task(7, 8, {{"end_time", after}});
    insert_task(8, 9, {{"end_time", after}, {"workflow_instance_id", "NULL"}});

    EXPECT_THAT(store().active_since(Ids{1, 2, 3, 4, 5, 99}, kNow), UnorderedElementsAre(1, 2, 3));
    EXPECT_THAT(store().active_since(Ids{}, kNow), IsEmpty());
    EXPECT_THAT(store().active_since(Ids{1, 2, 3}, kNow + 2000), IsEmpty());
    std::set<std::int64_t> scanned;
    store().scan_active_since(kNow, [&](std::int64_t id) { scanned.insert(id); });
    EXPECT_THAT(scanned, ElementsAre(1, 2, 3, 8));
}

TEST_P(StoreTasks, OnlyWhatIsCertainlyLaterIsActivity) {
    insert_task(1, 1, {{"end_time", "'2026-11-22 08:00:01'"}});
    // MySQL may have rounded 08:00:00.5 up.
    EXPECT_THAT(store().active_since(Ids{1}, kNow + 400), ElementsAre(1));
    EXPECT_EQ(store().active_since(Ids{1}, kNow + 600).empty(), is_mysql());
    EXPECT_THAT(store().active_since(Ids{1}, kNow + 1000), IsEmpty());
}

TEST_P(StoreTasks, ActivityIsReadInTheZoneOfTheDatabase) {
    zone_ = TimeZone("Europe/Berlin");
    // 2026-10-25 02:30 there: 00:30 or 01:30 UTC.
    constexpr EpochMs kFirst = 1'792'888'200'000;
    for (const auto& [id, time] :
         {std::pair(1, "'2026-10-25 02:30:00'"), std::pair(2, "'2026-10-25 03:00:00'")}) {
        insert_task(id, id, {{"submit_time", time}, {"start_time", "NULL"}});
    }
    EXPECT_THAT(store().active_since(Ids{1, 2}, kFirst - 2000), UnorderedElementsAre(1, 2));
    EXPECT_THAT(store().active_since(Ids{1, 2}, kFirst + 2000), ElementsAre(2));
    EXPECT_THAT(store().active_since(Ids{1, 2}, kFirst + 5'400'000), IsEmpty());
}

class StoreCommands : public StoreFixture {
  protected:
    CommandStore store() { return CommandStore(context()); }

    void insert_command(std::int64_t id, std::int64_t workflow_id,
                        const std::map<std::string, std::string>& changes = {},
                        const std::string& table = "t_ds_command") {
        std::map<std::string, std::string> values = {
            {"id", std::to_string(id)},
            {"workflow_definition_code", "1"},
            {"workflow_instance_id", std::to_string(workflow_id)},
            {"command_type", "2"},
            {"update_time", "'2026-11-22 08:00:00'"}};
        for (const auto& [column, expression] : changes) values[column] = expression;
        insert(table, values);
    }
    void insert_error_command(std::int64_t id, std::int64_t workflow_id,
                              const std::map<std::string, std::string>& changes = {}) {
        insert_command(id, workflow_id, changes, "t_ds_error_command");
    }
};

TEST_P(StoreCommands, AreRemovedAndTheirWorkflowAndItsTasksEnded) {
    insert_workflow(10, {{"state", "4"}, {"end_time", "NULL"}});
    insert_workflow(11);
    insert_task(1, 10);
    insert_task(2, 10, {{"end_time", "'2026-11-22 07:10:00'"}});
    insert_task(3, 10);
    insert_command(100, 10);
    insert_command(101, 11);
    WorkflowInstanceStore workflows(context());
    TaskInstanceStore tasks(context());
    CommandStore commands(context());
    const std::string end = "2026-11-22 07:59:59";
    Transaction transaction(*database_);
    EXPECT_FALSE(commands.remove(100, 11)) << "it is another's";
    EXPECT_TRUE(commands.remove(100, 10));
    EXPECT_FALSE(commands.remove(100, 10));
    workflows.end(10, 5, end);
    tasks.end(Ids{1, 2}, 9, end);
    tasks.end(Ids{}, 9, end);
    transaction.commit();
    const auto texts = [&](const std::string& sql) {
        std::vector<std::string> found;
        const Rows rows = database_->query(sql);
        for (std::size_t i = 0; i < rows.size(); ++i)
            found.push_back(rows[i].optional_text(0).value_or("-").substr(0, 19));
        return found;
    };
    EXPECT_THAT(texts("SELECT state FROM t_ds_workflow_instance ORDER BY id"),
                ElementsAre("5", "1"));
    EXPECT_THAT(texts("SELECT end_time FROM t_ds_workflow_instance WHERE id = 10"),
                ElementsAre(end));
    EXPECT_THAT(texts("SELECT state FROM t_ds_task_instance ORDER BY id"),
                ElementsAre("9", "9", "1"));
    EXPECT_THAT(texts("SELECT end_time FROM t_ds_task_instance ORDER BY id"),
                ElementsAre(end, end, "-"));
    EXPECT_THAT(texts("SELECT id FROM t_ds_command"), ElementsAre("101"));
}

TEST_P(StoreCommands, OneThatAMasterTakesRightNowIsNotRemovedForExchange) {
    if (database_->dialect().locks_whole_file()) GTEST_SKIP() << "one writes at a time";
    settings_.lock_timeout = Millis(10'000);
    insert_command(100, 10);
    const auto master = another();
    const auto ours = another();
    Transaction theirs(*master);
    master->execute("DELETE FROM t_ds_command WHERE id = 100");
    auto removed = std::async(std::launch::async, [&] {
        Transaction transaction(*ours);
        return CommandStore(context(*ours)).take_out(100, 10).has_value();
    });
    EXPECT_EQ(removed.wait_for(Millis(300)), std::future_status::timeout);
    theirs.commit();
    EXPECT_FALSE(removed.get());
}

TEST_P(StoreCommands, WaitingOnesAreFoundByWorkflow) {
    insert_command(1, 10);
    insert_command(2, 10, {{"command_type", "3"}, {"update_time", "NULL"}});
    insert_command(3, 11);
    auto found = store().for_workflows(Ids{10, 12});
    ASSERT_THAT(found, SizeIs(2));
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    EXPECT_EQ(found[0].workflow_instance_id, 10);
    EXPECT_EQ(found[0].command_type, 2);
    EXPECT_EQ(found[0].update_time, kNow);
    EXPECT_EQ(found[1].id, 2);
    EXPECT_EQ(found[1].command_type, 3);
    EXPECT_EQ(found[1].update_time, std::nullopt);
}

TEST_P(StoreCommands, ThoseBehindAnIdAreFoundWithTheirPriority) {
    insert_command(1, 10);
    insert_command(2, 10, {{"workflow_instance_priority", "4"}});
    insert_command(3, 10, {{"workflow_instance_priority", "NULL"}});
    auto found = store().for_workflows(Ids{10}, 1);
    ASSERT_THAT(found, SizeIs(2));
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    EXPECT_EQ(found[0].priority, 4);
    EXPECT_EQ(found[1].priority, kMediumPriority);
    EXPECT_THAT(store().for_workflows(Ids{10}, 3), IsEmpty());
}

TEST_P(StoreCommands, OneOfAnyTypeIsTakenOutAndInsertedAgainAsItWas) {
    insert_command(100, 10,
                   {{"command_type", "6"},
                    {"worker_group", "'täglich ☃'"},
                    {"command_param", "NULL"},
                    {"workflow_instance_priority", "0"}});
    const auto columns = [&](std::int64_t id) {
        const Rows rows = database_->query(
            "SELECT command_type, worker_group, command_param, workflow_instance_priority, "
            "schedule_time, workflow_instance_id FROM t_ds_command WHERE id = ?",
            {id});
        std::vector<std::optional<std::string>> values;
        for (std::size_t i = 0; i < 6; ++i) values.push_back(rows[0].optional_text(i));
        return values;
    };
    const auto before = columns(100);
    Transaction transaction(*database_);
    EXPECT_EQ(store().take_out(100, 11), std::nullopt) << "another workflow's";
    const auto row = store().take_out(100, 10);
    ASSERT_TRUE(row);
    EXPECT_EQ(store().take_out(100, 10), std::nullopt) << "it is gone";
    const std::int64_t id = store().insert_again(*row, kNow);
    transaction.commit();
    EXPECT_NE(id, 100);
    EXPECT_EQ(columns(id), before);
    EXPECT_THAT(store().still_waiting(Ids{100, id}), UnorderedElementsAre(id));
}

TEST_P(StoreCommands, ThoseThatStillWaitAreFoundById) {
    insert_command(1, 10);
    insert_command(3, 11);
    EXPECT_THAT(store().still_waiting(Ids{1, 2, 3, 4}), UnorderedElementsAre(1, 3));
    EXPECT_THAT(store().still_waiting(Ids{}), IsEmpty());
}

TEST_P(StoreCommands, FailedOnesKeepTheirIdAndSayWhy) {
    insert_error_command(7, 10,
                         {{"message", "'Duplicate key\nat Line'"}, {"command_param", "'{}'"}});
    insert_error_command(8, 10, {{"workflow_instance_id", "NULL"}});
    const auto found = store().failed(Ids{6, 7});
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].workflow_instance_id, 10);
    EXPECT_EQ(found[0].command_type, 2);
    EXPECT_EQ(found[0].command_param, "{}");
    EXPECT_EQ(found[0].message, "Duplicate key\nat Line");
    EXPECT_THAT(store().failed(Ids{8}), SizeIs(1));
}

TEST_P(StoreCommands, AreShownAsTheyStandWhateverTheyHold) {
    insert_command(2, 10, {{"workflow_instance_id", "NULL"}, {"update_time", "NULL"}});
    insert_command(1, 0, {{"command_param", "'{}'"}});
    insert_error_command(3, 10, {{"message", "'no'"}});
    std::vector<CommandAsStored> found;
    const auto add = [&](const CommandAsStored& command) { found.push_back(command); };
    store().scan_as_stored(add);
    store().scan_failed_as_stored(add);
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_EQ(found[0].id, 1);
    EXPECT_EQ(found[0].command_type, 2);
    EXPECT_EQ(found[0].workflow_instance_id, 0);
    EXPECT_EQ(found[0].command_param, "{}");
    EXPECT_THAT(found[0].update_time.value(), HasSubstr("2026-11-22 08:00:00"));
    EXPECT_FALSE(found[1].workflow_instance_id || found[1].command_param || found[1].update_time ||
                 found[1].message);
    EXPECT_EQ(found[2].id, 3);
    EXPECT_EQ(found[2].message, "no");
}

TEST_P(StoreCommands, TheNewestFailedOneOfAWorkflowCounts) {
    insert_error_command(5, 10, {{"message", "'old'"}});
    insert_error_command(9, 10, {{"message", "'new'"}});
    insert_error_command(7, 10, {{"message", "'older'"}});
    insert_error_command(6, 11);
    const auto found = newest_of_each(store().failed_for_workflows(Ids{10, 12}));
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found.at(10).id, 9);
    EXPECT_EQ(found.at(10).message, "new");
    EXPECT_THAT(store().failed_for_workflows(Ids{10, 12}), SizeIs(3));
}

TEST_P(StoreCommands, ARecoveryOfAHostIsNoticed) {
    const std::string host = "127.0.1.1:5678";
    insert_workflow(10);
    insert_workflow(11, {{"host", "'127.0.1.2:5678'"}});
    EXPECT_EQ(store().highest_id(), 0);
    insert_command(4, 10);
    insert_error_command(3, 10);
    EXPECT_EQ(store().highest_id(), 4);
    insert_command(5, 11);
    insert_command(6, 10, {{"command_type", "0"}});
    EXPECT_FALSE(store().recovery_command_since(host, 4));
    EXPECT_TRUE(store().recovery_command_since(host, 3));
    insert_error_command(7, 10);
    EXPECT_TRUE(store().recovery_command_since(host, 6));
    EXPECT_EQ(store().highest_id(), 7);
}

using IdPairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

TEST_P(StoreCommands, IdsOfAllAreScanned) {
    insert_command(1, 10);
    insert_command(2, 10, {{"command_type", "0"}});
    insert_command(3, 0, {{"workflow_instance_id", "NULL"}});
    IdPairs found;
    store().scan_ids([&](auto id, auto workflow_id) { found.emplace_back(id, workflow_id); });
    EXPECT_THAT(found, UnorderedElementsAre(std::pair(1, 10), std::pair(2, 10), std::pair(3, 0)));
}

TEST_P(StoreCommands, NewerOnesAreReadWithinATransaction) {
    for (std::int64_t id = 1; id <= 9; ++id) insert_command(id, 10 + id);
    execute("UPDATE t_ds_command SET workflow_instance_id = NULL WHERE id = 8");
    const auto newer = [&](std::int64_t after, std::int64_t first, std::int64_t last) {
        IdPairs found;
        const Transaction transaction(*database_);
        const IdRange own{first, last};
        store().newer_than(after, {&own, 1},
                           [&](auto id, auto workflow_id) { found.emplace_back(id, workflow_id); });
        return found;
    };
    EXPECT_THAT(newer(7, 0, 0), ElementsAre(std::pair(8, 0), std::pair(9, 19)));
    EXPECT_THAT(newer(4, 6, 8), ElementsAre(std::pair(5, 15), std::pair(9, 19)));
    EXPECT_THAT(newer(-1000, 2, 8), ElementsAre(std::pair(1, 11), std::pair(9, 19)));
    EXPECT_THAT(newer(9, 0, 0), IsEmpty());
}

TEST_P(StoreCommands, NewerOnesAreReadInPages) {
    {
        Transaction transaction(*database_);
        std::string values;
        for (std::int64_t id = 1; id <= 20'000; ++id) {
            values += fmt::format("{}({}, 1, 2, {})", values.empty() ? "" : ",", id, id);
        }
        execute(
            "INSERT INTO t_ds_command (id, workflow_definition_code, command_type, "
            "workflow_instance_id) VALUES " +
            values);
        transaction.commit();
    }
    std::int64_t expected = 1;
    store().newer_than(0, {}, [&](auto id, auto) { EXPECT_EQ(id, expected++); });
    EXPECT_EQ(expected, 20'001);
}

// What stands in the way of a second command: ours are inserted, the rows locked.
TEST_P(StoreCommands, OthersCommandsAreSeenUnderTheLock) {
    for (std::int64_t id = 1; id <= 4; ++id) insert_workflow(id);
    insert_command(5, 1);
    CommandWatch watch;
    auto commands = store();
    watch.look(commands);
    EXPECT_TRUE(watch.seen(1));
    execute("DELETE FROM t_ds_command");
    insert_command(6, 3, {{"command_type", "0"}});

    WorkflowInstanceStore workflows(context());
    std::vector<WorkflowInstance> instances;
    workflows.scan_unfinished({}, [&](const auto& one) { instances.push_back(one); });
    ASSERT_THAT(instances, SizeIs(4));
    {
        Transaction transaction(*database_);
        const auto ours = workflows.fail_over(instances, {kNow});
        ASSERT_THAT(ours, SizeIs(4));
        EXPECT_THAT(watch.look_locked(commands, ours), ElementsAre(3));
    }
    execute("DELETE FROM t_ds_command");
    Transaction transaction(*database_);
    const auto ours = workflows.fail_over(instances, {kNow});
    EXPECT_THAT(watch.look_locked(commands, ours), ElementsAre(3)) << "seen since the last look";
    transaction.commit();
    watch.committed(ours);
    watch.look(commands);
    EXPECT_EQ(watch.seen(2), !is_sqlite());
}

INSTANTIATE_TEST_SUITE_P(EveryDatabase, StoreTasks, ::testing::ValuesIn(kStoreCases), case_name);
INSTANTIATE_TEST_SUITE_P(EveryDatabase, StoreCommands, ::testing::ValuesIn(kStoreCases), case_name);

}  // namespace
}  // namespace dsfailover
