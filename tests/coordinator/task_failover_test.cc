// failover-worker: which way each task of a dead worker goes (docs/behaviour.md, "Workers"). The
// announcement itself takes seconds, and is tested end to end; here it is --no-announce.

#include "coordinator/failover/failover_stamps.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = RegistryCall::Kind;

const std::string kWorkerMark = mark_path(kGoneWorker, std::nullopt);

class TaskFailoverTest : public WorldTest {
  protected:
    /// Valid tasks of a workflow: "name state", in order of id.
    std::vector<std::string> tasks_of(std::int64_t workflow) {
        const auto rows = world.database().query(
            "SELECT name || ' ' || state FROM t_ds_task_instance"
            " WHERE workflow_instance_id = ? AND flag = 1 ORDER BY id",
            {Value(workflow)});
        std::vector<std::string> tasks;
        for (std::size_t i = 0; i < rows.size(); ++i) tasks.emplace_back(rows[i].text(0));
        return tasks;
    }
    void expect_worker_mark() {
        EXPECT_EQ(world.get(kWorkerMark), std::to_string(run.report.worker->deadline.value()));
    }
};

TEST_F(TaskFailoverTest, TheWorkflowOfADeadMasterIsFailedOver) {
    world.workflow(7);
    world.task(70, 7);
    world.task(71, 7).state(17);  // DISPATCH
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "completed");
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over");
    EXPECT_EQ(run.fate_of_task(71), "workflow_failover failed_over");
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_EQ(tasks_of(7), (std::vector<std::string>{"task-70 1", "task-71 17"}))
        << "recovery dispatches them";
    EXPECT_NE(world.mark_of(kGone), std::nullopt) << "its master was failed over whole";
    expect_worker_mark();
}

// Found by the simulation: nothing of the row tells who runs it.
TEST_F(TaskFailoverTest, WhatAMasterTakesDuringTheGraceTimeIsItsOwn) {
    world.workflow(7).state(18);
    world.command(7);
    world.task(70, 7);
    world.registry.before({Kind::get, server_path(paths::kWorkers, kGoneWorker)},
                          [&] { world.take_commands(7); });
    run.failover_worker(kGoneWorker);
    expect_untouched(7);
    EXPECT_EQ(run.fate_of_task(70), "announced left") << run.said();
}

TEST_F(TaskFailoverTest, TheMarkOfTheWorkerComesAfterThoseOfItsMasters) {
    world.workflow(7);
    world.task(70, 7);
    world.registry.before({Kind::put, kWorkerMark}, [&] {
        EXPECT_NE(world.mark_of(kGone), std::nullopt);
        EXPECT_EQ(world.workflow(7).state(), 18);
    });
    run.failover_worker(kGoneWorker);
    expect_worker_mark();
}

TEST_F(TaskFailoverTest, OnlyTasksThatMayBeAtWorkThereAreMeant) {
    world.workflow(7);
    world.task(70, 7).state(7);             // SUCCESS
    world.task(71, 7).flag(0);              // superseded
    world.task(72, 7).host(kLivingWorker);  // another's
    world.task(73, 7).state(0);             // not dispatched yet
    world.workflow(8).state(7);             // finished
    world.task(80, 8);
    const std::string before = world.snapshot();
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.outcome(), "nothing_to_do") << run.said();
    EXPECT_EQ(run.exit_code(), 0);
    EXPECT_EQ(run.report.worker->selected, 0);
    EXPECT_EQ(world.snapshot(), before) << "and where there is none no mark is written";
}

TEST_F(TaskFailoverTest, ARowThatCannotBeReadStopsTheRunOnlyIfItIsMeant) {
    world.workflow(7);
    world.task(70, 7);
    world.workflow(8).state(7);  // finished
    world.task(80, 8);
    world.task(90, 9);  // of no workflow
    world.database().execute(
        "UPDATE t_ds_task_instance SET submit_time = 'soon' WHERE id IN (80, 90)");
    for (int id = 1000; id < 1100; ++id) world.task(id, 1).state(7);  // the clocks look at these
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over");
    world.workflow(8).state(1);
    TestRun again(world);
    again.failover_worker(kGoneWorker);
    EXPECT_EQ(again.exit_code(), 6);
    EXPECT_THAT(again.said(), HasSubstr("id 80"));
}

