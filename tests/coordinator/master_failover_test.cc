// failover-master and global: in which order they do what they do, and what they leave where
// something comes between.

#include "coordinator/failover/failover_lock.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/run_claim.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = RegistryCall::Kind;
using Fault = RegistryError::Kind;

const std::string kGoneNode = "/nodes/master/" + kGone;
const std::string kGoneLock = failover_lock_path(kGone);
const std::string kGoneMark = mark_path(kGone, std::nullopt);
const std::string kGoneStamps = stamps_path(kGone);

// That lock and absence are confirmed is seen by these calls: once before the stamp is recorded,
// then in the transaction, right before the commit.
CallMatch lock_confirmed(int nth) { return {Kind::still_held, kGoneLock, nth}; }
CallMatch absence_confirmed(int nth) { return {Kind::get, kGoneNode, nth}; }
constexpr int kBeforeCommit = 2;

class MasterFailoverTest : public WorldTest {
  protected:
    MasterFailoverTest() {
        world.workflow(7);
        world.workflow(8);
    }
    void expect_nothing_committed() {
        expect_untouched(7);
        expect_untouched(8);
        EXPECT_EQ(world.mark_of(kGone), std::nullopt);
    }
    void expect_all_done() {
        EXPECT_EQ(run.exit_code(), 0) << run.said();
        expect_failed_over_once(7, run.master(kGone).stamp);
        expect_failed_over_once(8, run.master(kGone).stamp);
        EXPECT_EQ(world.mark_of(kGone), std::to_string(run.master(kGone).deadline.value()));
    }
    /// Neither locks nor claims outlive a run.
    void expect_nothing_held() {
        const auto client = world.registry.open("test");
        EXPECT_TRUE(client->locks(std::string(paths::kMasterFailoverLocks)).empty());
        EXPECT_TRUE(client->children(std::string(paths::kRuns))
                        .value_or(std::vector<std::string>())
                        .empty());
    }
    void TearDown() override {
        expect_nothing_held();
        WorldTest::TearDown();
    }
};

// The order of things

TEST_F(MasterFailoverTest, TheStampComesBeforeTheFirstCommitAndTheMarkLast) {
    bool stamped = false;
    world.registry.after({Kind::put, kGoneStamps}, [&] {
        stamped = true;
        expect_nothing_committed();
    });
    world.registry.before({Kind::put, kGoneMark}, [&] {
        EXPECT_TRUE(stamped);
        EXPECT_EQ(world.workflow(7).state(), 18);
        EXPECT_EQ(world.workflow(8).state(), 18);
    });
    run.failover_master(kGone);
    EXPECT_EQ(run.outcome(), "completed");
    expect_all_done();
    EXPECT_THAT(world.get(kGoneStamps).value(),
                StartsWith(std::to_string(run.master(kGone).stamp.value()) + "|UTC|" + kLiving));
}

TEST_F(MasterFailoverTest, AllIsDoneUnderClaimAndLock) {
    world.registry.before({Kind::put, kGoneStamps}, [&] {
        const auto other = world.registry.open("other");
        EXPECT_EQ(other->claims(kGoneLock).at(0).description, "run");
        EXPECT_TRUE(other->get(run_claim_path(kGone)));
    });
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, ADryRunSaysWhatWouldBeDoneAndWritesNothing) {
    const std::string before = world.snapshot();
    run.options.dry_run = true;
    run.failover_master(kGone);
    EXPECT_EQ(run.outcome(), "planned");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of(7), "planned");
    EXPECT_EQ(run.master(kGone).mark.value().value, run.master(kGone).deadline);
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(MasterFailoverTest, ALimitLeavesTheRestToAnotherRunWithoutAMark) {
    run.options.limit = 1;
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(run.outcome(), "partial");
    EXPECT_EQ(run.fate_of(7), "failed_over");
    EXPECT_EQ(run.fate_of(8), "left");
    EXPECT_EQ(world.mark_of(kGone), std::nullopt);

    TestRun rest(world);
    rest.failover_master(kGone);
    EXPECT_EQ(rest.exit_code(), 0) << rest.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
    expect_failed_over_once(8, rest.master(kGone).stamp);
    EXPECT_NE(world.mark_of(kGone), std::nullopt);
}

