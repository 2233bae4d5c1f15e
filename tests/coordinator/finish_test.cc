// finish: workflows that nobody will end (docs/behaviour.md, "Finish").

#include "base/clock.h"
#include "coordinator/run_claim.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Kind = RegistryCall::Kind;

/// kLiving holds workflow 1, which is its control. Workflow 7, which it does not hold, has a task
/// on a worker that is gone.
class FinishTest : public WorldTest {
  protected:
    FinishTest() {
        servers.holds[kLiving] = {1};
        run.servers = &servers;
        world.workflow(7);
        world.task(70, 7);
    }

    /// Does something when the masters were asked for the n-th time.
    void after_round(std::size_t number, std::function<void()> act) {
        servers.after_round = [this, number, act = std::move(act)] {
            if (servers.rounds.size() == number) act();
        };
    }
    void expect_ended(std::int64_t workflow, int state) {
        EXPECT_EQ(run.fate_of(workflow), "finished") << run.said();
        EXPECT_EQ(world.workflow(workflow).state(), state);
    }
    std::string tables() {
        const std::string all = world.snapshot();
        return all.substr(0, all.find("\n/"));
    }
    void expect_refused(const std::string& reason) {
        const std::string before = tables();
        run.finish({7});
        EXPECT_EQ(run.fate_of(7), reason) << run.said();
        EXPECT_EQ(run.exit_code(), 4);
        EXPECT_EQ(run.outcome(), "refused");
        EXPECT_EQ(tables(), before);
    }

    FakeServers servers;
};

TEST_F(FinishTest, WhatNobodyHoldsIsEndedWithItsUnfinishedTasks) {
    world.task(70, 7).submitted("-30m").started("-25m");
    world.task(71, 7).state(8).host(std::nullopt);
    world.task(72, 7).state(7);
    world.task(73, 7).flag(0);
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "completed");
    const std::string end = world.task(70, 7).get("start_time").value();
    EXPECT_EQ(world.workflow(7).get("end_time"), end) << "the last sign of a task";
    for (const std::int64_t task : {70, 71}) {
        EXPECT_EQ(world.task(task, 7).state(), 6);
        EXPECT_EQ(world.task(task, 7).get("end_time"), end);
    }
    EXPECT_EQ(world.task(72, 7).state(), 7);
    EXPECT_EQ(world.task(73, 7).state(), 1) << "it is not valid";
    const FinishItem item = run.finish_item(7);
    EXPECT_EQ(item.previous_state, "RUNNING_EXECUTION");
    EXPECT_THAT(item.tasks_ended, ElementsAre(70, 71));
    EXPECT_THAT(item.tasks_alive, IsEmpty());
    EXPECT_EQ(item.end_time, world.time("-25m"));
    EXPECT_TRUE(item.name);
    EXPECT_THAT(servers.rounds, SizeIs(3)) << "twice, and with the rows locked";
    EXPECT_EQ(run.report.masters_asked.value().at(0).control, "passed");
    EXPECT_THAT(run.said(), HasSubstr("recovered from failure"));
}

TEST_F(FinishTest, AsStopItIsStoppedAndItsTasksKilled) {
    run.finish_options.as = FinishAs::stop;
    run.finish({7});
    expect_ended(7, 5);
    EXPECT_EQ(world.task(70, 7).state(), 9);
    EXPECT_THAT(run.said(), Not(HasSubstr("recovered from failure")));
}

TEST_F(FinishTest, EveryStateOfOneThatHasNotEndedIsEnded) {
    for (const int state : {0, 2, 4, 18}) {
        world.workflow(7).state(state);
        world.task(70, 7).state(1);
        run.finish({7});
        expect_ended(7, 6);
    }
}

TEST_F(FinishTest, WithoutAnyTaskItEndsWhenItStarted) {
    world.workflow(8);
    run.finish({8});
    expect_ended(8, 6);
    EXPECT_EQ(world.workflow(8).get("end_time"), world.workflow(8).get("start_time"));
}

TEST_F(FinishTest, WhatAMasterHoldsIsRefusedAndTheOthersAreEnded) {
    world.workflow(8);
    servers.holds[kLiving].insert(8);
    run.finish({7, 8});
    expect_ended(7, 6);
    EXPECT_EQ(run.fate_of(8), "held");
    EXPECT_EQ(run.finish_item(8).holder, kLiving);
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_EQ(run.outcome(), "partial");
    EXPECT_THAT(run.said(), HasSubstr(kLiving + " holds it"));
    EXPECT_EQ(run.report.finish->refused.at(SkipReason::held), 1);
    EXPECT_EQ(run.report.finish->selected, 2);
    EXPECT_EQ(world.workflow(8).state(), 1);
}