TEST_F(TaskFailoverTest, WhatNoMasterTouchesAgainIsToldApart) {
    world.workflow(7).host(std::nullopt);
    world.task(70, 7);
    world.workflow(8).host("nonsense");
    world.task(80, 8);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    const auto& items = run.report.worker->items.kept();
    EXPECT_EQ(items.at(0).reason, "its workflow has no host: use failover-workflow");
    EXPECT_EQ(items.at(1).reason, "the host of its workflow is not HOST:PORT: see explain");
}

TEST_F(TaskFailoverTest, TheItemsAreInOrderOfId) {
    world.workflow(7);
    for (const int id : {73, 71, 72}) world.task(id, 7).name("task-" + std::to_string(id));
    run.options.items = 2;
    run.failover_worker(kGoneWorker);
    const auto& items = run.report.worker->items.kept();
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].name, "task-71");
    EXPECT_EQ(items[1].name, "task-72");
    EXPECT_EQ(run.report.worker->items.omitted(), 1);
}

TEST_F(TaskFailoverTest, RedispatchEndsTheOldTaskAndClonesIt) {
    world.workflow(7);
    world.task(70, 7).name("load");
    run.options.redispatch = true;
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of_task(70), "redispatched redispatched");
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_EQ(world.task(70, 7).flag(), 0);
    EXPECT_EQ(world.task(70, 7).state(), 8);
    EXPECT_EQ(tasks_of(7), std::vector<std::string>{"load 0"}) << "a clone to be dispatched";
    expect_worker_mark();
}

TEST_F(TaskFailoverTest, AWorkerThatReturnsBeforeTheRedispatchRollsAllBack) {
    world.workflow(7);
    world.task(70, 7).name("load");
    run.options.redispatch = true;
    world.registry.after({Kind::put, stamps_path(kGone)}, [&] { world.worker(kGoneWorker); });
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    expect_untouched(7);
    EXPECT_EQ(tasks_of(7), std::vector<std::string>{"load 1"});
    EXPECT_EQ(world.get(kWorkerMark), std::nullopt);
}

TEST_F(TaskFailoverTest, TasksOfALivingMasterNeedAnAnnouncement) {
    world.task(70, 1);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "announced left");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("--no-announce"));
    expect_untouched(1);
    EXPECT_EQ(world.get(kWorkerMark), std::nullopt);
}

TEST_F(TaskFailoverTest, SoDoThoseOfAWorkflowInDoubt) {
    world.workflow(7).command_type(4);
    world.task(70, 7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "announced left");
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
}

TEST_F(TaskFailoverTest, OfWhatIsNamedInVainItIsSaid) {
    run.options.in_doubt.ids = {99};
    world.task(70, 1).state(7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.report.worker->selected, 0);
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("--in-doubt names workflow instance 99"));
    world.task(71, 1);
    run.failover_worker(kGoneWorker);
    EXPECT_THAT(run.said(), HasSubstr("--in-doubt names workflow instance 99"));
}

TEST_F(TaskFailoverTest, ARestartedWorkersDepartureCannotBeAnnounced) {
    world.worker(kGoneWorker, "-10m");
    world.task(70, 1);
    run.process = ProcessIdentity{world.time("-2h"), 4711};
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "not_announceable left");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("this master look again is its restart: " + kLiving));
}

TEST_F(TaskFailoverTest, ACommandThatWaitsTakesItsTasksAlong) {
    world.workflow(7).state(18);
    world.command(7);
    world.task(70, 7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "pending pending");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.commands_of(7).size(), 1U);
    expect_worker_mark();
}

TEST_F(TaskFailoverTest, TasksThatNobodyTouchesNeedAPerson) {
    world.workflow(7).state(18);
    world.task(70, 7);
    world.workflow(8).host(std::nullopt);
    world.task(80, 8);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "stuck left");
    EXPECT_EQ(run.fate_of_task(80), "stuck left");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("requeue"));
    EXPECT_EQ(world.get(kWorkerMark), std::nullopt);
}

