// What the tables know of an address, on every database.
#include <gmock/gmock.h>

#include "conformance/store_fixture.h"
#include "store/host_use.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kAddress = "Master-0.invalid:5678";

class StoreHostUse : public StoreFixture {
  protected:
    /// "recent_workflow unfinished_workflow recent_task unfinished_task", as 0 and 1.
    std::string use(const std::string& address = kAddress) {
        const HostUse found = host_use(context(), address);
        return fmt::format("{:d}{:d}{:d}{:d}", found.recent_workflow, found.unfinished_workflow,
                           found.recent_task, found.unfinished_task);
    }
    /// Enough rows behind those there are to make them old.
    void bury(const std::string& table) {
        const bool of_tasks = table == "t_ds_task_instance";
        const std::string columns = of_tasks ? "id, state, name, task_type, task_code"
                                             : "id, state, workflow_definition_code, executor_id";
        const std::string values = of_tasks ? "i, 7, 'x', 'SHELL', 1" : "i, 7, 1, 1";
        const std::string numbers[] = {
            "(WITH RECURSIVE n(i) AS (VALUES (1001) UNION ALL SELECT i + 1 FROM n WHERE "
            "i < 101000) SELECT i FROM n) n",
            "generate_series(1001, 101000) i", "(SELECT seq AS i FROM seq_1001_to_101000) n"};
        execute(fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}", table, columns, values,
                            numbers[static_cast<std::size_t>(type())]));
    }
};

TEST_P(StoreHostUse, NothingKnowsAnAddressThatIsNowhere) {
    insert_workflow(1);
    insert_task(1, 1);
    EXPECT_EQ(use(), "0000");
    EXPECT_EQ(use(""), "0000");
}

TEST_P(StoreHostUse, AHostIsComparedAsWritten) {
    insert_workflow(1, {{"host", "'master-0.invalid:5678'"}});
    insert_workflow(2, {{"host", "'Master-0.invalid:5678 '"}});
    insert_task(1, 1, {{"host", "'MASTER-0.invalid:5678'"}});
    EXPECT_EQ(use(), "0000");
    insert_workflow(3, {{"host", "'Master-0.invalid:5678'"}, {"state", "7"}});
    EXPECT_EQ(use(), "1000");
}

TEST_P(StoreHostUse, TasksAreAskedIfNoWorkflowNamesIt) {
    insert_task(1, 1, {{"host", "'Master-0.invalid:5678'"}, {"state", "7"}});
    EXPECT_EQ(use(), "0010");
    insert_workflow(1, {{"host", "'Master-0.invalid:5678'"}});
    EXPECT_EQ(use(), "1000");
}

TEST_P(StoreHostUse, OldWorkflowsCountIfUnfinished) {
    if (!GetParam().has_test_flag) GTEST_SKIP() << "the same, and slow to fill";
    insert_workflow(1, {{"host", "'Master-0.invalid:5678'"}, {"state", "7"}});
    bury("t_ds_workflow_instance");
    EXPECT_EQ(use(), "0000");
    for (const char* state : {"1", "2", "4", "18"}) {
        execute(fmt::format("UPDATE t_ds_workflow_instance SET state = {} WHERE id = 1", state));
        EXPECT_EQ(use(), "0100") << state;
    }
    execute("UPDATE t_ds_workflow_instance SET state = 0 WHERE id = 1");
    EXPECT_EQ(use(), "0000");
}

TEST_P(StoreHostUse, OldTasksCountIfUnfinishedAndValid) {
    if (!GetParam().has_test_flag) GTEST_SKIP() << "the same, and slow to fill";
    insert_task(1, 1, {{"host", "'Master-0.invalid:5678'"}, {"state", "7"}});
    bury("t_ds_task_instance");
    for (const int state : {0, 1, 3, 6, 7, 8, 9, 12, 13, 17}) {
        execute(fmt::format("UPDATE t_ds_task_instance SET state = {} WHERE id = 1", state));
        const bool finished = state == 3 || state == 6 || state == 7 || state == 9 || state == 13;
        EXPECT_EQ(use(), finished ? "0000" : "0001") << state;
    }
    execute("UPDATE t_ds_task_instance SET state = 1, flag = 0 WHERE id = 1");
    EXPECT_EQ(use(), "0000");
}

TEST_P(StoreHostUse, RecentHostsAreNamedOnce) {
    EXPECT_THAT(recent_hosts(context()), IsEmpty());
    insert_workflow(1);
    insert_workflow(2);
    insert_workflow(3, {{"host", "NULL"}});
    insert_workflow(4, {{"host", "''"}});
    insert_workflow(5, {{"host", "'a.invalid:1'"}});
    insert_workflow(6, {{"host", "'A.invalid:1'"}});
    insert_task(1, 1);
    insert_task(2, 1, {{"host", "'127.0.1.1:5678'"}});
    EXPECT_THAT(recent_hosts(context()),
                ElementsAre("127.0.1.1:5678", "127.0.1.9:1234", "A.invalid:1", "a.invalid:1"));
}

INSTANTIATE_TEST_SUITE_P(EveryDatabase, StoreHostUse, ::testing::ValuesIn(kStoreCases), case_name);

}  // namespace
}  // namespace dsfailover
