// What is read of workflow instances, and what a failover writes, on every database.
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <map>
#include <random>

#include "base/error.h"
#include "conformance/store_fixture.h"
#include "coordinator/failover/failover_stamps.h"
#include "store/command_param.h"
#include "store/command_store.h"
#include "store/relation_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;
using Ids = std::vector<std::int64_t>;

const std::string kDead = "127.0.1.1:5678";
// 2026-11-22T08:00:00Z, a whole second, so that every database keeps it.
constexpr EpochMs kStamp = 1'795'334'400'000;

class StoreWorkflows : public StoreFixture {
  protected:
    WorkflowInstanceStore store() { return WorkflowInstanceStore(context()); }

    std::vector<WorkflowInstance> scan(const std::vector<std::string>& hosts) {
        std::vector<WorkflowInstance> found;
        store().scan_unfinished(hosts, [&](const auto& instance) { found.push_back(instance); });
        std::sort(found.begin(), found.end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
        return found;
    }
    std::vector<std::int64_t> scanned_ids(const std::vector<std::string>& hosts) {
        std::vector<std::int64_t> ids;
        for (const auto& instance : scan(hosts)) ids.push_back(instance.id);
        return ids;
    }
    WorkflowInstance read(std::int64_t id) {
        const std::int64_t ids[] = {id};
        auto found = store().by_ids(ids, false);
        EXPECT_EQ(found.size(), 1U);
        return found.at(0);
    }
    std::vector<std::int64_t> fail_over(const std::vector<WorkflowInstance>& instances) {
        std::vector<std::int64_t> ids;
        Transaction transaction(*database_);
        for (const FailedOver& done : store().fail_over(instances, {kStamp}))
            ids.push_back(done.id);
        transaction.commit();
        std::sort(ids.begin(), ids.end());
        return ids;
    }
    Settled settled(const WorkflowInstance& instance) {
        const auto again = another();
        const WorkflowInstance instances[] = {instance};
        Transaction transaction(*again);
        return WorkflowInstanceStore(context(*again)).settle(instances, kStamp).at(0);
    }
    /// The instances with the versions that their rows have now: what else they hold decides then.
    std::vector<WorkflowInstance> with_present_versions(std::vector<WorkflowInstance> instances) {
        for (WorkflowInstance& instance : instances) {
            const std::int64_t ids[] = {instance.id};
            for (const auto& row : store().by_ids(ids, false)) instance.version = row.version;
        }
        return instances;
    }
    void set(std::int64_t id, const std::string& assignment) {
        execute(fmt::format("UPDATE t_ds_workflow_instance SET {} WHERE id = {}", assignment, id));
    }
    std::string commands() { return value("SELECT COUNT(*) FROM t_ds_command").value(); }
};

// -- reading

TEST_P(StoreWorkflows, ThoseWhoseCommandParamHasNoCommandTypeAreFound) {
    insert_workflow(1, {{"command_param", R"('{"commandType":"SCHEDULER"}')"}});
    insert_workflow(2, {{"command_param", R"('{"schedule_timezone":"Asia/Shanghai"}')"}});
    insert_workflow(3, {{"command_param", "NULL"}});
    insert_workflow(4, {{"command_param", "'[]'"}});
    const std::int64_t ids[] = {1, 2, 3, 5};
    auto found = store().without_command_type(ids);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, (std::vector<std::int64_t>{2, 3}));
}

TEST_P(StoreWorkflows, ThoseInFailoverAreScannedWithTheirCommandParam) {
    insert_workflow(1, {{"state", "18"}, {"command_param", R"('{"commandType":"SCHEDULER"}')"}});
    insert_workflow(2, {{"state", "18"}, {"command_param", "NULL"}, {"host", "NULL"}});
    insert_workflow(3);
    std::map<std::int64_t, std::string> params;
    std::vector<WorkflowInstance> found;
    store().scan_in_failover([&](const WorkflowInstanceStore::InFailover& instance) {
        found.push_back(instance.row);
        params[instance.row.id] = instance.command_param;
    });
    for (const WorkflowInstance& instance : found)
        EXPECT_TRUE(is_as_read(read(instance.id), instance));
    EXPECT_EQ(params, (std::map<std::int64_t, std::string>{{1, R"({"commandType":"SCHEDULER"})"},
                                                           {2, ""}}));
}