TEST_F(TaskFailoverTest, AWorkerThatLivesIsRefused) {
    world.worker(kGoneWorker);
    world.workflow(7);
    world.task(70, 7);
    const std::string before = world.snapshot();
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(TaskFailoverTest, AMastersAddressIsRefused) {
    world.workflow(7);
    const std::string before = world.snapshot();
    run.failover_worker(kGone);
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_THAT(run.said(), HasSubstr("failover-master " + kGone));
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(TaskFailoverTest, ADryRunWritesNothing) {
    world.workflow(7);
    world.task(70, 7);
    world.task(71, 1);
    const std::string before = world.snapshot();
    run.options.dry_run = true;
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.outcome(), "planned");
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover planned");
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(TaskFailoverTest, TheSameCommandAgainLeavesTheCommandAlone) {
    world.workflow(7);
    world.task(70, 7);
    run.failover_worker(kGoneWorker);
    const auto commands = world.commands_of(7);
    TestRun again(world);
    again.failover_worker(kGoneWorker);
    EXPECT_EQ(again.fate_of_task(70), "pending pending");
    EXPECT_EQ(again.exit_code(), 0) << again.said();
    ASSERT_EQ(world.commands_of(7).size(), 1U);
    EXPECT_EQ(world.commands_of(7)[0].id, commands.at(0).id);
}

// -- where masters say what they hold

class TaskRoutesByAnswersTest : public TaskFailoverTest {
  protected:
    TaskRoutesByAnswersTest() {
        servers.holds[kLiving] = {1};
        run.servers = &servers;
    }

    FakeServers servers;
};

TEST_F(TaskRoutesByAnswersTest, OnlyWhatALivingMasterHoldsIsAnnounced) {
    world.task(70, 1);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "announced left") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(1);
    EXPECT_THAT(*run.report.masters, IsEmpty());
}

TEST_F(TaskRoutesByAnswersTest, WhatNobodyHoldsOfALivingHostIsFailedOverAlone) {
    world.workflow(7).host(kLiving).started("-5m");
    world.task(70, 7).submitted("-4m");
    world.workflow(8).host(kLiving).started("-5m");
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kLiving).stamp);
    expect_untouched(8);
    expect_untouched(1);
    EXPECT_EQ(world.mark_of(kLiving), std::nullopt);
    expect_worker_mark();
}

TEST_F(TaskRoutesByAnswersTest, SoIsWhatARestartedHostLeftBehind) {
    world.master(kOther, "-10m");
    world.workflow(7).host(kOther);
    world.task(70, 7);
    world.workflow(8).host(kOther);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over") << run.said();
    expect_failed_over_once(7, run.master(kOther).stamp);
    expect_untouched(8);
}

TEST_F(TaskRoutesByAnswersTest, BesideAHostThatIsGoneWhichIsFailedOverWhole) {
    world.workflow(7);
    world.task(70, 7);
    world.workflow(8);
    world.workflow(9).host(kLiving);
    world.task(90, 9);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    for (const std::int64_t id : {7, 8}) expect_failed_over_once(id, run.master(kGone).stamp);
    expect_failed_over_once(9, run.master(kLiving).stamp);
    EXPECT_NE(world.mark_of(kGone), std::nullopt);
    EXPECT_EQ(world.mark_of(kLiving), std::nullopt);
}

TEST_F(TaskRoutesByAnswersTest, ItsTasksCanBeRedispatchedToo) {
    world.workflow(7).host(kLiving);
    world.task(70, 7).name("load");
    run.options.redispatch = true;
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "redispatched redispatched") << run.said();
    EXPECT_EQ(tasks_of(7), std::vector<std::string>{"load 0"});
}

TEST_F(TaskRoutesByAnswersTest, ForARestartedWorkerToo) {
    world.worker(kGoneWorker, "-10m");
    world.workflow(7).host(kLiving);
    world.task(70, 7);
    run.process = ProcessIdentity{world.time("-2h"), 4711};
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over") << run.said();
    expect_failed_over_once(7, run.master(kLiving).stamp);
}

TEST_F(TaskRoutesByAnswersTest, WhereAMasterDoesNotAnswerItIsAnnouncedAsEver) {
    world.master(kOther);
    world.workflow(7).host(kLiving);
    world.task(70, 7);
    servers.silent.insert(kOther);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "announced left") << run.said();
    expect_untouched(7);
}

// -- what global would select of a host that was restarted, where not every master answers

/// kOther was restarted; workflow 7, and 8 beside it, are of the time before.
class TasksOfARestartedHostTest : public TaskRoutesByAnswersTest {
  protected:
    TasksOfARestartedHostTest() {
        world.master(kOther, "-10m");
        world.workflow(7).host(kOther);
        world.task(70, 7);
        world.workflow(8).host(kOther);
    }
    void expect_announced() {
        run.failover_worker(kGoneWorker);
        EXPECT_EQ(run.fate_of_task(70), "announced left") << run.said();
        EXPECT_EQ(world.workflow(7).state(), 1);
        EXPECT_THAT(world.commands_of(7), IsEmpty());
    }
};

