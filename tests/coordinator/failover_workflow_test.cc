// failover-workflow: these workflows and no others, by what their hosts are and the masters answer
// (docs/behaviour.md, "One workflow").

#include "coordinator/failover/failover_lock.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Kind = RegistryCall::Kind;

/// kLiving holds workflow 1, which is its control.
template <typename Base>
class OneWorkflow : public Base {
  protected:
    OneWorkflow() {
        servers.holds[kLiving] = {1};
        this->run.servers = &servers;
    }

    /// Every row and node, but for the folder that a claim leaves behind.
    std::string written() {
        std::string all = this->world.snapshot();
        for (const std::string folder : {"/dsfailover/runs", "/dsfailover"}) {
            const std::string line = "/dolphinscheduler" + folder + " = \n";
            if (const auto at = all.find(line); at != std::string::npos) all.erase(at, line.size());
        }
        return all;
    }
    /// Nothing at all is written.
    void expect_left(std::int64_t id, const std::string& fate, int exit_code) {
        const std::string before = written();
        this->run.failover_workflow({id});
        EXPECT_EQ(this->run.fate_of(id), fate) << this->run.said();
        EXPECT_EQ(this->run.exit_code(), exit_code) << this->run.said();
        EXPECT_THAT(this->run.said(),
                    HasSubstr("Nothing was done about workflow instance " + std::to_string(id)));
        EXPECT_EQ(written(), before);
    }
    void expect_taken(std::int64_t id, const std::string& host) {
        this->run.failover_workflow({id});
        EXPECT_EQ(this->run.fate_of(id), "failed_over") << this->run.said();
        EXPECT_EQ(this->run.exit_code(), 0) << this->run.said();
        EXPECT_EQ(this->run.outcome(), "completed");
        this->expect_failed_over_once(id, this->run.master(host).stamp);
        // On releases whose recovery leaves the host alone the one master that lives becomes the
        // host.
        EXPECT_EQ(this->world.workflow(id).get("host"),
                  this->run.master(host).new_host.value_or(host));
        expect_no_mark(host);
    }
    void expect_no_mark(const std::string& host) {
        EXPECT_EQ(this->world.mark_of(host), std::nullopt);
        for (const MasterSection& each : this->run.report.masters.value())
            EXPECT_FALSE(each.mark) << each.address;
    }
    /// What a run gave a workflow that had no host.
    void expect_taken_without_host(std::int64_t id) {
        this->run.failover_workflow({id});
        EXPECT_EQ(this->run.fate_of(id), "failed_over") << this->run.said();
        EXPECT_EQ(this->run.exit_code(), 0) << this->run.said();
        const OthersSection& others = this->run.report.others.value();
        EXPECT_EQ(others.host, kLiving);
        this->expect_failed_over_once(id, others.stamp);
        EXPECT_EQ(this->world.workflow(id).get("host"), kLiving);
        EXPECT_THAT(this->world.get(stamps_path(kLiving)).value_or(""),
                    HasSubstr(std::to_string(others.stamp.value_or(-1))));
        expect_no_mark(kLiving);
    }
    /// Not so long ago that it could be held and idle.
    WorkflowRow of(const std::string& host, std::int64_t id) {
        return this->world.workflow(id).host(host).started("-50m");
    }
    WorkflowRow hostless(std::int64_t id) { return this->world.workflow(id).host(std::nullopt); }

    FakeServers servers;
};

using FailoverWorkflowTest = OneWorkflow<WorldTest>;
using FailoverWorkflowLaterTest = OneWorkflow<LaterReleaseTest>;

// -- its host is gone

TEST_F(FailoverWorkflowTest, OfAHostThatIsGoneItAloneIsFailedOver) {
    world.workflow(7);
    world.workflow(8);
    expect_taken(7, kGone);
    expect_untouched(8);
    EXPECT_EQ(run.fate_of(8), "unseen");
    EXPECT_EQ(run.master(kGone).workflows.selected, 1);
    EXPECT_EQ(run.master(kGone).lock.value().path, failover_lock_path(kGone));
}