TEST_F(FinishTest, WhatIsHeldTheFirstTimeIsNotAskedAboutAgain) {
    servers.holds[kLiving].insert(7);
    expect_refused("held");
    EXPECT_THAT(servers.rounds, SizeIs(1));
}

TEST_F(FinishTest, AnyMasterThatHoldsItIsEnough) {
    world.master(kOther);
    servers.holds[kOther].insert(7);
    expect_refused("held");
    servers.holds[kLiving].insert(7);
    expect_refused("held");
}

TEST_F(FinishTest, OneThatTakesItBetweenTheTwoRoundsIsSeen) {
    after_round(1, [&] { servers.holds[kLiving].insert(7); });
    expect_refused("held");
    EXPECT_THAT(servers.rounds, SizeIs(2));
}

TEST_F(FinishTest, OneThatTakesItBetweenQuestionAndCommitIsSeenToo) {
    after_round(2, [&] { servers.holds[kLiving].insert(7); });
    expect_refused("held");
    EXPECT_THAT(servers.rounds, SizeIs(3));
}

TEST_F(FinishTest, ARowThatChangedIsLeft) {
    for (const std::size_t round : {1U, 2U}) {
        servers.rounds.clear();
        after_round(round, [&] { world.workflow(7).state(round == 1 ? 2 : 4); });
        run.finish({7});
        EXPECT_EQ(run.fate_of(7), "state_changed") << round;
        EXPECT_EQ(run.exit_code(), 3);
        EXPECT_EQ(run.outcome(), "partial");
        EXPECT_EQ(world.task(70, 7).state(), 1);
    }
}

// On 3.3.0 nothing but its update_time is another then.
TEST_F(FinishTest, SoIsOneWhoseCommandCameAndWent) {
    for (const std::size_t round : {1U, 2U}) {
        servers.rounds.clear();
        wait_uninterrupted(Millis(2));  // update_time has whole milliseconds
        after_round(round, [&] {
            world.workflow(7).state(18);
            world.command(7);
            world.take_commands(7);
        });
        run.finish({7});
        EXPECT_EQ(run.fate_of(7), "state_changed") << round;
        EXPECT_EQ(world.workflow(7).state(), 1);
    }
}

TEST_F(FinishTest, SoIsOneThatGotACommandOrATask) {
    after_round(2, [&] { world.command(7); });
    run.finish({7});
    EXPECT_EQ(run.fate_of(7), "state_changed");
    EXPECT_THAT(world.commands_of(7), SizeIs(1));

    world.worker(kLivingWorker);
    world.workflow(8);
    world.task(80, 8).host(kLivingWorker);
    servers.rounds.clear();
    after_round(3, [&] { world.task(81, 8); });  // that of the workers
    run.finish({8});
    EXPECT_EQ(run.fate_of(8), "state_changed");
    EXPECT_EQ(world.task(80, 8).state(), 1);
}

TEST_F(FinishTest, WhereAMasterDoesNotAnswerWhatMovedLatelyIsRefused) {
    world.master(kOther);
    servers.silent.insert(kOther);
    world.task(70, 7).submitted("-14m");
    expect_refused("active");
    EXPECT_THAT(run.said(), HasSubstr(kOther + ": it is silent"));
    world.task(70, 7).submitted("-16m");
    run.finish({7});
    expect_ended(7, 6);
}

TEST_F(FinishTest, AtALivingHostItMustHaveStoodStillForAnHour) {
    servers.silent.insert(kLiving);
    world.workflow(7).host(kLiving).started("-3h");
    world.task(70, 7).submitted("-59m");
    expect_refused("active");
    world.task(70, 7).submitted("-61m");
    run.finish({7});
    expect_ended(7, 6);
}