// Alive, gone, and back again

TEST_F(MasterFailoverTest, AMasterThatLivesIsRefused) {
    world.master(kGone);
    const std::string before = world.snapshot();
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_EQ(run.outcome(), "refused");
    EXPECT_THAT(run.said(), HasSubstr("global"));
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(MasterFailoverTest, AMasterThatRegistersBeforeTheLockIsNotFailedOver) {
    world.registry.before({Kind::lock, kGoneLock}, [&] { world.master(kGone, "-1s"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.outcome(), "refused");
    EXPECT_TRUE(run.master(kGone).alive);
    expect_nothing_committed();
    EXPECT_EQ(world.get(kGoneStamps), std::nullopt);
}

TEST_F(MasterFailoverTest, AMasterThatRegistersBeforeTheCommitRollsItBack) {
    world.registry.before(absence_confirmed(kBeforeCommit), [&] { world.master(kGone, "-1s"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.outcome(), "refused");
    expect_nothing_committed();
}

TEST_F(MasterFailoverTest, AMasterThatRegistersAfterTheCommitLeavesWhatWasCommittedAndNoMark) {
    // A thousand, so that a second transaction is left.
    Transaction many(world.database());
    for (std::int64_t id = 100; id < 1100; ++id) world.workflow(id);
    many.commit();
    world.registry.before(absence_confirmed(kBeforeCommit + 1),
                          [&] { world.master(kGone, "-1s"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.master(kGone).workflows.done, 1000);
    EXPECT_EQ(run.master(kGone).workflows.left, 2);
    expect_failed_over_once(7, run.master(kGone).stamp);
    expect_untouched(1099);
    EXPECT_EQ(world.mark_of(kGone), std::nullopt);
}

TEST_F(MasterFailoverTest, AProcessThatStartedAfterTheDeadlineStopsNothing) {
    world.registry.before(absence_confirmed(kBeforeCommit), [&] { world.master(kGone, "+30s"); });
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, AWorkersAddressIsRefused) {
    world.task(70, 7);
    run.failover_master(kGoneWorker);
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_THAT(run.said(), HasSubstr("failover-worker " + kGoneWorker));
    expect_nothing_committed();
}

TEST_F(MasterFailoverTest, AnAddressThatNothingKnowsNeedsAPerson) {
    run.failover_master("127.0.1.1:5679");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("These look like it: " + kGone));
    expect_nothing_committed();
}

// Locks and claims

TEST_F(MasterFailoverTest, ALockThatIsLostBeforeTheCommitRollsItBack) {
    world.registry.before(lock_confirmed(kBeforeCommit), [&] { world.lose_lock(kGone); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_EQ(run.outcome(), "failed");
    expect_nothing_committed();
}

TEST_F(MasterFailoverTest, ALockThatIsLostBeforeTheMarkKeepsTheMarkFromBeingWritten) {
    world.registry.before(lock_confirmed(kBeforeCommit + 1), [&] { world.lose_lock(kGone); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_EQ(world.mark_of(kGone), std::nullopt);
}

TEST_F(MasterFailoverTest, ASessionThatEndsBeforeTheMarkLeavesWhatWasCommitted) {
    world.registry.before({Kind::put, kGoneMark}, [&] { world.registry.end_sessions_of("run"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_THAT(run.said(), HasSubstr("went with the session"));
    expect_failed_over_once(7, run.master(kGone).stamp);
    EXPECT_EQ(world.mark_of(kGone), std::nullopt);

    TestRun again(world);
    again.failover_master(kGone);
    EXPECT_EQ(again.outcome(), "already_failed_over") << again.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
}

TEST_F(MasterFailoverTest, ASessionThatEndsBeforeTheCommitRollsItBack) {
    world.registry.before(absence_confirmed(kBeforeCommit),
                          [&] { world.registry.end_sessions_of("run"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_nothing_committed();
}

TEST_F(MasterFailoverTest, ALockThatAMasterHoldsIsRespected) {
    world.hold_lock(kLiving, kGone);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_THAT(run.master(kGone).lock.value().holder.value(), HasSubstr(kLiving));
    expect_nothing_committed();
    world.give_lock_back(kLiving);
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, TheClaimOfAnotherRunIsRespected) {
    const auto other = world.registry.open("other");
    const std::vector<std::string> paths = {run_claim_path(kGone)};
    const auto claims = other->claim(
        paths, R"({"user":"ops","host":"bastion","process_id":4711,"started_at":"yesterday"})");
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 5);
    EXPECT_THAT(run.said(), HasSubstr("ops@bastion, process 4711"));
    expect_nothing_committed();
    other->release(std::vector<Lock*>{claims[0].get()});
}

TEST_F(MasterFailoverTest, OfTwoRunsAtOnceOneWorks) {
    TestRun other(world, "other");
    world.registry.before({Kind::put, kGoneStamps}, [&] {
        other.failover_master(kGone);
        EXPECT_EQ(other.exit_code(), 5) << other.said();
        expect_nothing_committed();
    });
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, WhatAnotherRunDidBeforeTheClaimWasHadIsNotDoneAgain) {
    TestRun other(world, "other");
    world.registry.before({Kind::claim, run_claim_path(kGone)}, [&] {
        other.failover_master(kGone);
        EXPECT_EQ(other.exit_code(), 0) << other.said();
    });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "already_failed_over");
    expect_failed_over_once(7, other.master(kGone).stamp);
    EXPECT_EQ(world.mark_of(kGone), std::to_string(other.master(kGone).deadline.value()));
}

// One run after the other

TEST_F(MasterFailoverTest, TheSameCommandAgainChangesNothing) {
    run.failover_master(kGone);
    expect_all_done();
    const std::string before = world.snapshot();
    TestRun again(world);
    again.failover_master(kGone);
    EXPECT_EQ(again.exit_code(), 0) << again.said();
    EXPECT_EQ(again.outcome(), "already_failed_over");
    EXPECT_EQ(world.snapshot(), before) << "no second command, and no newer mark";
}

// Where one master lives
TEST_F(MasterFailoverTest, TheOnlyMasterBecomesTheHost) {
    const EpochMs earlier = world.stamp(kLiving, "-1m");
    run.failover_master(kGone);
    expect_all_done();
    const MasterSection master = run.master(kGone);
    EXPECT_EQ(master.new_host, kLiving);
    for (const std::int64_t id : {7, 8}) EXPECT_EQ(world.workflow(id).get("host"), kLiving);
    const std::string stamp = std::to_string(master.stamp.value());
    EXPECT_THAT(world.get(stamps_path(kGone)).value(), HasSubstr(stamp));
    EXPECT_THAT(world.get(stamps_path(kLiving)).value(), HasSubstr(stamp)) << "it is its host now";
    EXPECT_THAT(world.get(stamps_path(kLiving)).value(), HasSubstr(std::to_string(earlier)));
}

TEST_F(MasterFailoverTest, ItsStampIsLaterThanThoseOfBoth) {
    const EpochMs newest = world.stamp(kLiving, "+5s");
    run.failover_master(kGone);
    EXPECT_GT(run.master(kGone).stamp.value(), newest) << run.said();
}

TEST_F(MasterFailoverTest, OfSeveralMastersNobodyKnowsWhoTakesIt) {
    world.master(kOther);
    run.failover_master(kGone);
    expect_all_done();
    EXPECT_EQ(run.master(kGone).new_host, std::nullopt);
    EXPECT_EQ(world.workflow(7).get("host"), kGone);
    EXPECT_EQ(world.get(stamps_path(kLiving)), std::nullopt);
}

TEST_F(MasterFailoverTest, StampsOfTheOnlyMasterThatCannotBeReadLeaveTheHost) {
    world.put(stamps_path(kLiving), "what");
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over") << run.said();
    EXPECT_EQ(world.workflow(7).get("host"), kGone);
}

TEST_F(MasterFailoverTest, WhatAMasterRunsAgainIsLeftToIt) {
    world.master(kOther);
    run.failover_master(kGone);
    world.run_again(7, "+1s");
    world.take_commands(8);
    const std::string before = world.snapshot();
    TestRun again(world);
    again.failover_master(kGone);
    EXPECT_EQ(again.fate_of(7), "running_elsewhere");
    EXPECT_EQ(again.fate_of(8), "settling");
    EXPECT_EQ(again.exit_code(), 3);
    EXPECT_EQ(world.snapshot(), before);
}

// What changes under its hands

TEST_F(MasterFailoverTest, ACommandThatComesBetweenReadingAndCommitIsTheOnlyOne) {
    world.registry.before({Kind::put, kGoneStamps}, [&] { world.command(7, 1, 5); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "command_pending");
    EXPECT_EQ(run.fate_of(8), "failed_over");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(world.commands_of(7).size(), 1U);
    EXPECT_EQ(world.workflow(7).state(), 1);
    expect_failed_over_once(8, run.master(kGone).stamp);
}

// SQLite gives the id that ours had in the transaction that broke to the next command.
TEST_F(MasterFailoverTest, ACommandThatComesInPlaceOfOneThatWasRolledBackIsTheOnlyOne) {
    world.cut_commit({false, [&] {
                          world.command(9);
                          world.command(8, 1, 5);
                      }});
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(8), "command_pending") << run.said();
    EXPECT_EQ(world.commands_of(8).size(), 1U);
    expect_failed_over_once(7, run.master(kGone).stamp);
}

TEST_F(MasterFailoverTest, AWorkflowThatEndsBetweenReadingAndCommitIsLeft) {
    world.registry.before({Kind::put, kGoneStamps}, [&] { world.workflow(7).state(7); });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "state_changed");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.workflow(7).state(), 7);
    EXPECT_TRUE(world.commands_of(7).empty());
    expect_failed_over_once(8, run.master(kGone).stamp);
}

TEST_F(MasterFailoverTest, AWorkflowThatChangesItsStateIsFailedOverIntoTheNewOne) {
    world.registry.before({Kind::put, kGoneStamps}, [&] { world.workflow(7).state(4); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of(7), "failed_over");
    expect_failed_over_once(7, run.master(kGone).stamp, "READY_STOP");
}

TEST_F(MasterFailoverTest, StampsThatAnotherRunChangedAreReadAgainWithAllElse) {
    EpochMs others = 0;
    world.registry.before({Kind::put, kGoneStamps}, [&] {
        others = world.stamp(kGone, "+2s");
        world.workflow(7).restarted_at(others);
    });
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "settling") << "it is the other run's";
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_TRUE(world.commands_of(7).empty());
    EXPECT_GT(run.master(kGone).stamp.value(), others);
    expect_failed_over_once(8, run.master(kGone).stamp);
}

TEST_F(MasterFailoverTest, ALaterMarkIsNotReplacedByAnEarlierOne) {
    world.registry.before({Kind::put, kGoneMark}, [&] { world.mark(kGone, "+1h"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_FALSE(run.master(kGone).mark.value().written);
    EXPECT_EQ(world.mark_of(kGone), std::to_string(world.time("+1h")));
}

// Faults of the registry

TEST_F(MasterFailoverTest, AMarkWhoseAnswerIsLostIsSettledByReading) {
    world.registry.lose_answer({Kind::put, kGoneMark}, Fault::outcome_unknown);
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, AMarkThatWasNotWrittenAfterAllIsWrittenAgain) {
    world.registry.fail({Kind::put, kGoneMark}, Fault::outcome_unknown);
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, AStampWhoseAnswerIsLostIsSettledByReading) {
    world.registry.lose_answer({Kind::put, kGoneStamps}, Fault::outcome_unknown);
    run.failover_master(kGone);
    expect_all_done();
    EXPECT_THAT(world.get(kGoneStamps).value(), Not(HasSubstr(","))) << "one stamp";
}

TEST_F(MasterFailoverTest, AStampThatWasNotWrittenAfterAllIsWrittenAgain) {
    world.registry.fail({Kind::put, kGoneStamps}, Fault::outcome_unknown);
    run.failover_master(kGone);
    expect_all_done();
}

TEST_F(MasterFailoverTest, ARegistryThatIsAwayFromTheBeginningIsTheSurroundings) {
    world.registry.cut_off("run");
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 6);
    world.registry.let_in("run");
    expect_nothing_committed();
}

TEST_F(MasterFailoverTest, ARegistryThatIsAwayBeforeTheCommitRollsItBack) {
    world.registry.before(lock_confirmed(kBeforeCommit), [&] { world.registry.cut_off("run"); });
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 1) << "the stamp is written, so it is no 6; " << run.said();
    expect_nothing_committed();
}

TEST_F(MasterFailoverTest, StampsThatMayNotBeReadEndTheFailoverOfTheirAddressOnly) {
    world.workflow(9).host(kOther);
    world.registry.fail({.path = kGoneStamps, .nth = 0}, Fault::denied);
    run.global();
    EXPECT_EQ(run.exit_code(), 1);
    expect_nothing_committed();
    expect_failed_over_once(9, run.master(kOther).stamp);
}

TEST_F(MasterFailoverTest, AnEmptyRegistryIsTheWrongOne) {
    const auto admin = world.registry.open("admin");
    world.leave(kLiving);
    Removal folder;
    folder.path = paths::kMasters;
    folder.version = admin->get(folder.path).value().version;
    admin->remove({&folder, 1});
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 6);
    expect_nothing_committed();
}

// global

class GlobalTest : public MasterFailoverTest {};

TEST_F(GlobalTest, FailsOverEveryMasterThatLeftSomething) {
    world.workflow(9).host(kOther);
    run.global();
    expect_all_done();
    expect_failed_over_once(9, run.master(kOther).stamp);
    EXPECT_NE(world.mark_of(kOther), std::nullopt);
    EXPECT_EQ(world.workflow(1).state(), 1) << "of the living master";
}

TEST_F(GlobalTest, AMasterThatReturnsDoesNotKeepTheOthers) {
    world.workflow(9).host(kOther);
    world.registry.before({Kind::lock, failover_lock_path(kOther)},
                          [&] { world.master(kGone, "-1s"); });
    run.global();
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.outcome(), "partial");
    expect_nothing_committed();
    expect_failed_over_once(9, run.master(kOther).stamp);
    EXPECT_NE(world.mark_of(kOther), std::nullopt);
}

TEST_F(GlobalTest, ALockThatIsNotToBeHadDoesNotKeepTheOthers) {
    world.hold_lock(kLiving, kGone);
    world.workflow(9).host(kOther);
    run.global();
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_nothing_committed();
    expect_failed_over_once(9, run.master(kOther).stamp);
    world.give_lock_back(kLiving);
}

TEST_F(GlobalTest, ARestartedMasterThatIsReplacedMeanwhileIsLeft) {
    world.master(kGone, "-20m");
    world.task(70, 7).submitted("-30m");
    world.registry.before({Kind::lock, failover_lock_path(kGone)}, [&] {
        world.leave(kGone);
        world.master(kGone, "-1s");
    });
    run.global();
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_THAT(run.said(), HasSubstr("was replaced while we waited"));
    expect_untouched(7);
}

TEST_F(GlobalTest, WhatARestartedMasterLeftIsTakenAndWhatItStartedIsNot) {
    world.master(kGone, "-20m");
    world.task(70, 7).submitted("-30m");
    world.workflow(8).started("-10m");
    run.global();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
    expect_untouched(8);
    EXPECT_EQ(run.master(kGone).deadline, world.startup(kGone));
}

}  // namespace
}  // namespace dsfailover