TEST_F(FailoverWorkflowTest, ThatLeavesTheOthersToTheFailoverOfTheirMaster) {
    world.workflow(7);
    world.workflow(8).started("-50m");
    expect_taken(7, kGone);
    world.take_commands(7);
    servers.holds[kLiving].insert(7);
    TestRun whole(world, "whole");
    whole.servers = &servers;
    whole.failover_master(kGone);
    EXPECT_EQ(whole.exit_code(), 0) << whole.said();
    EXPECT_EQ(whole.fate_of(7), "unseen");
    EXPECT_EQ(whole.fate_of(8), "failed_over");
}

TEST_F(FailoverWorkflowTest, WhatAnotherMasterHoldsIsLeftToIt) {
    world.workflow(7).command_type(3).started("-50m");
    servers.holds[kLiving].insert(7);
    expect_left(7, "running_elsewhere", 3);
    EXPECT_THAT(run.said(), HasSubstr(kLiving + " holds it"));
    EXPECT_EQ(run.outcome(), "partial");
}

TEST_F(FailoverWorkflowTest, WhatNobodyHoldsOfAHostThatIsGoneIsTaken) {
    world.workflow(7).command_type(3).started("-50m");
    expect_taken(7, kGone);
}

TEST_F(FailoverWorkflowTest, AtAHostThatIsGoneDoubtStaysWhereMastersDoNotAnswer) {
    world.workflow(7).command_type(3).started("-50m");
    servers.silent.insert(kLiving);
    expect_left(7, "in_doubt", 3);
}

TEST_F(FailoverWorkflowTest, AndInDoubtOverrulesItThere) {
    world.workflow(7).command_type(3).started("-50m");
    servers.silent.insert(kLiving);
    run.options.in_doubt.ids = {7};
    expect_taken(7, kGone);
}

TEST_F(FailoverWorkflowTest, AnOldProcessThatHoldsAnotherWorkflowOfItsHostIsNotGone) {
    world.workflow(7);
    world.workflow(8);
    servers.holds[kGone] = {8};
    const std::string before = written();
    run.failover_workflow({7});
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.master(kGone).outcome, Outcome::refused);
    EXPECT_EQ(written(), before);
}

TEST_F(FailoverWorkflowTest, AHostThatComesBackKeepsIt) {
    world.workflow(7);
    world.registry.after({Kind::put, stamps_path(kGone)}, [&] { world.master(kGone, "-1s"); });
    run.failover_workflow({7});
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.master(kGone).outcome, Outcome::refused);
    expect_untouched(7);
}

TEST_F(FailoverWorkflowTest, AnotherRunThatWorksOnTheHostIsWaitedFor) {
    world.workflow(7);
    world.put(run_claim_path(kGone), "somebody");
    run.failover_workflow({7});
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_untouched(7);
}

// -- its host lives

TEST_F(FailoverWorkflowTest, WhatALivingHostHoldsIsRefused) {
    of(kLiving, 7);
    servers.holds[kLiving].insert(7);
    expect_left(7, "running_elsewhere", 4);
    EXPECT_EQ(run.outcome(), "refused");
    EXPECT_EQ(run.master(kLiving).outcome, Outcome::refused);
}

TEST_F(FailoverWorkflowTest, WhatAnotherMasterHoldsIsRefusedAsWell) {
    world.master(kOther);
    of(kLiving, 7);
    servers.holds[kOther] = {7};
    expect_left(7, "running_elsewhere", 4);
    EXPECT_THAT(run.said(), HasSubstr(kOther + " holds it"));
}

TEST_F(FailoverWorkflowTest, WhatALivingHostForgotIsTakenWheneverItStarted) {
    of(kLiving, 7).started("-5m");
    world.task(70, 7).submitted("-4m");
    of(kLiving, 8).started("-5m");
    expect_taken(7, kLiving);
    expect_untouched(8);
    EXPECT_TRUE(run.master(kLiving).alive);
    EXPECT_EQ(run.master(kLiving).deadline, std::nullopt) << "none counts here";
}