TEST_F(FinishTest, IdleSaysOtherwise) {
    servers.silent.insert(kLiving);
    run.finish_options.idle = Millis(3'600'000);
    expect_refused("active");
    run.finish_options.idle = Millis(60'000);
    run.finish({7});
    expect_ended(7, 6);
}

TEST_F(FinishTest, WithoutATaskItsStartCounts) {
    servers.silent.insert(kLiving);
    world.workflow(8).started("-5m");
    run.finish({8});
    EXPECT_EQ(run.fate_of(8), "active");
}

TEST_F(FinishTest, WhereNobodyIsAskedItIsJudgedByItsTasksToo) {
    run.servers = nullptr;
    world.task(70, 7).submitted("-5m");
    expect_refused("active");
    EXPECT_EQ(run.report.masters_asked, std::nullopt);
    world.task(70, 7).submitted("-20m");
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_EQ(run.report.workers_asked, std::nullopt);
}

TEST_F(FinishTest, WhereNoMasterLivesToo) {
    world.leave(kLiving);
    world.task(70, 7).submitted("-5m");
    expect_refused("active");
    EXPECT_THAT(run.said(), HasSubstr("no master lives"));
}

TEST_F(FinishTest, BeyondTheLimitNobodyIsAsked) {
    run.finish_options.ask.limit = 1;
    world.workflow(8).started("-5m");
    run.finish({7, 8});
    expect_ended(7, 6);
    EXPECT_EQ(run.fate_of(8), "active");
    EXPECT_THAT(run.said(), HasSubstr("--ask-limit is 1"));
}

TEST_F(FinishTest, AMasterThatIsGoneWhenTheRowsAreLockedHasNotAnswered) {
    world.master(kOther);
    world.task(70, 7).submitted("-5m");
    after_round(2, [&] { world.leave(kOther); });
    run.finish({7});
    EXPECT_EQ(run.fate_of(7), "active");
    EXPECT_THAT(run.said(), HasSubstr(kOther));
}

TEST_F(FinishTest, AStrangersMasterHasNotAnsweredEither) {
    servers.holds.clear();
    world.task(70, 7).submitted("-5m");
    expect_refused("active");
    EXPECT_THAT(run.said(), HasSubstr("another cluster"));
}

TEST_F(FinishTest, InFailoverWithoutACommandOneRoundIsEnough) {
    world.workflow(7).state(18);
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_THAT(servers.rounds, SizeIs(2)) << "one, and with the rows locked";
}

TEST_F(FinishTest, AWaitingCommandIsDeleted) {
    world.workflow(7).state(18);
    const std::int64_t first = world.command(7), second = world.command(7, 1, 0);
    const std::int64_t others = world.command(1, 1, 0);
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_THAT(run.finish_item(7).commands_deleted, ElementsAre(first, second));
    EXPECT_THAT(world.commands_of(7), IsEmpty());
    EXPECT_EQ(world.commands_of(1).at(0).id, others);
    EXPECT_THAT(servers.rounds, SizeIs(2));
}

TEST_F(FinishTest, OneWhoseCommandAMasterTakesIsLeft) {
    world.workflow(7).state(18);
    world.command(7);
    after_round(1, [&] { world.take_commands(7); });
    run.finish({7});
    EXPECT_EQ(run.fate_of(7), "taken");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(world.workflow(7).state(), 1);
    EXPECT_EQ(world.task(70, 7).state(), 1);
}

TEST_F(FinishTest, ATaskThatIsAliveOnItsWorkerIsARefusalWithoutTasks) {
    world.worker(kLivingWorker);
    world.task(70, 7).host(kLivingWorker);
    servers.holds[kLivingWorker] = {70};
    expect_refused("task_alive");
    EXPECT_THAT(run.said(), HasSubstr("70 on " + kLivingWorker));
    run.finish_options.tasks = true;
    run.finish({7});
    expect_ended(7, 6);
    const FinishItem item = run.finish_item(7);
    ASSERT_THAT(item.tasks_alive, SizeIs(1));
    EXPECT_EQ(item.tasks_alive[0].id, 70);
    EXPECT_EQ(item.tasks_alive[0].worker, kLivingWorker);
    EXPECT_TRUE(item.tasks_alive[0].alive);
    EXPECT_EQ(run.report.workers_asked.value().at(0).alive, 1);
    EXPECT_THAT(run.said(), HasSubstr("Kill them there"));
}

TEST_F(FinishTest, SoIsOneOnALivingWorkerThatDoesNotSay) {
    world.worker(kLivingWorker);
    world.task(70, 7).host(kLivingWorker);
    servers.silent.insert(kLivingWorker);
    expect_refused("task_unanswered");
    servers.silent.clear();
    world.task(70, 7).type("FLINK_STREAM");
    expect_refused("task_unanswered");
    run.servers = nullptr;
    world.task(70, 7).type("SHELL");
    expect_refused("task_unanswered");
    run.finish_options.tasks = true;
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_FALSE(run.finish_item(7).tasks_alive.at(0).alive);
}

TEST_F(FinishTest, OneThatItsWorkerDoesNotKnowIsNone) {
    world.worker(kLivingWorker);
    world.task(70, 7).host(kLivingWorker);
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_EQ(run.report.workers_asked.value().at(0).unknown_task, 1);
}

TEST_F(FinishTest, AChildOfAnUnfinishedParentIsNotStopped) {
    world.workflow(8);
    world.relate(8, 7);
    run.finish_options.as = FinishAs::stop;
    expect_refused("parent_unfinished");
    EXPECT_THAT(run.said(), HasSubstr("--as failure"));
    run.finish_options.as = FinishAs::failure;
    run.finish({7});
    expect_ended(7, 6);
    EXPECT_THAT(run.said(), HasSubstr("Workflows 8 are unfinished parents"));
}

TEST_F(FinishTest, AParentWaitsForItsChildren) {
    world.workflow(8).state(18);
    world.relate(7, 8);
    expect_refused("child_unfinished");
    EXPECT_THAT(run.said(), HasSubstr("8"));
    world.workflow(8).state(7);
    run.finish({7});
    expect_ended(7, 6);
}

TEST_F(FinishTest, NamedTogetherTheChildrenComeFirst) {
    world.workflow(8);
    world.workflow(9);
    world.relate(7, 8);
    world.relate(8, 9);
    run.finish_options.dry_run = true;
    run.finish({7, 8, 9});
    EXPECT_EQ(run.fate_of(7), "planned") << run.said();
    run.finish_options.dry_run = false;
    run.finish({7, 8, 9});
    for (const std::int64_t id : {7, 8, 9}) expect_ended(id, 6);
    EXPECT_THAT(run.said(), Not(HasSubstr("unfinished parents")));
}

TEST_F(FinishTest, TwoValidRowsOfOneTaskAreARefusal) {
    world.task(70, 7).name("load");
    world.task(71, 7).name("load").state(7);
    expect_refused("duplicate_tasks");
    world.task(71, 7).flag(0);
    run.finish({7});
    expect_ended(7, 6);
}

TEST_F(FinishTest, AnIdWithNothingToEndNeedsAPerson) {
    world.workflow(8).state(7);
    world.workflow(9).state(3);
    const std::string before = world.snapshot();
    run.finish({8, 9, 10});
    EXPECT_EQ(run.fate_of(8), "not_unfinished");
    EXPECT_EQ(run.fate_of(9), "not_unfinished");
    EXPECT_EQ(run.fate_of(10), "unknown");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("There is no workflow instance 10"));
    EXPECT_EQ(world.snapshot(), before);
    EXPECT_THAT(servers.rounds, IsEmpty());
}

