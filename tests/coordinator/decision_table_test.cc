// The table of docs/behaviour.md, "Which workflows", row by row and end to end: what is set up,
// what failover-master says of it, and what stands in tables and registry afterwards. Row 4 needs
// masters that answer, and does not apply yet.

#include "coordinator/failover/failover_lock.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using Kind = RegistryCall::Kind;

/// What every row's test does with workflow 7.
class Verdicts {
  protected:
    static void left(World& world, TestRun& run, const std::string& verdict, int exit_code) {
        const std::string before = world.snapshot();
        run.failover_master(kGone);
        EXPECT_EQ(run.fate_of(7), verdict) << run.said();
        EXPECT_EQ(run.exit_code(), exit_code) << run.said();
        EXPECT_EQ(world.snapshot(), before) << "no stamp, no mark, no lock for nothing";
    }
    /// A new process lives at kGone since 20 minutes; the one that is meant has its fence already.
    static void restart(World& world, TestRun& run) {
        world.master(kGone, "-20m");
        run.process = ProcessIdentity{world.time("-2h"), 4711};
        world.put(mark_path(kGone, run.process), "0");
    }
};

class DecisionTable : public WorldTest, protected Verdicts {
  protected:
    void expect_left(const std::string& verdict, int exit_code) {
        left(world, run, verdict, exit_code);
    }
    void expect_taken() {
        run.failover_master(kGone);
        EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
        EXPECT_EQ(run.exit_code(), 0) << run.said();
        EXPECT_EQ(run.outcome(), "completed");
        const MasterSection master = run.master(kGone);
        expect_failed_over_once(7, master.stamp);
        EXPECT_EQ(world.get(mark_path(kGone, run.process)), std::to_string(master.deadline.value()))
            << "the mark's value is the deadline";
    }
    /// Something happens after the look without locks.
    void when_the_locks_are_taken(std::function<void()> act) {
        world.registry.before({Kind::lock, failover_lock_path(kGone)}, std::move(act));
    }
};

class DecisionTableOfLaterReleases : public LaterReleaseTest, protected Verdicts {};

TEST_F(DecisionTable, Row1_WithoutAHostItIsNobodys) {
    world.workflow(7).host(std::nullopt);
    const std::string before = world.snapshot();
    run.global();
    EXPECT_EQ(run.exit_code(), 0);
    EXPECT_EQ(run.outcome(), "nothing_to_do");
    EXPECT_THAT(run.said(), HasSubstr("1 unfinished workflow has no host"));
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(DecisionTable, Row1_AHostThatIsNoAddressNeedsAPerson) {
    world.workflow(7).host("somewhere");
    const std::string before = world.snapshot();
    run.global();
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("\"somewhere\", which is not HOST:PORT"));
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(DecisionTable, Row2_WhatCarriesTheRunsOwnStampIsItsOwnWork) {
    world.workflow(7);
    world.workflow(8).host(kOther);
    run.options.limit = 10;  // so that the second master's stamp comes after the first one's commit
    world.registry.before({Kind::still_held, failover_lock_path(kOther)},
                          [&] { world.take_commands(7); });
    run.global();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of(7), "failed_over");
    EXPECT_EQ(world.workflow(7).state(), 1) << "a master runs it again";
    EXPECT_TRUE(world.commands_of(7).empty()) << "and it gets no second command";
    EXPECT_TRUE(run.master(kGone).workflows.skipped.empty()) << "nor is it counted twice";
    EXPECT_NE(world.mark_of(kGone), std::nullopt);
    expect_failed_over_once(8, run.master(kOther).stamp);
}

TEST_F(DecisionTable, Row3_WhatStartedAfterAGivenEventTimeIsNotMeant) {
    world.workflow(7).started("-10m");
    run.event_time = world.time("-30m");
    expect_left("started_after_deadline", 0);
}

TEST_F(DecisionTable, Row3_WhatWasRestartedAfterItNeither) {
    world.workflow(7).started("-1h").restarted("-10m");
    run.event_time = world.time("-30m");
    expect_left("started_after_deadline", 0);
}

TEST_F(DecisionTable, Row3_WhatANewProcessStartedIsItsOwn) {
    restart(world, run);
    world.workflow(7).started("-10m");
    expect_left("started_after_deadline", 0);
}

