// What a failover makes of the masters' answers: the rows of docs/behaviour.md, "Which workflows",
// that they decide, and when they are asked.

#include <thread>

#include "coordinator/failover/failover_lock.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Kind = RegistryCall::Kind;

/// kLiving holds workflow 1, which is its control. A test's workflow 7 of kGone is in doubt by its
/// row: somebody resumed it.
template <typename Base>
class Answers : public Base {
  protected:
    Answers() {
        servers.holds[kLiving] = {1};
        this->world.worker(kLivingWorker);
        this->run.servers = &servers;
    }

    WorkflowRow resumed(std::int64_t id) {
        return this->world.workflow(id).command_type(3).started("-50m");
    }

    void expect_left(const std::string& verdict, int exit_code) {
        const std::string before = this->world.snapshot();
        this->run.failover_master(kGone);
        EXPECT_EQ(this->run.fate_of(7), verdict) << this->run.said();
        EXPECT_EQ(this->run.exit_code(), exit_code) << this->run.said();
        EXPECT_EQ(this->world.snapshot(), before);
    }
    void expect_taken() {
        this->run.failover_master(kGone);
        EXPECT_EQ(this->run.fate_of(7), "failed_over") << this->run.said();
        EXPECT_EQ(this->run.exit_code(), 0) << this->run.said();
        this->expect_failed_over_once(7, this->run.master(kGone).stamp);
        EXPECT_EQ(item(7).reason, "not_held");
    }
    WorkflowItem item(std::int64_t id) {
        const MasterSection master = this->run.master(kGone);
        for (const WorkflowItem& one : master.workflows.items.kept())
            if (one.id == id) return one;
        ADD_FAILURE() << "no item for " << id;
        return {};
    }
    /// How often the living master was asked about a workflow.
    std::ptrdiff_t questions_about(std::int64_t id) {
        std::ptrdiff_t count = 0;
        for (const auto& round : servers.rounds)
            for (const Inquiry& inquiry : round)
                if (inquiry.address == kLiving)
                    count += std::count(inquiry.ids.begin(), inquiry.ids.end(), id);
        return count;
    }
    /// Does something when the masters were asked for the nth time.
    void after_round(std::size_t nth, std::function<void()> act) {
        servers.after_round = [this, nth, act = std::move(act)] {
            if (servers.rounds.size() == nth) act();
        };
    }

    FakeServers servers;
};

using AnswersTest = Answers<WorldTest>;
using AnswersOfLaterReleasesTest = Answers<LaterReleaseTest>;

TEST_F(AnswersTest, WhatAMasterHoldsRunsThere) {
    resumed(7);
    servers.holds[kLiving].insert(7);
    expect_left("running_elsewhere", 0);
    EXPECT_EQ(item(7).held_by, kLiving);
    EXPECT_EQ(questions_about(7), 1) << "no lock and no grace time could change that";
    EXPECT_THAT(run.said(), Not(HasSubstr("doubt")));
    const MasterAsked& master = run.report.masters_asked.value().at(0);
    EXPECT_EQ(master.address, kLiving);
    EXPECT_EQ(master.control, "passed");
    EXPECT_EQ(master.held, 2);
}

TEST_F(AnswersTest, WhatTwoMastersHoldNeedsAPerson) {
    world.master(kOther, "-1h");
    resumed(7);
    servers.holds[kLiving].insert(7);
    servers.holds[kOther] = {7};
    expect_left("running_elsewhere", 3);
    EXPECT_EQ(item(7).held_by, kLiving + ", " + kOther);
    EXPECT_THAT(run.said(), HasSubstr("held by two masters"));
}

TEST_F(AnswersTest, WhatNobodyHoldsIsFailedOver) {
    resumed(7);
    expect_taken();
    EXPECT_EQ(questions_about(7), 3) << "before the locks, under them, and with the row locked";
    EXPECT_NE(world.mark_of(kGone), std::nullopt);
}

TEST_F(AnswersTest, OneAlreadyRecoveredByAMarkIsTakenIfNobodyHoldsIt) {
    world.put(mark_path(kGone, std::nullopt), std::to_string(world.time("-1m")));
    world.workflow(7);
    expect_taken();
}

TEST_F(AnswersTest, WhatCarriesAnOlderStampIsTakenIfNobodyHoldsIt) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m"));
    expect_taken();
}