TEST_F(FinishTest, ADryRunAsksOnceAndWritesNothing) {
    world.command(7, 1, 0);
    const std::string before = world.snapshot();
    run.finish_options.dry_run = true;
    run.finish({7});
    EXPECT_EQ(run.fate_of(7), "planned");
    EXPECT_EQ(run.outcome(), "planned");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_THAT(run.finish_item(7).tasks_ended, ElementsAre(70));
    EXPECT_EQ(world.snapshot(), before);
    EXPECT_THAT(servers.rounds, SizeIs(1));
}

TEST_F(FinishTest, ABackfillIsNamed) {
    world.workflow(7).command_type(5);
    run.finish({7});
    EXPECT_THAT(run.said(), HasSubstr("Workflows 7 are backfills"));
}

TEST_F(FinishTest, TheClaimOfAnotherRunIsRespected) {
    const auto other = world.registry.open("other");
    const std::vector<std::string> paths = {run_claim_path(kGone)};
    const auto claims = other->claim(paths, "{}");
    const std::string before = world.snapshot();
    run.finish({7});
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(FinishTest, WhatAnotherRunDidBeforeTheClaimWasHadIsSeen) {
    world.registry.before({Kind::claim, run_claim_path(kGone)},
                          [&] { world.workflow(7).state(6); });
    run.finish({7});
    EXPECT_EQ(run.fate_of(7), "not_unfinished");
}

TEST_F(FinishTest, AClaimThatIsLostBeforeTheCommitRollsItBack) {
    world.registry.before({Kind::still_held, run_claim_path(kGone)},
                          [&] { world.registry.end_sessions_of("run"); });
    run.finish({7});
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_EQ(world.workflow(7).state(), 1);
    EXPECT_EQ(world.task(70, 7).state(), 1);
    EXPECT_EQ(run.fate_of(7), "left");
}

}  // namespace
}  // namespace dsfailover