TEST_P(StoreWorkflows, OfThoseInFailoverItIsSaidWhichHaveACommand) {
    insert_workflow(1, {{"state", "18"}});
    insert_workflow(2, {{"state", "18"}, {"host", "NULL"}});
    insert_workflow(3, {{"state", "18"}, {"host", "'127.0.1.3:5678'"}});
    insert_workflow(4, {{"host", "'127.0.1.4:5678'"}});
    const auto command = [&](int id, const std::string& workflow) {
        insert("t_ds_command", {{"id", std::to_string(id)},
                                {"workflow_definition_code", "1"},
                                {"command_type", "2"},
                                {"workflow_instance_id", workflow}});
    };
    command(31, "3");
    command(32, "3");
    command(41, "4");
    if (!is_mysql()) command(51, "NULL");
    std::map<std::int64_t, bool> has_command;
    store().scan_in_failover([&](const WorkflowInstanceStore::InFailover& instance) {
        const bool is_new = has_command.emplace(instance.row.id, instance.has_command).second;
        EXPECT_TRUE(is_new);
    });
    EXPECT_EQ(has_command, (std::map<std::int64_t, bool>{{1, false}, {2, false}, {3, true}}));
    EXPECT_THAT(store().hosts_without_command(), UnorderedElementsAre(kDead, ""));
}

TEST_P(StoreWorkflows, UnfinishedOnesOfTheHostsAreScanned) {
    for (const int state : {0, 1, 2, 3, 4, 5, 6, 7, 14, 18}) {
        insert_workflow(100 + state, {{"state", std::to_string(state)}});
    }
    insert_workflow(1, {{"host", "'127.0.1.2:5678'"}});
    insert_workflow(2, {{"host", "'127.0.1.3:5678'"}});
    EXPECT_THAT(scanned_ids({kDead}), ElementsAre(101, 102, 104));
    EXPECT_THAT(scanned_ids({kDead, "127.0.1.3:5678"}), ElementsAre(2, 101, 102, 104));
}

TEST_P(StoreWorkflows, ThoseInFailoverAreScannedInTheSameScanIfWanted) {
    for (const int state : {1, 7, 18}) {
        insert_workflow(100 + state, {{"state", std::to_string(state)}});
        insert_workflow(200 + state, {{"state", std::to_string(state)}, {"host", "'x.invalid:1'"}});
    }
    std::vector<std::int64_t> ids;
    const auto take = [&](const WorkflowInstance& instance) { ids.push_back(instance.id); };
    store().scan_with_failover(std::vector{kDead}, {}, take);
    EXPECT_THAT(ids, ::testing::UnorderedElementsAre(101, 118));
    ids.clear();
    store().scan_with_failover({}, {}, take);
    EXPECT_THAT(ids, ::testing::UnorderedElementsAre(101, 118, 201, 218));
}

TEST_P(StoreWorkflows, WithoutHostsAllAreScannedThoseWithoutAHostToo) {
    insert_workflow(1);
    insert_workflow(2, {{"host", "NULL"}});
    insert_workflow(3, {{"host", "''"}});
    EXPECT_THAT(scanned_ids({}), ElementsAre(1, 2, 3));
    EXPECT_EQ(scan({})[1].host, std::nullopt);
    EXPECT_EQ(scan({})[2].host, "");
}

TEST_P(StoreWorkflows, HostsAreComparedAsWritten) {
    insert_workflow(1, {{"host", "'master-0.invalid:5678'"}});
    insert_workflow(2, {{"host", "'Master-0.invalid:5678'"}});
    insert_workflow(3, {{"host", "'master-0.invalid:5678 '"}});
    EXPECT_THAT(scanned_ids({"master-0.invalid:5678"}), ElementsAre(1));
}

TEST_P(StoreWorkflows, EveryColumnThatDecidesIsRead) {
    insert_workflow(
        1, {{"state", "4"}, {"restart_time", "'2026-11-22 07:30:00'"}, {"command_type", "3"}});
    insert_workflow(2, {{"start_time", "NULL"}, {"command_type", "NULL"}});
    const auto found = scan({kDead});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].host, kDead);
    EXPECT_EQ(found[0].state, 4);
    EXPECT_EQ(found[0].start_time.value().epoch_ms(), kStamp - 3'600'000);
    EXPECT_EQ(found[0].restart_time.value().epoch_ms(), kStamp - 1'800'000);
    EXPECT_EQ(found[0].command_type, 3);
    EXPECT_EQ(found[0].last_start().value().text, found[0].restart_time.value().text);
    EXPECT_FALSE(found[1].start_time || found[1].restart_time || found[1].command_type ||
                 found[1].last_start());
}

TEST_P(StoreWorkflows, OtherStatesCanBeScanned) {
    insert_workflow(1);
    insert_workflow(2, {{"state", "18"}, {"host", "NULL"}});
    std::vector<std::int64_t> ids;
    const int states[] = {18, 7};
    store().scan_states(states, [&](const auto& instance) { ids.push_back(instance.id); });
    EXPECT_THAT(ids, ElementsAre(2));
    insert_workflow(3, {{"state", "5"}});
    ids.clear();
    store().scan_as_stored([&](const auto& instance) { ids.push_back(instance.id); });
    EXPECT_THAT(ids, UnorderedElementsAre(1, 2, 3));
}