TEST_F(FailoverWorkflowTest, SoIsOneOfTheProcessThatRanThereBefore) {
    world.master(kOther, "-10m");
    world.workflow(7).host(kOther);
    expect_taken(7, kOther);
}

TEST_F(FailoverWorkflowTest, OneWithoutAStartTimeToo) {
    of(kLiving, 7).started(std::nullopt);
    expect_taken(7, kLiving);
}

TEST_F(FailoverWorkflowTest, OneThatWasFailedOverBeforeToo) {
    of(kLiving, 7).restarted_at(world.stamp(kLiving, "-10m"));
    expect_taken(7, kLiving);
}

TEST_F(FailoverWorkflowLaterTest, OnLaterReleasesAsWell) {
    of(kLiving, 7).restarted_at(world.stamp(kLiving, "-10m"));
    expect_taken(7, kLiving);
}

TEST_F(FailoverWorkflowTest, AMasterThatDoesNotAnswerRefusesIt) {
    world.master(kOther);
    of(kLiving, 7);
    servers.silent.insert(kOther);
    expect_left(7, "unanswered", 4);
    EXPECT_THAT(run.said(), HasSubstr(kOther + ": it is silent"));
}

TEST_F(FailoverWorkflowTest, NoOptionOverrulesThat) {
    of(kLiving, 7);
    servers.silent.insert(kLiving);
    run.options.in_doubt.ids = {7};
    run.failover_workflow({7});
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    expect_untouched(7);
}

TEST_F(FailoverWorkflowTest, NorIsItTakenWhereNobodyMayBeAsked) {
    run.servers = nullptr;
    of(kLiving, 7);
    expect_left(7, "unanswered", 4);
    EXPECT_THAT(run.said(), HasSubstr("the masters were not asked"));
}

TEST_F(FailoverWorkflowTest, TwoRoundsLieApart) {
    of(kLiving, 7);
    run.options.ask.apart = Millis(200);
    const EpochMs began = now_ms();
    expect_taken(7, kLiving);
    EXPECT_GE(now_ms() - began, 200);
}

TEST_F(FailoverWorkflowTest, WhatIsHeldAndDoesNotMoveIsRefusedToo) {
    of(kLiving, 7).started("-3h");
    servers.holds[kLiving].insert(7);
    expect_left(7, "held_idle", 4);
    EXPECT_THAT(run.said(), HasSubstr("only a restart or --fence of " + kLiving));
}

TEST_F(FailoverWorkflowTest, WhatAMasterHoldsAMomentLaterIsRefused) {
    of(kLiving, 7);
    servers.after_round = [&] { servers.holds[kLiving].insert(7); };
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    EXPECT_EQ(run.exit_code(), 4);
    expect_untouched(7);
}

TEST_F(FailoverWorkflowTest, WhatAMasterTakesBeforeTheCommitIsRefused) {
    of(kLiving, 7);
    of(kLiving, 8);
    world.registry.after({Kind::put, stamps_path(kLiving)},
                         [&] { servers.holds[kLiving].insert(7); });
    run.failover_workflow({7, 8});
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    EXPECT_EQ(run.fate_of(8), "failed_over") << run.said();
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_EQ(run.outcome(), "partial");
    expect_untouched(7);
}

TEST_F(FailoverWorkflowTest, WhoFallsSilentBeforeTheCommitRefuses) {
    of(kLiving, 7);
    world.registry.after({Kind::put, stamps_path(kLiving)},
                         [&] { servers.silent.insert(kLiving); });
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "unanswered") << run.said();
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_THAT(run.said(), Not(HasSubstr("--in-doubt")));
    expect_untouched(7);
}

TEST_F(FailoverWorkflowTest, ACommandThatWaitsIsLeftToTheMasters) {
    of(kLiving, 7);
    world.command(7);
    expect_left(7, "command_pending", 3);
}

// -- it has no host