TEST_F(DecisionTable, Row3_AStampIsNoStart) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m"));
    run.event_time = world.time("-30m");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row5_ACommandWaits) {
    world.workflow(7);
    world.command(7);
    expect_left("command_pending", 3);
}

TEST_F(DecisionTable, Row5_OfWhateverType) {
    world.workflow(7);
    world.command(7, 1, 5);
    expect_left("command_pending", 3);
}

TEST_F(DecisionTable, Row6_SeenInFailoverBeforeAndTakenSince) {
    world.workflow(7).state(18);
    world.command(7);
    world.workflow(8);
    when_the_locks_are_taken([&] { world.take_commands(7); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "running_elsewhere");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_untouched(7);
    expect_failed_over_once(8, run.master(kGone).stamp);
}

TEST_F(DecisionTable, Row6_SeenWithACommandBeforeAndTakenSince) {
    world.workflow(7);
    world.command(7);
    world.workflow(8);
    when_the_locks_are_taken([&] { world.take_commands(7); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "running_elsewhere");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_untouched(7);
    expect_failed_over_once(8, run.master(kGone).stamp);
}

// A run that lasts less than five seconds looks at tasks only where it needs them anyway, as here
// for row 15, which would leave this one in doubt.
TEST_F(DecisionTable, Row7_ATaskMovesWhileTheRunIsUnderWay) {
    world.workflow(7).command_type(4);
    world.task(70, 7).submitted("+10s");
    expect_left("running_elsewhere", 0);
}

TEST_F(DecisionTable, Row7_ATaskThatMovedBeforeTheRunSaysNothing) {
    world.workflow(7);
    world.task(70, 7).submitted("-1s");
    expect_taken();
}

TEST_F(DecisionTable, Row8_AStampWrittenInAnotherZone) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-1h", "-05:00"), "-05:00");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row9_StampedAndATaskMovedSince) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m", "UTC", {kLiving}));
    world.task(70, 7).submitted("-5m");
    expect_left("running_elsewhere", 0);
}

TEST_F(DecisionTable, Row9_StampedJustNow) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-2m", "UTC", {kLiving}));
    expect_left("settling", 3);
}

TEST_F(DecisionTable, Row9_StampedAndNothingMovedSince) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m", "UTC", {kLiving}));
    world.task(70, 7).submitted("-20m");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row9_AMasterThatLivedThenIsGone) {
    world.master(kOther);
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m", "UTC", {kLiving, kOther}));
    world.task(70, 7).submitted("-5m");
    world.leave(kOther);
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row9_NoMasterLives) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m"));
    world.task(70, 7).submitted("-5m");
    world.leave(kLiving);
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTableOfLaterReleases, Row9_IsNotForThem) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m", "UTC", {kLiving}));
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_GT(run.master(kGone).stamp.value(), world.time("-10m"));
}

TEST_F(DecisionTableOfLaterReleases, Row10_StampedAtAnAddressThatLives) {
    restart(world, run);
    world.workflow(7).restarted_at(world.stamp(kGone, "-30m"));
    left(world, run, "done_before", 0);
}

TEST_F(DecisionTable, Row11_WhatStartedAfterItsMasterWasGoneShowsAWrongClock) {
    world.workflow(7).started("+30s");
    world.workflow(8);
    expect_left("started_after_deadline", 3);
    EXPECT_THAT(run.said(), HasSubstr("a clock or --time-zone is wrong"));
    expect_untouched(8);
}

TEST_F(DecisionTable, Row12_ANewProcessLivesAndItNeverStarted) {
    restart(world, run);
    world.workflow(7).started(std::nullopt);
    world.task(70, 7).submitted("-10m");
    expect_left("no_start_time", 0);
}

TEST_F(DecisionTable, Row13_ANewProcessLivesAndATaskMovedUnderIt) {
    restart(world, run);
    world.workflow(7);
    world.task(70, 7).submitted("-30m").started("-10m");
    expect_left("running_elsewhere", 0);
}

TEST_F(DecisionTable, Row13_ANewProcessLivesAndNoTaskIsOlderThanIt) {
    restart(world, run);
    world.workflow(7);
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row14_ANewProcessLivesAndAllTasksAreOfTheOldOne) {
    restart(world, run);
    world.workflow(7);
    world.task(70, 7).submitted("-30m");
    expect_taken();
    EXPECT_EQ(run.master(kGone).deadline, world.startup(kGone));
}