TEST_P(StoreWorkflows, ParentsAndChildrenAreRead) {
    for (const auto& [parent, child] : {std::pair("9", "10"), {"8", "10"}, {"9", "NULL"}})
        insert("t_ds_relation_workflow_instance",
               {{"parent_workflow_instance_id", parent}, {"workflow_instance_id", child}});
    insert("t_ds_relation_workflow_instance", {{"workflow_instance_id", "10"}});
    const auto relation = [](std::int64_t parent, std::int64_t child) {
        return AllOf(Field(&WorkflowRelation::parent_id, parent),
                     Field(&WorkflowRelation::child_id, child));
    };
    EXPECT_THAT(children_of(context(), Ids{9}), ElementsAre(relation(9, 10)));
    EXPECT_THAT(parents_of(context(), Ids{9, 10}),
                UnorderedElementsAre(relation(8, 10), relation(9, 10)));
    schema_.has_relations = false;
    EXPECT_THAT(parents_of(context(), Ids{10}), IsEmpty());
}

TEST_P(StoreWorkflows, ABrokenTimeIsReportedWithItsRow) {
    if (is_mysql()) GTEST_SKIP() << "the server takes nothing but times and zeros";
    insert_workflow(41);
    insert_workflow(42, {{"start_time", is_sqlite() ? "'yesterday'" : "'infinity'"}});
    try {
        scan({kDead});
        ADD_FAILURE() << "read";
    } catch (const EnvironmentError& error) {
        EXPECT_THAT(
            error.what(),
            AllOf(HasSubstr(database_->endpoint()), HasSubstr("t_ds_workflow_instance.start_time"),
                  HasSubstr("id 42"), HasSubstr(is_sqlite() ? "'yesterday'" : "'infinity'")));
    }
    // The connection goes on.
    EXPECT_EQ(commands(), "0");
}

TEST_P(StoreWorkflows, ABrokenNumberIsReportedWithItsRow) {
    insert_workflow(42, {{"state", "NULL"}});
    const std::int64_t ids[] = {42};
    EXPECT_THAT(
        [&] { store().by_ids(ids, false); },
        ::testing::ThrowsMessage<EnvironmentError>(AllOf(HasSubstr("t_ds_workflow_instance.state"),
                                                         HasSubstr("id 42"), HasSubstr("null"))));
    if (!is_sqlite()) return;
    set(42, "state = 1, command_type = 'recover'");
    EXPECT_THAT([&] { scan({kDead}); }, ::testing::ThrowsMessage<EnvironmentError>(
                                            AllOf(HasSubstr("t_ds_workflow_instance.command_type"),
                                                  HasSubstr("id 42"), HasSubstr("'recover'"))));
}

TEST_P(StoreWorkflows, AreReadByIdInWhateverState) {
    insert_workflow(3, {{"state", "7"}});
    insert_workflow(1);
    const std::int64_t ids[] = {3, 99, 1};
    const auto id = [](std::int64_t expected) { return Field(&WorkflowInstance::id, expected); };
    EXPECT_THAT(store().by_ids(ids, false), ElementsAre(id(1), id(3)));
    Transaction transaction(*database_);
    EXPECT_THAT(store().by_ids(ids, true), ElementsAre(id(1), id(3)));
}

TEST_P(StoreWorkflows, NamesComeInTheOrderAsked) {
    insert_workflow(1, {{"name", "'nächtlich \"x\"'"}});
    insert_workflow(2, {{"name", "NULL"}});
    insert_workflow(3);
    const std::int64_t ids[] = {3, 99, 1, 2};
    EXPECT_THAT(store().names(ids),
                ElementsAre("workflow-3", std::nullopt, "nächtlich \"x\"", std::nullopt));
    EXPECT_THAT(store().names({}), IsEmpty());
}

TEST_P(StoreWorkflows, ThoseThatHaveNotEndedAreReadWithHostAndState) {
    for (const int state : {0, 1, 2, 3, 4, 5, 6, 7, 12, 18})
        insert_workflow(10 + state, {{"state", std::to_string(state)}});
    insert_workflow(50, {{"host", "NULL"}});
    const std::int64_t ids[] = {10, 11, 12, 13, 14, 15, 16, 17, 22, 28, 50, 99};
    const auto found = store().not_ended(ids);
    EXPECT_THAT(found, UnorderedElementsAre(Key(11), Key(12), Key(14), Key(28), Key(50)));
    EXPECT_EQ(found.at(28).state, 18);
    EXPECT_EQ(found.at(28).host, "127.0.1.1:5678");
    EXPECT_EQ(found.at(50).host, std::nullopt);
}