TEST_F(TasksOfARestartedHostTest, WithoutAnswersTheirWorkflowsAreFailedOverAlone) {
    run.servers = nullptr;
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kOther).stamp);
    EXPECT_EQ(run.master(kOther).deadline, world.startup(kOther));
    expect_untouched(8);
    EXPECT_EQ(world.mark_of(kOther), std::nullopt);
    expect_worker_mark();
}

TEST_F(TasksOfARestartedHostTest, SoTheyAreWhereOneMasterIsSilent) {
    servers.silent.insert(kLiving);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over") << run.said();
    expect_failed_over_once(7, run.master(kOther).stamp);
    expect_untouched(8);
}

TEST_F(TasksOfARestartedHostTest, ADryRunSaysSo) {
    run.servers = nullptr;
    run.options.dry_run = true;
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover planned") << run.said();
    EXPECT_EQ(run.fate_of(7), "planned");
    EXPECT_EQ(run.fate_of(8), "unseen");
}

TEST_F(TasksOfARestartedHostTest, WhatStartedSinceIsAnnounced) {
    run.servers = nullptr;
    world.workflow(7).started("-5m");
    world.task(70, 7).submitted("-4m");
    expect_announced();
}

TEST_F(TasksOfARestartedHostTest, WhatMovedSinceIsAnnounced) {
    run.servers = nullptr;
    world.task(71, 7).host(kLivingWorker).submitted("-5m");
    expect_announced();
}

TEST_F(TasksOfARestartedHostTest, WhatOneMasterHoldsIsAnnouncedAlthoughAnotherIsSilent) {
    servers.silent.insert(kLiving);
    servers.holds[kOther] = {7};
    expect_announced();
}

TEST_F(TasksOfARestartedHostTest, ACommandThatWaitsIsLeftToIt) {
    run.servers = nullptr;
    world.command(7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "pending pending") << run.said();
    EXPECT_EQ(world.commands_of(7).size(), 1U);
}

TEST_F(TasksOfARestartedHostTest, WhatIsOfTheTimeBeforeStaysSoIfItGoes) {
    run.servers = nullptr;
    world.registry.after({Kind::put, stamps_path(kOther)}, [&] { world.leave(kOther); });
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over")
        << "what is of the time before its start stays so: " << run.said();
}

TEST_F(TaskRoutesByAnswersTest, ACommandThatWaitsAtALivingHostIsLeftToIt) {
    world.workflow(7).host(kLiving);
    world.command(7);
    world.task(70, 7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "pending pending") << run.said();
    EXPECT_EQ(world.commands_of(7).size(), 1U);
}

TEST_F(TaskRoutesByAnswersTest, WhatAMasterTakesMeanwhileIsLeft) {
    world.workflow(7).host(kLiving);
    world.task(70, 7);
    world.registry.after({Kind::put, stamps_path(kLiving)},
                         [&] { servers.holds[kLiving].insert(7); });
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover left") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
    EXPECT_EQ(world.get(kWorkerMark), std::nullopt);
}

TEST_F(TaskRoutesByAnswersTest, WhatAMasterHoldsOfAHostThatIsGoneIsAnnounced) {
    world.workflow(7).command_type(4);
    world.task(70, 7);
    servers.holds[kLiving].insert(7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "announced left") << run.said();
    expect_untouched(7);
}

TEST_F(TaskRoutesByAnswersTest, WhatNobodyHoldsOfAHostThatIsGoneIsFailedOverWithIt) {
    world.workflow(7).command_type(4).started("-50m");
    world.task(70, 7);
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover failed_over") << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_NE(world.mark_of(kGone), std::nullopt);
}

TEST_F(TaskRoutesByAnswersTest, WhatMovesThoughNobodyHoldsItIsNotAnnounced) {
    world.workflow(7).command_type(4).started("-50m");
    world.task(70, 7);
    world.task(71, 7).host(kLivingWorker).submitted("+50s");
    run.failover_worker(kGoneWorker);
    EXPECT_EQ(run.fate_of_task(70), "workflow_failover left") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
}

}  // namespace
}  // namespace dsfailover