TEST_F(AnswersOfLaterReleasesTest, AtALivingAddressAnOlderStampIsDoneBeforeUnlessNobodyHoldsIt) {
    world.master(kGone, "-20m");
    run.process = ProcessIdentity{world.time("-2h"), 4711};
    world.put(mark_path(kGone, run.process), "0");
    world.workflow(7).restarted_at(world.stamp(kGone, "-30m"));
    servers.holds[kGone] = {7};
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    servers.holds.erase(kGone);
    expect_taken();
}

TEST_F(AnswersTest, WhatANewProcessTookByItsTasksIsTakenIfNobodyHoldsIt) {
    world.master(kGone, "-20m");
    run.process = ProcessIdentity{world.time("-2h"), 4711};
    world.put(mark_path(kGone, run.process), "0");
    world.workflow(7);
    world.task(70, 7).submitted("-10m");
    expect_taken();
}

TEST_F(AnswersTest, AWaitingCommandOutweighsThatNobodyHoldsIt) {
    resumed(7);
    world.command(7);
    expect_left("command_pending", 3);
}

TEST_F(AnswersTest, WhatMovesThoughNobodyHoldsItMayRunOutsideTheRegistry) {
    resumed(7);
    world.task(70, 7).submitted("+10s");
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "in_doubt") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
    EXPECT_THAT(run.said(), HasSubstr("a process that is not in the registry may run it."));
    EXPECT_THAT(run.said(), Not(HasSubstr("Not every living master")));
}

TEST_F(AnswersTest, ASilentMasterLeavesTheDoubtAndIsNamed) {
    resumed(7);
    servers.silent.insert(kLiving);
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "in_doubt");
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
    EXPECT_THAT(run.said(), HasSubstr(kLiving + ": it is silent"));
}

TEST_F(AnswersTest, OneThatHoldsNothingOfItsOwnIsAnotherClusters) {
    resumed(7);
    servers.holds[kLiving].clear();
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "in_doubt") << run.said();
    EXPECT_EQ(run.report.masters_asked.value().at(0).control, "failed");
}

TEST_F(AnswersTest, WhereNoMasterLivesNobodyCanSay) {
    world.leave(kLiving);
    resumed(7);
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "in_doubt") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("no master lives"));
}