TEST_P(StoreWorkflows, CarriedStampsAreThoseOfUnfinishedOnesOfTheHost) {
    const auto carries = [](EpochMs stamp) {
        return "'" + format_stored_time(stamp, TimeZone(), 1'000'000) + "'";
    };
    const EpochMs stamps[] = {kStamp, kStamp + 1000, kStamp + 2000, kStamp + 3000, kStamp + 4000};
    insert_workflow(1, {{"restart_time", carries(stamps[3])}, {"state", "18"}});
    insert_workflow(2, {{"restart_time", carries(stamps[0])}});
    insert_workflow(3, {{"restart_time", carries(stamps[1])}, {"state", "7"}});
    insert_workflow(4, {{"restart_time", carries(stamps[2])}, {"host", "'127.0.1.2:5678'"}});
    insert_workflow(5);
    // SQLite keeps texts: those we write have milliseconds.
    if (is_sqlite())
        execute("UPDATE t_ds_workflow_instance SET restart_time = restart_time || '.000'");
    std::vector<Stamp> all;
    for (const EpochMs stamp : stamps) all.push_back({stamp, "UTC", {}});
    EXPECT_THAT(carried_stamps(context(), kDead, all), ElementsAre(stamps[0], stamps[3]));
    EXPECT_THAT(carried_stamps(context(), "127.0.1.4:5678", all), IsEmpty());
    EXPECT_THAT(carried_stamps(context(), kDead, {}), IsEmpty());
}

