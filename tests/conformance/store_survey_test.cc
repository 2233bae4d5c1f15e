// What status reads: tasks, runs of a definition, and commands, on every database.
#include <gmock/gmock.h>

#include <numeric>

#include "conformance/store_fixture.h"
#include "store/command_store.h"
#include "store/definition_runs.h"
#include "store/task_survey.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr EpochMs kSevenOClock = 1'795'330'800'000;  // 2026-11-22 07:00:00 UTC

class StoreSurvey : public StoreFixture {
  protected:
    std::map<std::int64_t, SurveyedTask> survey(const std::vector<std::int64_t>& workflows) {
        std::map<std::int64_t, SurveyedTask> tasks;
        survey_tasks(context(), workflows, [&](const SurveyedTask& task) {
            EXPECT_TRUE(tasks.emplace(task.id, task).second) << task.id << " twice";
        });
        return tasks;
    }
};

TEST_P(StoreSurvey, EveryTaskOfTheseWorkflowsIsThere) {
    insert_task(1, 10);
    insert_task(2, 10, {{"state", "7"}, {"end_time", "'2026-11-22 07:00:09'"}});
    insert_task(3, 11, {{"flag", "0"}});
    insert_task(4, 12);
    // More than go into one statement, most of which are of no workflow.
    std::vector<std::int64_t> workflows(25'000);
    std::iota(workflows.begin(), workflows.end(), 1000);
    workflows.front() = 10;
    workflows.back() = 11;
    const auto tasks = survey(workflows);
    ASSERT_THAT(tasks, ElementsAre(Pair(1, testing::_), Pair(2, testing::_), Pair(3, testing::_)));
    EXPECT_EQ(tasks.at(1).workflow_instance_id, 10);
    EXPECT_TRUE(tasks.at(1).valid);
    EXPECT_FALSE(tasks.at(3).valid);
    EXPECT_EQ(tasks.at(1).submit_time, kSevenOClock + 2000);
    EXPECT_EQ(tasks.at(1).latest, kSevenOClock + 3000);
    EXPECT_EQ(tasks.at(2).latest, kSevenOClock + 9000);
    EXPECT_EQ(tasks.at(2).state, 7);
    EXPECT_THAT(survey({}), IsEmpty());
}

TEST_P(StoreSurvey, ATaskIsReadAsItIsStored) {
    insert_task(1, 10,
                {{"host", "'127.0.1.9:1234'"},
                 {"task_type", "'SUB_WORKFLOW'"},
                 {"worker_group", "'Größe ''1'''"},
                 {"task_group_id", "4"}});
    insert_task(2, 10,
                {{"host", "NULL"},
                 {"worker_group", "NULL"},
                 {"task_group_id", "0"},
                 {"submit_time", "NULL"},
                 {"start_time", "NULL"}});
    const auto tasks = survey({10});
    EXPECT_EQ(tasks.at(1).host, "127.0.1.9:1234");
    EXPECT_EQ(tasks.at(1).type, "SUB_WORKFLOW");
    EXPECT_EQ(tasks.at(1).worker_group, "Größe '1'");
    EXPECT_TRUE(tasks.at(1).in_task_group);
    EXPECT_EQ(tasks.at(2).host, std::nullopt);
    EXPECT_EQ(tasks.at(2).worker_group, std::nullopt);
    EXPECT_FALSE(tasks.at(2).in_task_group);
    EXPECT_EQ(tasks.at(2).submit_time, std::nullopt);
    EXPECT_EQ(tasks.at(2).latest, std::nullopt);
}

TEST_P(StoreSurvey, TimesAreOfTheZone) {
    zone_ = TimeZone("Asia/Shanghai");
    insert_task(1, 10);
    EXPECT_EQ(survey({10}).at(1).submit_time, kSevenOClock + 2000 - 8 * 3'600'000);
}

TEST_P(StoreSurvey, WhoLostThePlaceInTheQueueOfATaskGroup) {
    execute("CREATE TABLE t_ds_task_group_queue (id INTEGER PRIMARY KEY, task_id INTEGER)");
    execute("INSERT INTO t_ds_task_group_queue VALUES (1, 7), (2, 9), (3, NULL)");
    EXPECT_TRUE(read_schema(*database_).has_task_group_queue);
    std::vector<std::int64_t> tasks(25'000);
    std::iota(tasks.begin(), tasks.end(), 1000);
    tasks.front() = 7;
    tasks.back() = 9;
    const auto lost = not_in_task_group_queue(context(), tasks);
    EXPECT_EQ(lost, std::vector(tasks.begin() + 1, tasks.end() - 1));
    EXPECT_THAT(not_in_task_group_queue(context(), {}), IsEmpty());
}

TEST_P(StoreSurvey, WorkerGroupsHaveTheirAddresses) {
    execute(
        "CREATE TABLE t_ds_worker_group (id INTEGER PRIMARY KEY, name VARCHAR(255) NOT NULL, "
        "addr_list TEXT)");
    execute(
        "INSERT INTO t_ds_worker_group VALUES (1, 'one', '127.0.1.9:1234,127.0.1.8:1234'), "
        "(2, 'none', '')");
    EXPECT_TRUE(read_schema(*database_).has_worker_groups);
    std::map<std::string, std::vector<std::string>> groups;
    for (const WorkerGroup& group : worker_groups(context())) groups[group.name] = group.addresses;
    EXPECT_THAT(groups, ElementsAre(Pair("none", IsEmpty()),
                                    Pair("one", ElementsAre("127.0.1.9:1234", "127.0.1.8:1234"))));
}

TEST_P(StoreSurvey, TheDefinitionsOfWorkflows) {
    insert_workflow(1);
    insert_workflow(2, {{"workflow_definition_code", "14000000000001"}});
    insert_workflow(3);
    std::vector<std::int64_t> ids(25'000);
    std::iota(ids.begin(), ids.end(), 1000);
    ids.front() = 1;
    ids.back() = 2;
    EXPECT_THAT(definitions_of(context(), ids),
                UnorderedElementsAre(Pair(1, 1'000'000'000'001), Pair(2, 14'000'000'000'001)));
    EXPECT_THAT(definitions_of(context(), {}), IsEmpty());
}

TEST_P(StoreSurvey, TheLastEndOfARunOfADefinition) {
    const auto run = [&](std::int64_t id, const std::string& code, const std::string& state,
                         const std::string& end) {
        insert_workflow(id,
                        {{"workflow_definition_code", code}, {"state", state}, {"end_time", end}});
    };
    run(1, "5", "7", "'2026-11-22 07:00:01'");
    run(2, "5", "6", "'2026-11-22 07:00:09'");
    run(3, "5", "5", "NULL");
    run(4, "5", "1", "'2026-11-22 08:00:00'");  // it has not ended, whatever its row says
    run(5, "6", "5", "'2026-11-22 07:00:03'");
    run(6, "7", "7", "NULL");
    run(7, "8", "7", "'2026-11-22 07:00:04'");  // of no definition that is asked for
    const std::vector<std::int64_t> codes = {5, 6, 7, 99};
    EXPECT_THAT(last_ends(context(), codes),
                UnorderedElementsAre(Pair(5, kSevenOClock + 9000), Pair(6, kSevenOClock + 3000)));
    EXPECT_THAT(last_ends(context(), {}), IsEmpty());
}

TEST_P(StoreSurvey, EveryCommandThatWaits) {
    const auto command = [&](std::int64_t id, const std::string& type, const std::string& workflow,
                             const std::string& update_time, const std::string& priority) {
        insert("t_ds_command", {{"id", std::to_string(id)},
                                {"command_type", type},
                                {"workflow_definition_code", "1"},
                                {"workflow_instance_id", workflow},
                                {"executor_id", "0"},
                                {"update_time", update_time},
                                {"workflow_instance_priority", priority}});
    };
    command(1, "2", "17", "'2026-11-22 07:00:05'", "0");
    command(2, "6", "0", "'2026-11-22 07:00:06'", "NULL");
    std::map<std::int64_t, WaitingCommand> commands;
    CommandStore(context()).scan([&](const WaitingCommand& each) { commands[each.id] = each; });
    ASSERT_EQ(commands.size(), 2U);
    EXPECT_EQ(commands[1].command_type, 2);
    EXPECT_EQ(commands[1].workflow_instance_id, 17);
    EXPECT_EQ(commands[1].update_time, kSevenOClock + 5000);
    EXPECT_EQ(commands[1].priority, 0);
    EXPECT_EQ(commands[2].command_type, 6);
    EXPECT_EQ(commands[2].workflow_instance_id, 0);
    EXPECT_EQ(commands[2].priority, kMediumPriority);
}

INSTANTIATE_TEST_SUITE_P(EveryDatabase, StoreSurvey, ::testing::ValuesIn(kStoreCases), case_name);

}  // namespace
}  // namespace dsfailover