TEST_F(FailoverWorkflowTest, WithoutAHostItGetsALivingMasterAsHost) {
    hostless(7);
    expect_taken_without_host(7);
}

TEST_F(FailoverWorkflowTest, AnEmptyHostIsNone) {
    world.workflow(7).host("");
    hostless(8).state(4);
    run.failover_workflow({7, 8});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.report.others->stamp);
    expect_failed_over_once(8, run.report.others->stamp, "READY_STOP");
    EXPECT_EQ(world.workflow(7).get("host"), kLiving);
    EXPECT_THAT(*run.report.masters, IsEmpty());
}

TEST_F(FailoverWorkflowTest, WhatAMasterHoldsWithoutAHostIsLeft) {
    hostless(7);
    servers.holds[kLiving].insert(7);
    expect_left(7, "running_elsewhere", 3);
}

TEST_F(FailoverWorkflowTest, WithoutAnswersItMustHaveStoodStill) {
    servers.silent.insert(kLiving);
    hostless(7).started("-1m");
    expect_left(7, "settling", 3);
    world.workflow(7).started("-3m");
    expect_taken_without_host(7);
}

TEST_F(FailoverWorkflowTest, AndSoMustItsTasks) {
    run.servers = nullptr;
    hostless(7);
    world.task(70, 7).submitted("-1m");
    expect_left(7, "settling", 3);
    run.options.unclaimed_after = std::chrono::seconds(30);
    expect_taken_without_host(7);
}

TEST_F(FailoverWorkflowTest, WhatMovesWithoutAHostIsLeftThoughNobodyHoldsIt) {
    hostless(7);
    world.task(70, 7).submitted("+50s");
    expect_left(7, "in_doubt", 3);
}

TEST_F(FailoverWorkflowTest, WhereNoMasterLivesThereIsNoHost) {
    world.leave(kLiving);
    hostless(7);
    expect_left(7, "no_master", 3);
}

TEST_F(FailoverWorkflowTest, ACommandOfAWorkflowWithoutAHostIsWaitedFor) {
    hostless(7);
    world.command(7);
    expect_left(7, "command_pending", 3);
}

TEST_F(FailoverWorkflowTest, WhatAMasterTakesWithoutAHostBeforeTheCommitIsLeft) {
    hostless(7);
    world.registry.after({Kind::put, stamps_path(kLiving)},
                         [&] { servers.holds[kLiving].insert(7); });
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "running_elsewhere") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
    EXPECT_EQ(world.workflow(7).get("host"), std::nullopt);
}

TEST_F(FailoverWorkflowTest, AHostThatDiesBeforeTheCommitIsNoHost) {
    world.master(kOther);
    hostless(7);
    servers.after_round = [&] {  // with the row locked
        if (servers.rounds.size() == 2) world.leave(kLiving);
    };
    run.failover_workflow({7});
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    expect_untouched(7);
    EXPECT_EQ(world.workflow(7).get("host"), std::nullopt);
}

TEST_F(FailoverWorkflowTest, OneThatDiesBeforeItIsAskedAgainMayHoldItStill) {
    world.master(kOther);
    hostless(7);
    world.registry.after({Kind::put, stamps_path(kLiving)}, [&] { world.leave(kLiving); });
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "unanswered") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
    EXPECT_EQ(world.workflow(7).get("host"), std::nullopt);
}

TEST_F(FailoverWorkflowTest, OneThatGetsAHostMeanwhileIsLeft) {
    hostless(7);
    world.registry.after({Kind::put, stamps_path(kLiving)},
                         [&] { world.workflow(7).host(kOther); });
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "state_changed") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    expect_untouched(7);
}

TEST_F(FailoverWorkflowTest, RunsOnWhatHasNoHostExcludeEachOther) {
    hostless(7);
    world.put(run_claim_path(std::nullopt), "somebody");
    run.failover_workflow({7});
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_THAT(run.said(), HasSubstr("/runs/none"));
    expect_untouched(7);
}

// -- any of them