TEST_F(AnswersTest, AMasterThatRegistersMeanwhileIsAskedAsWell) {
    resumed(7);
    servers.holds[kOther] = {7};
    after_round(1, [&] { world.master(kOther, "-1s"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    EXPECT_EQ(item(7).held_by, kOther);
    expect_untouched(7);
}

TEST_F(AnswersTest, OneThatRegistersWhileTheRowIsLockedIsAskedBeforeTheNextCommit) {
    resumed(7);
    after_round(3, [&] { world.master(kOther, "-1s"); });
    expect_taken();
    EXPECT_THAT(run.master(kGone).workflows.skipped, IsEmpty());
    EXPECT_EQ(run.master(kGone).workflows.selected, 1);
    EXPECT_THAT(run.report.masters_asked.value(), SizeIs(2));
}

TEST_F(AnswersTest, WhatAMasterTakesBeforeTheCommitIsLeftToIt) {
    resumed(7);
    resumed(8);
    world.workflow(9);
    after_round(1, [&] { servers.holds[kLiving].insert(7); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    EXPECT_EQ(item(7).held_by, kLiving);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_untouched(7);
    for (const std::int64_t id : {8, 9}) expect_failed_over_once(id, run.master(kGone).stamp);
}

TEST_F(AnswersTest, WhoFallsSilentBeforeTheCommitLeavesTheDoubt) {
    resumed(7);
    world.workflow(9);
    after_round(1, [&] { servers.silent.insert(kLiving); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "in_doubt") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
    expect_failed_over_once(9, run.master(kGone).stamp);
}

TEST_F(AnswersTest, WithTheRowLockedNobodyIsWaitedForMoreThanASecond) {
    resumed(7);
    run.options.ask.timeout = Millis(30'000);
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
    ASSERT_GE(servers.timeouts.size(), 2U);
    EXPECT_EQ(servers.timeouts.front(), Millis(30'000));
    EXPECT_EQ(servers.timeouts.back(), Millis(1000));
}

TEST_F(AnswersTest, WhoIsMissingWhileTheRowIsLockedMayHoldItAll) {
    world.master(kOther, "-1h");
    resumed(7);
    after_round(2, [&] { world.leave(kOther); });
    expect_taken();
    EXPECT_EQ(questions_about(7), 5) << "the first commit was not made: it is read and asked again";
    EXPECT_THAT(run.report.masters_asked.value().at(1).problem.value_or(""),
                HasSubstr("it was alive a moment ago"));
}

TEST_F(AnswersTest, NobodyIsAskedAboutWhatIsNotInDoubt) {
    world.workflow(7);
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over");
    ASSERT_THAT(servers.rounds, SizeIs(1)) << "the old process alone";
    ASSERT_THAT(servers.rounds[0], SizeIs(1));
    EXPECT_EQ(servers.rounds[0][0].address, kGone);
    EXPECT_EQ(run.report.masters_asked, std::nullopt);
}

TEST_F(AnswersTest, UnlessAllAreToBeAskedAbout) {
    world.workflow(7);
    world.workflow(8).started("-50m");
    run.options.ask.about = AskAbout::all;
    servers.holds[kLiving].insert(8);
    expect_taken();
    EXPECT_EQ(run.fate_of(8), "running_elsewhere");
    expect_untouched(8);
}

TEST_F(AnswersTest, ADryRunAsksOnceAndSaysSo) {
    resumed(7);
    run.options.dry_run = true;
    const std::string before = world.snapshot();
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "planned") << run.said();
    EXPECT_EQ(item(7).reason, "not_held_once");
    EXPECT_EQ(questions_about(7), 1);
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(AnswersTest, GlobalAsksAboutEveryAddress) {
    resumed(7);
    resumed(8).host(kOther);
    servers.holds[kLiving].insert(8);
    run.global();
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_untouched(8);
}

TEST_F(AnswersTest, BeyondTheLimitWhatWouldBeConcludedWithoutAskingStands) {
    for (const std::int64_t id : {7, 8, 9}) resumed(id);
    run.options.ask.limit = 2;
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(8), "failed_over");
    EXPECT_EQ(run.fate_of(9), "in_doubt");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("not asked about 1 workflow"));
    EXPECT_THAT(run.said(), HasSubstr("--ask-limit leaves some out"));
    EXPECT_THAT(run.said(), Not(HasSubstr("no master lives")));
}

TEST_F(AnswersTest, WhatWasSeenOnlyAMomentAgoIsAskedAboutAgain) {
    resumed(7);
    run.options.ask.apart = Millis(300);
    const EpochMs began = now_ms();
    expect_taken();
    EXPECT_EQ(questions_about(7), 4) << "under the locks too early, and again";
    EXPECT_GE(now_ms() - began, 300);
}

TEST_F(AnswersTest, AMasterThatHoldsItAMomentLaterIsHeard) {
    resumed(7);
    run.options.ask.apart = Millis(200);
    after_round(2, [&] { servers.holds[kLiving].insert(7); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    expect_untouched(7);
}

TEST_F(AnswersTest, TheTimeBeginsAnewWhereTheRowChangedSinceTheFirstLook) {
    resumed(7);
    run.options.ask.apart = Millis(300);
    world.registry.before({Kind::lock, failover_lock_path(kGone)}, [&] {
        std::this_thread::sleep_for(Millis(350));
        world.workflow(7).restarted("-5m");
    });
    const EpochMs began = now_ms();
    expect_taken();
    EXPECT_GE(now_ms() - began, 650);
}

TEST_F(AnswersTest, TheTimeCountsFromTheEndOfALookThatTakesLong) {
    resumed(7);
    run.options.ask.apart = Millis(400);
    world.registry.before({std::nullopt, stamps_path(kGone)},
                          [&] { std::this_thread::sleep_for(Millis(300)); });
    const EpochMs began = now_ms();
    expect_taken();
    EXPECT_GE(now_ms() - began, 700);
}

TEST_F(AnswersTest, InDoubtOverrulesOnlyWhereMastersDoNotAnswer) {
    resumed(7);
    servers.silent.insert(kLiving);
    run.options.in_doubt.ids = {7};
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
}

TEST_F(AnswersTest, NorDoesItTakeWhatAnotherRunTookMeanwhile) {
    servers.silent.insert(kLiving);
    world.workflow(7).restarted_at(world.stamp(kGone, "+10s"));
    run.options.in_doubt.ids = {7};
    run.failover_master(kGone);
    EXPECT_NE(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.workflow(7).state(), 1);
    EXPECT_THAT(world.commands_of(7), IsEmpty());
}

TEST_F(AnswersTest, WhatIsNamedAndHeldIsLeftAndNeedsAPerson) {
    resumed(7);
    servers.holds[kLiving].insert(7);
    run.options.in_doubt.ids = {7};
    expect_left("running_elsewhere", 3);
    EXPECT_THAT(run.said(),
                HasSubstr("--in-doubt names workflow instance 7, which runs: " + kLiving));
}

TEST_F(AnswersTest, WhatIsHeldAndDoesNotMoveNeedsAPerson) {
    resumed(7).started("-3h");
    world.task(70, 7).host(kLivingWorker).submitted("-2h");
    servers.holds[kLiving].insert(7);
    expect_left("held_idle", 3);
    EXPECT_EQ(item(7).held_by, kLiving);
    EXPECT_THAT(run.said(), HasSubstr("only a restart or --fence of " + kLiving));
    EXPECT_EQ(run.report.workers_asked.value().at(0).unknown_task, 1);
}

TEST_F(AnswersTest, ATaskThatItsWorkerStillRunsIsNoStandstill) {
    resumed(7).started("-3h");
    world.task(70, 7).host(kLivingWorker).submitted("-2h");
    servers.holds[kLiving].insert(7);
    servers.holds[kLivingWorker] = {70};
    expect_left("running_elsewhere", 0);
}

TEST_F(AnswersTest, NorIsAWorkerThatDoesNotAnswer) {
    resumed(7).started("-3h");
    world.task(70, 7).host(kLivingWorker).submitted("-2h");
    servers.holds[kLiving].insert(7);
    servers.silent.insert(kLivingWorker);
    expect_left("running_elsewhere", 0);
}

TEST_F(AnswersTest, NorATaskThatWaitsForOthersInItsMaster) {
    resumed(7).started("-3h");
    world.task(70, 7).host(kLiving).submitted("-2h");
    servers.holds[kLiving].insert(7);
    expect_left("running_elsewhere", 0);
    EXPECT_EQ(run.report.workers_asked, std::nullopt);
}

TEST_F(AnswersTest, NorATaskThatEndedWithinTheHour) {
    resumed(7).started("-3h");
    world.task(70, 7).host(kLivingWorker).state(7).submitted("-50m");
    servers.holds[kLiving].insert(7);
    expect_left("running_elsewhere", 0);
}

TEST_F(AnswersTest, AnOldProcessThatHoldsItsWorkflowsIsNotGone) {
    world.workflow(7);
    servers.holds[kGone] = {7};
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.master(kGone).old_process, OldProcess::holds);
    expect_untouched(7);
    EXPECT_EQ(world.mark_of(kGone), std::nullopt);
}

TEST_F(AnswersTest, NorInADryRun) {
    world.workflow(7);
    servers.holds[kGone] = {7};
    run.options.dry_run = true;
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
}

TEST_F(AnswersTest, AnExactOldProcessGetsItsMarkFirstAndIsWaitedFor) {
    world.workflow(7);
    servers.holds[kGone] = {7};
    run.process = ProcessIdentity{world.time("-2h"), 4711};
    run.options.fence_timeout = Millis(5000);
    after_round(2, [&] {
        EXPECT_EQ(world.get(mark_path(kGone, run.process)), "0");
        servers.holds.erase(kGone);
    });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_TRUE(run.master(kGone).fence.value().stopped);
    EXPECT_EQ(world.get(mark_path(kGone, run.process)),
              std::to_string(run.master(kGone).deadline.value()));
}

TEST_F(AnswersTest, OneThatDoesNotObeyKeepsItsWorkflowsAndLosesTheMark) {
    world.workflow(7);
    servers.holds[kGone] = {7};
    run.process = ProcessIdentity{world.time("-2h"), 4711};
    run.options.fence_timeout = Millis(0);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    expect_untouched(7);
    EXPECT_EQ(world.get(mark_path(kGone, run.process)), std::nullopt);
}

TEST_F(AnswersTest, WhatAnswersAndHoldsNothingIsWarnedOf) {
    world.workflow(7);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.master(kGone).old_process, OldProcess::answers);
    EXPECT_THAT(run.said(), HasSubstr("holds none of the workflows"));
    EXPECT_EQ(run.report.masters_asked, std::nullopt) << "no master was";
}

TEST_F(AnswersTest, AHungOneIsSpokenOf) {
    world.workflow(7);
    servers.silent.insert(kGone);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.master(kGone).old_process, OldProcess::silent);
}

TEST_F(AnswersTest, ALeakedLockIsPassedWhereEveryMasterAnswers) {
    world.hold_lock(kLiving, kGone);
    world.mark(kGone, "-30m");
    world.workflow(7).started("-10m");
    world.workflow(8).started("-10m");
    servers.holds[kLiving].insert(8);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of(7), "failed_over");
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_EQ(run.fate_of(8), "running_elsewhere") << "all is asked about then";
    expect_untouched(8);
    EXPECT_THAT(run.said(), HasSubstr("looks leaked: it was passed"));
}

TEST_F(AnswersTest, PastALockThatWasPassedALostClaimRollsBack) {
    world.hold_lock(kLiving, kGone);
    world.mark(kGone, "-30m");
    world.workflow(7).started("-10m");
    const auto other = world.registry.open("another run");
    world.registry.before({Kind::still_held, run_claim_path(kGone)}, [&] {
        const std::string path = run_claim_path(kGone);
        Removal removal{path, other->get(path).value().version, RemoveOutcome::failed, ""};
        other->remove({&removal, 1});
    });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_untouched(7);
}

TEST_F(AnswersTest, OtherwiseItIsRespected) {
    world.hold_lock(kLiving, kGone);
    world.mark(kGone, "-30m");
    world.workflow(7).started("-10m");
    servers.silent.insert(kLiving);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_untouched(7);
}

TEST_F(AnswersTest, ALockThatMayBeInUseIsRespectedWhateverTheMastersAnswer) {
    world.hold_lock(kLiving, kGone);
    world.workflow(7);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_untouched(7);
}

TEST_F(AnswersTest, UnderAPassedLockASilentMasterLeavesAllInDoubt) {
    world.hold_lock(kLiving, kGone);
    world.mark(kGone, "-30m");
    world.workflow(7).started("-10m");
    after_round(1, [&] { servers.silent.insert(kLiving); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    EXPECT_EQ(run.fate_of(7), "in_doubt");
    expect_untouched(7);
}

/// Recovery, with --wait.
class RecoveryTest : public Answers<WorldTest> {
  protected:
    RecoveryTest() {
        world.workflow(7);
        run.options.wait = Millis(0);
    }
    /// A master takes the command right before the run waits for it.
    void take_before_the_wait() {
        world.registry.before({Kind::release, failover_lock_path(kGone)},
                              [&] { world.take_commands(7); });
    }
    RecoveryInfo recovery() { return run.master(kGone).recovery.value(); }
};

TEST_F(RecoveryTest, WhatAMasterTookAndHoldsIsRecovered) {
    take_before_the_wait();
    servers.holds[kLiving].insert(7);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(recovery().recovered, 1);
    EXPECT_EQ(recovery().unproven, 0);
}

TEST_F(RecoveryTest, ItsHolderBecomesItsHost) {
    world.master(kOther);
    take_before_the_wait();
    servers.holds[kLiving].insert(7);
    run.failover_master(kGone);
    EXPECT_EQ(recovery().rehosted, 1) << run.said();
    EXPECT_EQ(world.workflow(7).get("host"), kLiving);
    const auto stamps = parse_stamps(world.get(stamps_path(kLiving)).value_or(""));
    ASSERT_TRUE(stamps && !stamps->empty());
    EXPECT_EQ(world.workflow(7).restart_time(), stamps->back().value);
}

TEST_F(RecoveryTest, UnlessItIsNotToBe) {
    world.master(kOther);
    take_before_the_wait();
    servers.holds[kLiving].insert(7);
    run.options.rehost = false;
    run.failover_master(kGone);
    EXPECT_EQ(world.workflow(7).get("host"), kGone);
}

TEST_F(RecoveryTest, WhatIsFinishedIs) {
    world.registry.before({Kind::release, failover_lock_path(kGone)}, [&] {
        world.take_commands(7);
        world.workflow(7).state(7);
    });
    servers.silent.insert(kLiving);
    run.failover_master(kGone);
    EXPECT_EQ(recovery().recovered, 1);
}

TEST_F(RecoveryTest, WhereTheMastersDoNotAnswerItIsUnproven) {
    take_before_the_wait();
    servers.silent.insert(kLiving);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(recovery().recovered, 1);
    EXPECT_EQ(recovery().unproven, 1);
}

TEST_F(RecoveryTest, SoItIsWhereNobodyIsAsked) {
    take_before_the_wait();
    run.servers = nullptr;
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(recovery().recovered, 1);
    EXPECT_EQ(recovery().unproven, 1);
}

TEST_F(RecoveryTest, WhatIsFinishedIsWhoeverIsAsked) {
    world.registry.before({Kind::release, failover_lock_path(kGone)}, [&] {
        world.take_commands(7);
        world.workflow(7).state(7);
    });
    run.servers = nullptr;
    run.failover_master(kGone);
    EXPECT_EQ(recovery().recovered, 1);
    EXPECT_EQ(recovery().unproven, 0);
}

/// The same of requeue.
class RequeuedRecoveryTest : public Answers<WorldTest> {
  protected:
    RequeuedRecoveryTest() {
        world.workflow(7).state(18);
        run.requeue_options.wait = Millis(0);
        // A master takes the command before the run looks for it.
        const auto claim = RegistryCall::Kind::release;
        world.registry.before({claim, run_claim_path(kGone)}, [&] {
            world.take_commands(7);
            world.workflow(7).state(1);
        });
    }
    RecoveryInfo recovery() { return run.report.recovery.value(); }
};

TEST_F(RequeuedRecoveryTest, WhoHoldsItIsAskedAndBecomesItsHost) {
    world.master(kOther);
    servers.after_round = [&] { servers.holds[kLiving].insert(7); };  // not yet when it is selected
    run.requeue();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(recovery().recovered, 1);
    EXPECT_EQ(recovery().unproven, 0);
    EXPECT_EQ(recovery().rehosted, 1);
    EXPECT_EQ(world.workflow(7).get("host"), kLiving);
}

TEST_F(RequeuedRecoveryTest, UnlessItIsNotToBe) {
    world.master(kOther);
    servers.after_round = [&] { servers.holds[kLiving].insert(7); };
    run.requeue_options.rehost = false;
    run.requeue();
    EXPECT_EQ(recovery().recovered, 1) << run.said();
    EXPECT_EQ(recovery().rehosted, 0);
    EXPECT_EQ(world.workflow(7).get("host"), kGone);
}

TEST_F(RequeuedRecoveryTest, WhereNobodyIsAskedItIsUnproven) {
    run.servers = nullptr;
    run.requeue();
    EXPECT_EQ(recovery().recovered, 1) << run.said();
    EXPECT_EQ(recovery().unproven, 1);
}

TEST_F(RecoveryTest, WhatNobodyHoldsYetIsPending) {
    take_before_the_wait();
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    EXPECT_EQ(recovery().recovered, 0);
    EXPECT_EQ(recovery().pending, 1);
    EXPECT_THAT(run.said(), HasSubstr("1 command was taken by a master, and no living master is "
                                      "seen to hold its workflow yet"));
    EXPECT_THAT(run.said(), Not(HasSubstr("not taken by a master")));
}

TEST_F(RecoveryTest, ARegistryThatIsAwayForAMomentIsAskedAgain) {
    run.options.wait = Millis(10'000);
    bool away = false;
    world.registry.before({Kind::release, failover_lock_path(kGone)}, [&] {
        world.take_commands(7);
        away = true;
    });
    servers.holds[kLiving].insert(7);
    servers.after_round = [&] {
        if (std::exchange(away, false))
            throw RegistryError(RegistryError::Kind::unreachable, "it is away");
    };
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(recovery().recovered, 1);
}

TEST_F(RecoveryTest, TheCountsAreTrueWhateverEndsTheWatch) {
    world.workflow(8);
    world.registry.before({Kind::release, failover_lock_path(kGone)}, [&] {
        world.take_commands(7);
        world.take_commands(8);
        world.workflow(8).state(7);
    });
    servers.after_round = [&] {
        if (world.workflow(8).state() == 7)
            throw RegistryError(RegistryError::Kind::other, "no way on");
    };
    run.failover_master(kGone);
    EXPECT_NE(run.exit_code(), 0);
    EXPECT_EQ(recovery().recovered, 1);
    EXPECT_EQ(recovery().pending, 1);
}

}  // namespace
}  // namespace dsfailover
