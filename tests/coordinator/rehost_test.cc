// rehost: workflows that another master holds than the one that is their host (docs/behaviour.md,
// "Rehost").

#include "coordinator/failover/failover_stamps.h"
#include "coordinator/run_claim.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = RegistryCall::Kind;

/// kLiving holds workflow 1, whose host it is, and workflow 7, whose host is gone.
template <typename Base>
class Rehosting : public Base {
  protected:
    Rehosting() {
        servers.holds[kLiving] = {1, 7};
        this->run.servers = &servers;
        this->world.workflow(7);
    }

    /// The newest stamp of a host.
    std::optional<EpochMs> stamp(const std::string& host = kLiving) {
        const auto stamps = parse_stamps(this->world.get(stamps_path(host)).value_or(""));
        if (!stamps || stamps->empty()) return std::nullopt;
        return stamps->back().value;
    }
    void expect_rehosted(std::int64_t workflow, const std::string& holder = kLiving) {
        EXPECT_EQ(this->run.fate_of(workflow), "rehosted") << this->run.said();
        EXPECT_EQ(this->world.workflow(workflow).get("host"), holder);
        EXPECT_EQ(this->world.workflow(workflow).restart_time(), stamp(holder));
        EXPECT_NE(stamp(holder), std::nullopt);
    }
    void expect_left(std::int64_t workflow, const std::string& why) {
        EXPECT_EQ(this->run.fate_of(workflow), why) << this->run.said();
        EXPECT_EQ(this->world.workflow(workflow).get("host"), kGone);
        EXPECT_EQ(this->world.workflow(workflow).restart_time(), std::nullopt);
    }
    const RehostSection& section() { return this->run.report.rehost.value(); }

    FakeServers servers;
};

using RehostTest = Rehosting<WorldTest>;
using RehostLaterTest = Rehosting<LaterReleaseTest>;

TEST_F(RehostTest, TheHolderBecomesTheHostWithAStampOfItsOwn) {
    world.workflow(8).host(std::nullopt).state(2);
    world.workflow(9).host(kOther).state(4);
    servers.holds[kLiving].insert({8, 9});
    run.rehost();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "completed");
    for (const std::int64_t id : {7, 8, 9}) expect_rehosted(id);
    EXPECT_EQ(world.workflow(9).state(), 4);
    EXPECT_EQ(section().selected, 3);
    EXPECT_EQ(section().done, 3);
    const auto items = section().items.kept();
    ASSERT_THAT(items, SizeIs(3)) << "the one that is in its place is not listed";
    EXPECT_EQ(items[0].host, kGone);
    EXPECT_EQ(items[0].holder, kLiving);
    EXPECT_TRUE(items[0].name);
    EXPECT_EQ(world.workflow(1).restart_time(), std::nullopt);
    EXPECT_EQ(stamp(kGone), std::nullopt);
    EXPECT_EQ(run.report.masters_asked.value().at(0).held, 4);
}

TEST_F(RehostTest, TheStampIsThereBeforeTheRow) {
    world.registry.before({Kind::put, stamps_path(kLiving)},
                          [&] { EXPECT_EQ(world.workflow(7).get("host"), kGone); });
    world.registry.after({Kind::put, stamps_path(kLiving)},
                         [&] { EXPECT_EQ(world.workflow(7).get("host"), kGone); });
    run.rehost();
    expect_rehosted(7);
}

TEST_F(RehostTest, EachGoesToItsOwnHolder) {
    world.master(kOther);
    world.workflow(8).host(kLiving);
    servers.holds[kOther] = {8};
    run.rehost();
    expect_rehosted(7);
    expect_rehosted(8, kOther);
}

TEST_F(RehostTest, TheSameCommandAgainFindsNothing) {
    run.rehost();
    const std::string before = world.snapshot();
    run.rehost();
    EXPECT_EQ(run.outcome(), "nothing_to_do");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.snapshot(), before);
    run.rehost({7});
    EXPECT_EQ(run.fate_of(7), "in_place");
    EXPECT_EQ(run.exit_code(), 3) << "it was named";
    EXPECT_THAT(run.said(), HasSubstr("its host already"));
}

TEST_F(RehostTest, AFailoverOfTheOldHostLeavesItAlone) {
    run.rehost();
    TestRun failover(world);
    failover.failover_master(kGone);
    EXPECT_EQ(failover.fate_of(7), "unseen");
    EXPECT_EQ(world.workflow(7).state(), 1);
}

TEST_F(RehostTest, WhatNobodyHoldsOrIsInFailoverIsNotMisplaced) {
    world.workflow(8);
    world.workflow(9).state(18);
    servers.holds[kLiving].insert(9);
    run.rehost();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_left(8, "unseen");
    expect_left(9, "unseen");
}

TEST_F(RehostTest, NamedTheyNeedAPerson) {
    world.workflow(8);
    world.workflow(9).state(18);
    run.rehost({7, 8, 9, 10});
    expect_rehosted(7);
    expect_left(8, "not_held");
    expect_left(9, "not_unfinished");
    EXPECT_EQ(run.fate_of(10), "unknown");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(run.outcome(), "partial");
}