TEST_F(FailoverWorkflowTest, EachOfSeveralHostsGoesItsOwnWay) {
    world.workflow(7);
    of(kLiving, 8);
    of(kLiving, 9);
    servers.holds[kLiving].insert(8);
    hostless(10);
    run.failover_workflow({7, 8, 9, 10});
    for (const std::int64_t id : {7, 9, 10}) EXPECT_EQ(run.fate_of(id), "failed_over") << id;
    EXPECT_EQ(run.fate_of(8), "running_elsewhere");
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(run.outcome(), "partial");
    EXPECT_EQ(run.master(kLiving).outcome, Outcome::partial);
    EXPECT_EQ(run.master(kGone).outcome, Outcome::completed);
}

TEST_F(FailoverWorkflowTest, ADryRunWritesNothing) {
    world.workflow(7);
    of(kLiving, 8);
    hostless(9);
    run.options.dry_run = true;
    const std::string before = world.snapshot();
    run.failover_workflow({7, 8, 9});
    for (const std::int64_t id : {7, 8, 9}) EXPECT_EQ(run.fate_of(id), "planned") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "planned");
    EXPECT_EQ(run.report.others->host, kLiving);
    expect_no_mark(kGone);
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(FailoverWorkflowTest, ADryRunRefusesWhatARunWould) {
    of(kLiving, 7);
    servers.holds[kLiving].insert(7);
    run.options.dry_run = true;
    expect_left(7, "running_elsewhere", 4);
}

TEST_F(FailoverWorkflowTest, WhatIsNotThereOrNotUnfinishedIsSaid) {
    world.workflow(7).state(18);
    world.workflow(8).state(7);
    world.workflow(9).state(0);
    world.workflow(10).host("somewhere");
    const std::string before = world.snapshot();
    run.failover_workflow({7, 8, 9, 10, 999});
    EXPECT_EQ(run.fate_of(7), "in_failover");
    EXPECT_EQ(run.fate_of(8), "not_unfinished");
    EXPECT_EQ(run.fate_of(9), "not_unfinished");
    EXPECT_EQ(run.fate_of(10), "odd_hosts");
    EXPECT_EQ(run.fate_of(999), "unknown");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("its state is SUCCESS"));
    EXPECT_THAT(run.report.problems, SizeIs(5));
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(FailoverWorkflowTest, NamedTwiceItIsFailedOverOnce) {
    world.workflow(7);
    run.failover_workflow({7, 7});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_failed_over_once(7, run.master(kGone).stamp);
}

TEST_F(FailoverWorkflowTest, ASecondRunLeavesItToTheMasters) {
    world.workflow(7);
    expect_taken(7, kGone);
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "in_failover");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(world.commands_of(7), SizeIs(1));
}

TEST_F(FailoverWorkflowTest, OneThatEndsMeanwhileIsLeft) {
    world.workflow(7);
    world.registry.after({Kind::put, stamps_path(kGone)}, [&] { world.workflow(7).state(7); });
    run.failover_workflow({7});
    EXPECT_EQ(run.fate_of(7), "state_changed") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(world.commands_of(7), IsEmpty());
}

TEST_F(FailoverWorkflowTest, ShortListsHideNoReason) {
    of(kLiving, 7);
    servers.holds[kLiving].insert(7);
    run.options.items = 0;
    run.failover_workflow({7, 999});
    EXPECT_THAT(run.report.problems, SizeIs(2)) << run.said();
    EXPECT_EQ(run.exit_code(), 4);
    EXPECT_EQ(run.report.others->workflows.items.omitted(), 1);
}

TEST_F(FailoverWorkflowTest, ALimitLeavesTheRest) {
    world.workflow(7);
    world.workflow(8);
    run.options.limit = 1;
    run.failover_workflow({7, 8});
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    EXPECT_THAT(run.said(), Not(HasSubstr("mark")));
    EXPECT_EQ(world.workflow(7).state() + world.workflow(8).state(), 19);
}

}  // namespace
}  // namespace dsfailover