TEST_P(StoreWorkflows, AStampIsLookedForByTheWallClockOfItsZone) {
    const TimeZone kolkata("Asia/Kolkata");
    insert_workflow(1, {{"restart_time", "'" + format_stored_time(kStamp, kolkata, 1000) + "'"}});
    const std::vector<Stamp> stamps = {{kStamp - 900'000, "UTC", {}},
                                       {kStamp - 900'000, "", {}},
                                       {kStamp, "Asia/Kolkata", {}},
                                       {kStamp + 1000, "", {}}};
    EXPECT_THAT(carried_stamps(context(), kDead, stamps), ElementsAre(kStamp - 900'000, kStamp))
        << "of which zone one of 0.1 is, nobody knows";
}

TEST_P(StoreWorkflows, SettingRestartTimeWritesNothingElse) {
    insert_workflow(1, {{"state", "18"}, {"update_time", "'2026-01-01 00:00:00'"}});
    insert_workflow(2, {{"state", "1"}});
    const std::string all = "SELECT * FROM t_ds_workflow_instance WHERE id = 1";
    const Cells before = rows(all).at(0);
    const std::int64_t ids[] = {1, 2};
    store().set_restart_time(ids, kStamp);
    const Cells after = rows(all).at(0);
    int changed = 0;
    for (std::size_t i = 0; i < after.size(); ++i) changed += before[i] != after[i];
    EXPECT_EQ(changed, 1);
    const std::vector<WorkflowInstance> read = store().by_ids(ids, false);
    ASSERT_TRUE(read.at(0).restart_time);
    EXPECT_TRUE(read[0].restart_time->was_written_as(kStamp, TimeZone()));
    EXPECT_FALSE(read.at(1).restart_time) << "in another state";
}

TEST_P(StoreWorkflows, LatestActivityIsThatOfTheNewestRows) {
    EXPECT_FALSE(store().latest_activity());
    insert_workflow(1, {{"start_time", "'2026-11-22 23:00:00'"}});
    for (int id = 2; id <= 101; ++id) insert_workflow(id);
    EXPECT_EQ(store().latest_activity()->epoch_ms(), kStamp - 3'600'000) << "row 1 is too old";
    set(50, "restart_time = '2026-11-22 08:00:00'");
    EXPECT_EQ(store().latest_activity()->epoch_ms(), kStamp);
    insert_task(1, 1, {{"end_time", "'2026-11-22 08:00:01'"}});
    EXPECT_EQ(store().latest_activity()->epoch_ms(), kStamp + 1000);
}

// -- failing over

TEST_P(StoreWorkflows, TheCommandIsThatOfTheReference) {
    insert_workflow(1);
    insert_workflow(2, {{"state", "2"}});
    insert_workflow(4, {{"state", "4"}});
    const EpochMs before = now_ms();
    EXPECT_THAT(fail_over(scan({kDead})), ElementsAre(1, 2, 4));
    const EpochMs after = now_ms();

    const std::optional<std::string> null;
    std::string columns =
        "command_type, workflow_definition_code, workflow_definition_version, executor_id, "
        "task_depend_type, failure_strategy, dry_run, warning_type, warning_group_id, "
        "schedule_time, start_time, workflow_instance_priority, worker_group, tenant_code, "
        "environment_code, workflow_instance_id, command_param";
    if (GetParam().has_test_flag) columns += ", test_flag";
    const auto command = [&](int id, int state) {
        Cells cells = {"2",
                       std::to_string(1'000'000'000'000 + id),
                       "3",
                       "0",
                       "2",
                       "1",
                       "0",
                       "0",
                       null,
                       null,
                       null,
                       "2",
                       null,
                       "default",
                       "-1",
                       std::to_string(id),
                       recovery_command_param(state)};
        if (GetParam().has_test_flag) cells.emplace_back("0");
        return cells;
    };
    EXPECT_THAT(rows("SELECT " + columns + " FROM t_ds_command ORDER BY workflow_instance_id"),
                ElementsAre(command(1, 1), command(2, 2), command(4, 4)));
    for (const Cells& cells : rows("SELECT update_time FROM t_ds_command")) {
        const StoredTime updated =
            parse_stored_time(cells[0].value(), zone_, schema_.time_precision_us);
        EXPECT_TRUE(updated.possibly_before(after + 1)) << updated.text;
        EXPECT_FALSE(updated.certainly_before(before)) << updated.text;
    }
}

TEST_P(StoreWorkflows, TheIdsReturnedAreThoseOfTheCommands) {
    execute(
        "INSERT INTO t_ds_command (id, workflow_definition_code, command_type, "
        "workflow_instance_id) VALUES (500, 1, 2, 3)");
    for (int id = 1; id <= 5; ++id) insert_workflow(id);
    const auto instances = scan({kDead});
    std::vector<Cells> returned;
    {
        Transaction transaction(*database_);
        for (const FailedOver& done : store().fail_over(instances, {kStamp})) {
            returned.push_back({std::to_string(done.command_id), std::to_string(done.id)});
        }
        transaction.commit();
    }
    EXPECT_EQ(returned.size(), 5U);
    EXPECT_THAT(rows("SELECT id, workflow_instance_id FROM t_ds_command WHERE id > 500"),
                ::testing::UnorderedElementsAreArray(returned));
}

TEST_P(StoreWorkflows, NothingElseOfTheRowChanges) {
    insert_workflow(1, {{"state_history", "'[{}]'"},
                        {"restart_time", "NULL"},
                        {"end_time", "'2026-11-22 07:00:09'"}});
    const auto before = rows("SELECT * FROM t_ds_workflow_instance");
    EXPECT_THAT(fail_over(scan({kDead})), ElementsAre(1));
    EXPECT_EQ(value("SELECT state FROM t_ds_workflow_instance"), "18");
    EXPECT_TRUE(read(1).restart_time.value().was_written_as(kStamp, zone_));
    EXPECT_EQ(value("SELECT update_time FROM t_ds_workflow_instance"), "2026-11-22 07:00:01");
    set(1, std::string("state = 1, restart_time = NULL") +
               (is_mysql() ? ", update_time = update_time" : ""));
    EXPECT_EQ(rows("SELECT * FROM t_ds_workflow_instance"), before);
}

TEST_P(StoreWorkflows, OneThatChangedSinceIsLeftAlone) {
    const std::map<std::int64_t, std::string> changes = {
        {1, "state = 2"},
        {2, "state = 7"},
        {3, "host = '127.0.1.2:5678'"},
        {4, "host = NULL"},
        {5, "host = 'MASTER.invalid:5678'"},
        {6, "start_time = '2026-11-22 07:00:01'"},
        {7, "start_time = NULL"},
        {8, "restart_time = '2026-11-22 07:10:00'"},
        {9, "restart_time = NULL"},
        {10, "state = 18"},
        {11, "command_type = 4"},
        {12, "command_type = NULL"},
    };
    for (const auto& [id, change] : changes) {
        insert_workflow(id, {{"host", "'master.invalid:5678'"},
                             {"restart_time", id == 9 ? "'2026-11-22 07:10:00'" : "NULL"}});
    }
    insert_workflow(21, {{"host", "'master.invalid:5678'"}});
    insert_workflow(22, {{"host", "'master.invalid:5678'"}, {"command_type", "NULL"}});
    insert_workflow(23, {{"host", "'master.invalid:5678'"}});
    const auto instances = scan({"master.invalid:5678"});
    ASSERT_EQ(instances.size(), 15U);
    for (const auto& [id, change] : changes) set(id, change);
    execute("DELETE FROM t_ds_workflow_instance WHERE id = 23");
    const auto before = rows("SELECT * FROM t_ds_workflow_instance WHERE id < 21 ORDER BY id");

    EXPECT_THAT(fail_over(with_present_versions(instances)), ElementsAre(21, 22));
    EXPECT_EQ(rows("SELECT * FROM t_ds_workflow_instance WHERE id < 21 ORDER BY id"), before);
    EXPECT_EQ(commands(), "2");
}

TEST_P(StoreWorkflows, OneThatWasWrittenSinceIsLeftAlone) {
    for (int id = 1; id <= 3; ++id) insert_workflow(id);
    const auto instances = scan({kDead});
    EXPECT_EQ(read(2).version, instances[1].version);
    // Taken by a master and back, or renamed: all else that is read is as it was.
    set(2, "state = 18");
    set(2, "state = 1, update_time = '2026-11-22 07:10:00'");
    set(3, "name = 'renamed', update_time = '2026-11-22 07:10:00'");
    EXPECT_EQ(settled(instances[0]), Settled::not_committed);
    EXPECT_EQ(settled(instances[1]), Settled::changed_by_others);
    EXPECT_THAT(fail_over(instances), ElementsAre(1));
    EXPECT_THAT(fail_over(scan({kDead})), ElementsAre(2, 3));
}

TEST_P(StoreWorkflows, WithAFileThatNobodyChangedThoseReadAreTakenAndNoOthers) {
    for (int id = 1; id <= 10; ++id)
        insert_workflow(id,
                        {{"host", "'127.0.1." + std::to_string(id % 3 == 0 ? 9 : 1) + ":5678'"}});
    insert_workflow(1000);
    const auto ours = another();
    WorkflowInstanceStore store(context(*ours));
    const auto read_from = ours->file_version();
    std::vector<WorkflowInstance> far, close;
    store.scan_unfinished(std::vector<std::string>{kDead}, [&](const WorkflowInstance& instance) {
        (instance.id == 5 || instance.id == 1000 ? far : close).push_back(instance);
    });
    ASSERT_EQ(close.size(), 6U);
    const std::vector<WorkflowInstance> pair(close.begin(), close.begin() + 2);  // 1 and 2
    close.erase(close.begin(), close.begin() + 2);
    for (const auto& instances : {pair, close, far}) {
        Transaction transaction(*ours);
        std::vector<std::int64_t> ids;
        for (const FailedOver& done : store.fail_over(instances, {kStamp}, read_from))
            ids.push_back(done.id);
        EXPECT_THAT(ids, UnorderedElementsAreArray(ids_of(instances)));
        transaction.commit();
    }
    EXPECT_EQ(value("SELECT COUNT(*) FROM t_ds_workflow_instance WHERE state = 18"), "8");
    EXPECT_EQ(commands(), "8");
}

TEST_P(StoreWorkflows, WithAFileThatSomebodyChangedRowsAreCompared) {
    for (int id = 1; id <= 3; ++id) insert_workflow(id);
    const auto ours = another();
    WorkflowInstanceStore store(context(*ours));
    const auto read_from = ours->file_version();
    std::vector<WorkflowInstance> instances;
    store.scan_unfinished({}, [&](const WorkflowInstance& each) { instances.push_back(each); });
    set(2, "state = 7");
    Transaction transaction(*ours);
    std::vector<std::int64_t> ids;
    for (const FailedOver& done : store.fail_over(instances, {kStamp}, read_from))
        ids.push_back(done.id);
    transaction.commit();
    EXPECT_THAT(ids, UnorderedElementsAre(1, 3));
    EXPECT_EQ(commands(), "2");
}

TEST_P(StoreWorkflows, AWriteThatIsUnderWayIsWaitedForAndSeen) {
    if (!is_postgresql()) GTEST_SKIP() << "no row version";
    settings_.lock_timeout = Millis(10'000);
    insert_workflow(1);
    const auto instances = scan({kDead});
    const auto other = another();
    const auto ours = another();
    Transaction theirs(*other);
    other->execute("UPDATE t_ds_workflow_instance SET name = 'renamed'");
    auto changed = std::async(std::launch::async, [&] {
        Transaction transaction(*ours);
        return WorkflowInstanceStore(context(*ours)).fail_over(instances, {kStamp}).size();
    });
    EXPECT_EQ(changed.wait_for(Millis(300)), std::future_status::timeout);
    theirs.commit();
    EXPECT_EQ(changed.get(), 0U);
}

TEST_P(StoreWorkflows, AFailoverThatWasRolledBackLeavesTheVersion) {
    insert_workflow(1);
    const auto instances = scan({kDead});
    {
        Transaction transaction(*database_);
        store().fail_over(instances, {kStamp});
    }
    EXPECT_THAT(fail_over(instances), ElementsAre(1));
}

TEST_P(StoreWorkflows, TimesAreComparedToTheLastDigit) {
    if (is_mysql()) GTEST_SKIP() << "whole seconds only";
    insert_workflow(1, {{"start_time", "'2026-11-22 07:00:00.123456'"}});
    const auto instances = scan({kDead});
    set(1, "start_time = '2026-11-22 07:00:00.123457'");
    EXPECT_THAT(fail_over(with_present_versions(instances)), IsEmpty());
    set(1, "start_time = '2026-11-22 07:00:00.123456'");
    EXPECT_THAT(fail_over(with_present_versions(instances)), ElementsAre(1));
}

TEST_P(StoreWorkflows, NullsAsReadAreNoChange) {
    insert_workflow(1, {{"host", "NULL"}, {"start_time", "NULL"}});
    insert_workflow(2, {{"host", "''"}});
    insert_workflow(3, {{"host", R"('a"b{c},NULL')"}});
    insert_workflow(4, {{"host", "'NULL'"}});
    EXPECT_THAT(fail_over(scan({})), ElementsAre(1, 2, 3, 4));
}

TEST_P(StoreWorkflows, ManyInAnyOrderAreFailedOverOnce) {
    {
        Transaction transaction(*database_);
        for (int id = 1; id <= 2500; ++id) insert_workflow(id);
        transaction.commit();
    }
    auto instances = scan({kDead});
    std::reverse(instances.begin(), instances.end());
    EXPECT_EQ(fail_over(instances).size(), 2500U);
    EXPECT_EQ(commands(), "2500");
    EXPECT_EQ(value("SELECT COUNT(DISTINCT workflow_instance_id) FROM t_ds_command"), "2500");
    EXPECT_THAT(fail_over(instances), IsEmpty());
    EXPECT_EQ(commands(), "2500");
    EXPECT_THAT(fail_over({}), IsEmpty());
}

TEST_P(StoreWorkflows, WithoutACommitNothingHappened) {
    insert_workflow(1);
    const auto instances = scan({kDead});
    {
        Transaction transaction(*database_);
        EXPECT_EQ(store().fail_over(instances, {kStamp}).size(), 1U);
    }
    EXPECT_EQ(commands(), "0");
    EXPECT_EQ(read(1).state, 1);
    EXPECT_EQ(read(1).restart_time, std::nullopt);
}

TEST_P(StoreWorkflows, OneThatIsFinishedCannotBeFailedOver) {
    insert_workflow(1, {{"state", "7"}});
    const WorkflowInstance finished[] = {read(1)};
    Transaction transaction(*database_);
    EXPECT_THROW(store().fail_over(finished, {kStamp}), std::logic_error);
}

TEST_P(StoreWorkflows, OneInStateFailoverGetsACommandBackToTheStateThatIsGiven) {
    insert_workflow(1, {{"state", "18"}, {"restart_time", "'2026-11-22 07:00:00'"}});
    insert_workflow(2, {{"state", "18"}});
    insert_workflow(3, {{"state", "18"}});
    const std::int64_t ids[] = {1, 2, 3};
    const auto instances = store().by_ids(ids, false);
    set(2, "host = '127.0.1.2:5678'");
    {
        Transaction transaction(*database_);
        EXPECT_THROW(store().fail_over(instances, {kStamp}), std::logic_error);
        EXPECT_THROW(store().fail_over(instances, {kStamp, "", 18}), std::logic_error);
        EXPECT_EQ(store().fail_over(instances, {kStamp, "", 4}).size(), 2U);
        transaction.commit();
    }
    for (const int id : {1, 3}) {
        EXPECT_EQ(read(id).state, 18);
        EXPECT_EQ(read(id).restart_time.value().epoch_ms(), kStamp);
        EXPECT_EQ(
            value(fmt::format(
                "SELECT command_param FROM t_ds_command WHERE workflow_instance_id = {}", id)),
            recovery_command_param(4));
    }
    EXPECT_EQ(commands(), "2");
    EXPECT_EQ(read(2).restart_time, std::nullopt);
}

TEST_P(StoreWorkflows, TheRowsStayLockedUntilTheEnd) {
    insert_workflow(1);
    const auto instances = scan({kDead});
    const auto other = another();
    Transaction transaction(*database_);
    store().fail_over(instances, {kStamp});
    try {
        Transaction theirs(*other);
        WorkflowInstanceStore(context(*other)).fail_over(instances, {kStamp + 1000});
        ADD_FAILURE() << "not locked";
    } catch (const DatabaseError& error) {
        EXPECT_EQ(error.kind(), DatabaseError::Kind::retryable) << error.what();
    }
}

TEST_P(StoreWorkflows, OfManyRunsAtOnceOneFailsEachOver) {
    {
        Transaction transaction(*database_);
        for (int id = 1; id <= 1500; ++id) insert_workflow(id);
        transaction.commit();
    }
    auto instances = scan({kDead});
    const auto run = [&](std::uint32_t seed) {
        const auto own = open_database(settings_);
        auto mine = instances;
        std::shuffle(mine.begin(), mine.end(), std::mt19937(seed));
        std::size_t changed = 0;
        for (std::size_t i = 0; i < mine.size(); i += 500) {
            Transaction transaction(*own);
            changed += WorkflowInstanceStore(context(*own))
                           .fail_over({mine.data() + i, 500}, {kStamp})
                           .size();
            transaction.commit();
        }
        return changed;
    };
    settings_.lock_timeout = Millis(10'000);
    std::vector<std::future<std::size_t>> runs;
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
        runs.push_back(std::async(std::launch::async, run, seed));
    }
    std::size_t changed = 0;
    for (auto& one : runs) changed += one.get();
    EXPECT_EQ(changed, 1500U);
    EXPECT_EQ(commands(), "1500");
    EXPECT_EQ(value("SELECT COUNT(DISTINCT workflow_instance_id) FROM t_ds_command"), "1500");
}

// -- settling a commit whose outcome is unknown

TEST_P(StoreWorkflows, ACommitThatTookEffectIsFound) {
    insert_workflow(1);
    const auto instance = read(1);
    EXPECT_EQ(settled(instance), Settled::not_committed);
    fail_over({instance});
    EXPECT_EQ(settled(instance), Settled::committed);
    // 3.3.0: recovered, and perhaps finished, under the same host and restart_time.
    set(1, "state = 1");
    EXPECT_EQ(settled(instance), Settled::committed);
    set(1, "state = 7");
    EXPECT_EQ(settled(instance), Settled::committed);
}

TEST_P(StoreWorkflows, ARowThatCarriedTheStampAlreadyIsNotTakenForOurs) {
    insert_workflow(1);
    fail_over({read(1)});
    const auto instance = read(1);
    EXPECT_EQ(settled(instance), Settled::not_committed);
}

TEST_P(StoreWorkflows, WhatOthersDidIsNotTakenForOurs) {
    insert_workflow(1);
    const auto instance = read(1);
    set(1, "state = 18");
    EXPECT_EQ(settled(instance), Settled::changed_by_others);
    set(1, "state = 1, host = '127.0.1.2:5678', restart_time = '2026-11-22 09:00:00'");
    EXPECT_EQ(settled(instance), Settled::changed_by_others);
    execute("DELETE FROM t_ds_workflow_instance");
    EXPECT_EQ(settled(instance), Settled::changed_by_others);
}

TEST_P(StoreWorkflows, OutcomesComeInTheOrderAsked) {
    for (int id = 1; id <= 3; ++id) insert_workflow(id);
    auto instances = scan({kDead});
    fail_over({instances[1]});
    set(2, "state = 1");
    set(1, "state = 7");
    std::swap(instances[0], instances[2]);
    Transaction transaction(*database_);
    EXPECT_THAT(
        store().settle(instances, kStamp),
        ElementsAre(Settled::not_committed, Settled::committed, Settled::changed_by_others));
}

TEST_P(StoreWorkflows, GetAnotherHostAndNothingElse) {
    for (int id = 1; id <= 3; ++id) insert_workflow(id, {{"state", id == 3 ? "7" : "1"}});
    Transaction transaction(*database_);
    const std::int64_t ids[] = {1, 3};
    store().rehost(ids, "127.0.1.2:5678", kStamp);
    transaction.commit();
    const auto rows = store().by_ids(std::vector<std::int64_t>{1, 2, 3}, false);
    EXPECT_EQ(rows[0].host, "127.0.1.2:5678");
    EXPECT_TRUE(rows[0].restart_time.value().was_written_as(kStamp, zone_));
    EXPECT_EQ(rows[0].state, 1);
    for (const int other : {1, 2}) {
        EXPECT_EQ(rows[static_cast<std::size_t>(other)].host, "127.0.1.1:5678");
        EXPECT_EQ(rows[static_cast<std::size_t>(other)].restart_time, std::nullopt);
    }
    const Rows times = database_->query("SELECT update_time FROM t_ds_workflow_instance");
    for (std::size_t i = 0; i < times.size(); ++i)
        EXPECT_EQ(times[i].text(0).substr(0, 19), "2026-11-22 07:00:01");
}

// As failover-workflow does with one that has none: a host that is null or empty is compared, too.
TEST_P(StoreWorkflows, WhatIsFailedOverCanGetAHostInTheSameTransaction) {
    insert_workflow(1, {{"host", "NULL"}});
    insert_workflow(2, {{"host", "''"}});
    insert_workflow(3, {{"host", "NULL"}});
    const std::vector<std::int64_t> ids = {1, 2, 3};
    const auto read_before = store().by_ids(ids, false);
    execute("UPDATE t_ds_workflow_instance SET host = '127.0.1.3:5678' WHERE id = 3");
    Transaction transaction(*database_);
    std::vector<std::int64_t> changed;
    for (const FailedOver& done : store().fail_over(read_before, {kStamp}))
        changed.push_back(done.id);
    EXPECT_THAT(changed, ::testing::UnorderedElementsAre(1, 2));
    store().rehost(changed, "127.0.1.2:5678", kStamp);
    transaction.commit();
    for (const std::int64_t id : {1, 2}) {
        const WorkflowInstance row = read(id);
        EXPECT_EQ(row.host, "127.0.1.2:5678");
        EXPECT_EQ(row.state, 18);
        EXPECT_TRUE(row.restart_time.value().was_written_as(kStamp, zone_));
    }
    EXPECT_EQ(read(3).host, "127.0.1.3:5678");
    EXPECT_EQ(read(3).state, 1);
}

INSTANTIATE_TEST_SUITE_P(EveryDatabase, StoreWorkflows, ::testing::ValuesIn(kStoreCases),
                         case_name);

}  // namespace
}  // namespace dsfailover