TEST_F(RehostTest, OnlyWhatIsNamedIsTaken) {
    world.workflow(8);
    servers.holds[kLiving].insert(8);
    run.rehost({8});
    expect_rehosted(8);
    expect_left(7, "unseen");
}

TEST_F(RehostTest, WhatTwoMastersHoldIsLeft) {
    world.master(kOther);
    servers.holds[kOther] = {7};
    run.rehost();
    expect_left(7, "held_by_two");
    EXPECT_EQ(run.exit_code(), 3);
}

TEST_F(RehostTest, WhereAMasterDoesNotAnswerNothingIsKnown) {
    world.master(kOther);
    servers.silent.insert(kOther);
    run.rehost();
    expect_left(7, "unseen");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(section().skipped.at(SkipReason::unanswered), 2);
    EXPECT_THAT(run.said(), HasSubstr(kOther + ": it is silent"));
    run.rehost({7});
    expect_left(7, "unanswered");
}

TEST_F(RehostTest, ARowThatChangesMeanwhileIsLeft) {
    world.workflow(8);
    servers.holds[kLiving].insert(8);
    world.registry.before({Kind::put, stamps_path(kLiving)}, [&] { world.workflow(7).state(4); });
    run.rehost();
    expect_left(7, "state_changed");
    expect_rehosted(8);
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(section().selected, 1);
}

// The holder writes host and state, and a restart_time only if it had one.
TEST_F(RehostTest, ACommitWithoutAnAnswerIsKnownAgainWhereTheWorkflowEndedSince) {
    world.cut_commit({true, [&] { world.workflow(7).state(7).host(kGone).ended("+1s"); }});
    run.rehost();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.fate_of(7), "rehosted");
}

TEST_F(RehostTest, SoItIsAlthoughTheRegistryIsAway) {
    world.cut_commit({true, [&] { world.registry.cut_off("run"); }});
    run.rehost();
    expect_rehosted(7);
}

TEST_F(RehostTest, ACommitWithoutAnAnswerOrEffectIsMadeAgain) {
    world.cut_commit({false, [] {}});
    run.rehost();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_rehosted(7);
}

TEST_F(RehostTest, WhatWaitsForASlotOfATaskGroupComesFirst) {
    for (const std::int64_t id : {8, 9}) {
        world.workflow(id);
        servers.holds[kLiving].insert(id);
    }
    world.task(80, 8).state(0);
    world.task(90, 9).state(0).group(3);
    run.rehost_options.limit = 1;
    run.rehost();
    expect_rehosted(9);
    expect_left(7, "left");
    expect_left(8, "left");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(section().left, 2);
    EXPECT_THAT(run.said(), HasSubstr("--limit: 2 workflows"));
}

TEST_F(RehostTest, StampsThatCannotBeReadLeaveTheirHoldersWorkflows) {
    world.master(kOther);
    world.workflow(8);
    servers.holds[kOther] = {8};
    world.put(stamps_path(kLiving), "of another version");
    run.rehost();
    expect_left(7, "failed");
    expect_rehosted(8, kOther);
    EXPECT_EQ(run.exit_code(), 1);
}

TEST_F(RehostTest, ADryRunWritesNothing) {
    const std::string before = world.snapshot();
    run.rehost_options.dry_run = true;
    run.rehost();
    EXPECT_EQ(run.fate_of(7), "planned");
    EXPECT_EQ(run.outcome(), "planned");
    EXPECT_EQ(world.snapshot(), before);
    EXPECT_THAT(servers.rounds, SizeIs(1));
}

TEST_F(RehostTest, BeyondTheLimitNobodyIsAsked) {
    run.rehost_options.ask.limit = 1;
    run.rehost();
    expect_left(7, "unseen");
    EXPECT_THAT(run.said(), HasSubstr("1 unfinished workflow was not asked about"));
}

TEST_F(RehostTest, TheClaimsOfBothHostsAreRespected) {
    const auto other = world.registry.open("other");
    for (const std::string& host : {kGone, kLiving}) {
        const std::vector<std::string> paths = {run_claim_path(host)};
        const auto claims = other->claim(paths, "{}");
        run.rehost();
        EXPECT_EQ(run.exit_code(), 5) << run.said();
        expect_left(7, "left");
    }
}

TEST_F(RehostTest, AClaimThatIsLostBeforeTheCommitRollsItBack) {
    world.registry.before({Kind::still_held, run_claim_path(kGone)},
                          [&] { world.registry.end_sessions_of("run"); });
    run.rehost();
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_left(7, "left");
}

TEST_F(RehostLaterTest, WhereRecoverySetsTheHostThereIsNothingToDo) {
    const std::string before = world.snapshot();
    run.rehost();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "nothing_to_do");
    EXPECT_THAT(run.said(), HasSubstr("nothing to rehost"));
    EXPECT_EQ(world.snapshot(), before);
    EXPECT_THAT(servers.rounds, IsEmpty());
}

}  // namespace
}  // namespace dsfailover