TEST_F(DecisionTable, Row14_UnlessAMarkRaisesADoubt) {
    restart(world, run);
    world.workflow(7);
    world.task(70, 7).submitted("-50m");
    world.mark(kGone, "-40m");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row15_AMarkIsNewerAndATaskMovedSince) {
    world.workflow(7);
    world.mark(kGone, "-30m");
    world.task(70, 7).submitted("-5m");
    expect_left("running_elsewhere", 0);
}

TEST_F(DecisionTable, Row15_AMarkIsOfJustNow) {
    world.workflow(7);
    world.mark(kGone, "-2m");
    expect_left("settling", 3);
}

TEST_F(DecisionTable, Row15_AMarkIsNewerAndNothingMovedSince) {
    world.workflow(7);
    world.mark(kGone, "-30m");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row15_AMasterDiedAfterTheTaskMoved) {
    world.workflow(7);
    world.mark(kGone, "-30m");
    world.task(70, 7).submitted("-10m");
    world.mark(kOther, "-5m");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row15_APersonResumedIt) {
    world.workflow(7).command_type(3);
    expect_left("in_doubt", 3);
    world.workflow(7).command_type(4);
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row15_AMarkCannotBeRead) {
    world.workflow(7);
    world.mark_reading(kGone, "not a number");
    expect_left("in_doubt", 3);
}

TEST_F(DecisionTable, Row15_AnOlderMarkRaisesNoDoubt) {
    world.workflow(7);
    world.mark(kGone, "-90m");
    expect_taken();
}

TEST_F(DecisionTableOfLaterReleases, Row15_IsNotForThem) {
    world.workflow(7).command_type(4);
    world.mark(kGone, "-30m");
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
}

TEST_F(DecisionTable, Row16_AllElseIsFailedOver) {
    world.workflow(7);
    expect_taken();
}

TEST_F(DecisionTable, Row16_IntoTheStateItWasIn) {
    world.workflow(7).state(2);
    world.workflow(8).state(4);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp, "READY_PAUSE");
    expect_failed_over_once(8, run.master(kGone).stamp, "READY_STOP");
}

TEST_F(DecisionTable, FinishedWorkflowsAndThoseOfOthersAreNoCandidates) {
    world.workflow(7).state(7);
    world.workflow(8).state(3);
    world.workflow(9).host("127.0.1.1:567");
    const std::string before = world.snapshot();
    run.failover_master(kGone);
    EXPECT_EQ(run.outcome(), "nothing_to_do");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.snapshot(), before);
}

// --in-doubt

TEST_F(DecisionTable, InDoubtAllTakesThoseInDoubtAndNoOthers) {
    world.workflow(7).command_type(4);                           // row 15, in doubt
    world.workflow(8).restarted_at(world.stamp(kGone, "-10m"));  // row 9, running elsewhere
    world.task(80, 8).submitted("-5m");
    world.workflow(9);  // row 5
    world.command(9);
    run.options.in_doubt.all = true;
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(8), "running_elsewhere");
    EXPECT_EQ(run.fate_of(9), "command_pending");
    EXPECT_EQ(run.exit_code(), 3);
    expect_failed_over_once(7, run.master(kGone).stamp);
}

TEST_F(DecisionTable, WhatRunsElsewhereIsTakenByItsId) {
    world.workflow(8).restarted_at(world.stamp(kGone, "-10m"));
    world.task(80, 8).submitted("-5m");
    run.options.in_doubt.ids = {8};
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(8, run.master(kGone).stamp);
}

TEST_F(DecisionTable, GlobalSaysOfAnIdThatNothingWasDoneAboutIt) {
    run.options.in_doubt.ids = {99999};
    run.global();
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("--in-doubt names workflow instance 99999, which is no"));
}

TEST_F(DecisionTable, AHostIsAnIPv6AddressAsJavaPrintsIt) {
    const std::string gone = "fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831:5678";
    world.workflow(7).host(gone);
    run.failover_master(gone);
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(gone).stamp);
    EXPECT_TRUE(world.mark_of(gone));
}

TEST_F(DecisionTable, NoIdOverrulesACommandThatWaits) {
    world.workflow(7);
    world.command(7);
    run.options.in_doubt.ids = {7};
    expect_left("command_pending", 3);
}

}  // namespace
}  // namespace dsfailover
