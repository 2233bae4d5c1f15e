// Parents that a person resumed, and their children: who gives the child its next command.

#include <fmt/format.h>

#include "base/clock.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kFailureTasks = 3;

/// Workflow 9 of kGone is the parent: resumed an hour ago, its task 90 points to the child, 10. No
/// master holds either, unless a test says so.
template <typename Base>
class Families : public Base {
  protected:
    Families() {
        servers.holds[kLiving] = {1};
        this->run.servers = &servers;
        parent().command_type(kFailureTasks).started("-2h").restarted("-1h");
        this->world.task(90, 9)
            .type("SUB_WORKFLOW")
            .host(kGone)
            .app_link(R"({"subWorkflowInstanceId":10})");
        child().started("-55m");
        this->world.relate(9, 10);
    }
    WorkflowRow parent() { return this->world.workflow(9); }
    WorkflowRow child() { return this->world.workflow(10); }
    TestRun& fail_over() { return this->run.failover_master(kGone); }

    void expect_parent_left(const std::string& said) {
        fail_over();
        EXPECT_EQ(this->run.fate_of(9), "child_running") << this->run.said();
        EXPECT_EQ(this->run.exit_code(), 3);
        EXPECT_THAT(this->run.said(), HasSubstr(said));
        EXPECT_EQ(parent().state(), 1);
        EXPECT_THAT(this->world.commands_of(9), IsEmpty());
    }

    FakeServers servers;
};

class ResumedParents : public Families<WorldTest> {};
class ResumedParentsOfLaterReleases : public Families<LaterReleaseTest> {};

TEST_F(ResumedParents, OneWhoseChildIsHeldIsLeft) {
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    expect_parent_left("left because of its child 10, held by 127.0.1.2:5678");
    expect_untouched(10);
}

TEST_F(ResumedParentsOfLaterReleases, OneWhoseChildIsHeldIsLeft) {
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    expect_parent_left("left because of its child 10, held by 127.0.1.2:5678");
}

TEST_F(ResumedParentsOfLaterReleases, WhatStandsBehindOneThatIsLeftIsFailedOver) {
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    world.workflow(12);
    expect_parent_left("left because of its child 10");
    EXPECT_EQ(run.fate_of(12), "failed_over") << run.said();
}

TEST_F(ResumedParentsOfLaterReleases, WithoutAnAnswerAChildElsewhereMayRun) {
    run.servers = nullptr;
    child().host(kLiving);
    expect_parent_left("child 10 (RUNNING_EXECUTION), of which not every living master said");
}

/// This machine's clock, and what it is put ahead by.
class ClockAhead : public Clock {
  public:
    ClockAhead() { use_clock(this); }
    ~ClockAhead() override { use_clock(nullptr); }
    EpochMs now() override {
        const auto machines = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::floor<Millis>(machines + by).count();
    }
    void wait(Millis duration) override { by += duration; }

    Millis by{0};
};

TEST_F(ResumedParentsOfLaterReleases, AChildThatMovedInTheRunIsNotSelectedAnyMore) {
    run.servers = nullptr;
    ClockAhead clock;
    world.registry.before({RegistryCall::Kind::lock, failover_lock_path(kGone)}, [&] {
        clock.by = Millis(10'000);
        world.task(100, 10).submitted("+9s");
    });
    expect_parent_left("left because of its child 10");
    EXPECT_EQ(run.fate_of(10), "running_elsewhere");
}

TEST_F(ResumedParents, OneWhoseChildHasACommandIsLeft) {
    child().state(0).host(kLiving);
    world.command(10, 1, 3);
    expect_parent_left("child 10, for which a command waits");
}

TEST_F(ResumedParents, OneWhoseChildGetsACommandBeforeTheCommitIsLeft) {
    child().host(kLiving).state(7);
    world.registry.before({RegistryCall::Kind::put, stamps_path(kGone)}, [&] {
        child().state(0);
        world.command(10, 1, 3);
    });
    expect_parent_left("child 10, for which a command waits");
    EXPECT_EQ(world.commands_of(10).size(), 1U);
}

TEST_F(ResumedParents, AChildThatNobodyHoldsIsLeftToItsParent) {
    fail_over();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(10), "by_parent");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(child().state(), 1);
    EXPECT_THAT(world.commands_of(10), IsEmpty());
    EXPECT_THAT(run.said(), Not(HasSubstr("starts its child anew")));
}

TEST_F(ResumedParents, AlsoWhereItsOwnRowSelectsIt) {
    run.servers = nullptr;
    run.options.in_doubt.ids = {9};
    fail_over();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(10), "by_parent");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
}

TEST_F(ResumedParents, AlsoWhereAnotherMasterRanIt) {
    child().host(kOther);
    run.global();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(10), "by_parent");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
}

TEST_F(ResumedParents, TheNextRunLeavesTheChildToTheParentThatWaits) {
    fail_over();
    TestRun next(world, "next");
    next.servers = &servers;
    next.failover_master(kGone);
    EXPECT_EQ(next.fate_of(10), "by_parent") << next.said();
    EXPECT_THAT(world.commands_of(10), IsEmpty());
}

TEST_F(ResumedParents, AndToTheOneThatWasTakenUpAMomentAgo) {
    fail_over();
    world.take_commands(9);
    servers.holds[kLiving].insert(9);
    TestRun next(world, "next");
    next.servers = &servers;
    next.failover_master(kGone);
    EXPECT_EQ(next.fate_of(10), "by_parent") << next.said();
}

TEST_F(ResumedParents, ButNotToOneThatHasItBehindItself) {
    parent().host(kLiving).restarted("-1h");
    servers.holds[kLiving].insert(9);
    fail_over();
    EXPECT_EQ(run.fate_of(10), "failed_over") << run.said();
}

TEST_F(ResumedParents, NorToOneWhoseTaskHasEnded) {
    world.task(90, 9).state(7);
    fail_over();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(10), "failed_over");
    EXPECT_THAT(run.said(), HasSubstr("starts its child anew"));
}

TEST_F(ResumedParents, NorToOneThatStartsANewChild) {
    world.task(90, 9).app_link("");
    fail_over();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(10), "failed_over");
}

TEST_F(ResumedParents, NorToOneThatNobodyResumed) {
    parent().command_type(0);
    fail_over();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.fate_of(10), "failed_over");
    EXPECT_THAT(run.said(), HasSubstr("with the child 10 (workflow-10)"));
}

TEST_F(ResumedParents, AParentThatIsLeftDoesNotKeepItsOtherChild) {
    world.task(91, 9).type("SUB_WORKFLOW").host(kGone).app_link(R"({"subWorkflowInstanceId":11})");
    world.workflow(11).host(kLiving).started("-55m");
    world.relate(9, 11);
    servers.holds[kLiving].insert(11);
    expect_parent_left("its child 11, held by");
    EXPECT_EQ(run.fate_of(10), "failed_over") << run.said();
}

TEST_F(ResumedParents, AChildThatEndedIsInNobodysWay) {
    child().state(6);
    fail_over();
    EXPECT_EQ(run.fate_of(9), "failed_over") << run.said();
    EXPECT_EQ(run.exit_code(), 0);
}

TEST_F(ResumedParents, ADryRunSaysTheSame) {
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    run.options.dry_run = true;
    expect_parent_left("left because of its child 10");
}

TEST_F(ResumedParents, NamedByInDoubtItIsSaidWhyNothingWasDone) {
    run.servers = nullptr;
    child().host(kLiving);
    run.options.in_doubt.ids = {9};
    expect_parent_left("--in-doubt names workflow instance 9, which is child_running: 10 ");
}

TEST_F(ResumedParents, FailoverWorkflowLeavesItToo) {
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    run.failover_workflow({9});
    EXPECT_EQ(run.fate_of(9), "child_running") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("Nothing was done about workflow instance 9"));
}

TEST_F(ResumedParents, WithoutAHostToo) {
    parent().host(std::nullopt);
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    run.failover_workflow({9});
    EXPECT_EQ(run.fate_of(9), "child_running") << run.said();
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(parent().state(), 1);
}

TEST_F(ResumedParents, ExplainSaysWhatAFailoverWouldDo) {
    child().host(kLiving);
    servers.holds[kLiving].insert(10);
    run.explain({9});
    const ExplainedWorkflow& explained = run.report.explained->kept().front();
    EXPECT_EQ(explained.verdict, "child_running");
    EXPECT_THAT(explained.conclusion, HasSubstr("its child 10, held by 127.0.1.2:5678"));
    EXPECT_EQ(explained.next, std::nullopt);
}

TEST_F(ResumedParents, ExplainSaysOfAChildThatItsParentComesToIt) {
    run.explain({9, 10});
    std::map<std::int64_t, std::string> verdicts;
    for (const ExplainedWorkflow& one : run.report.explained->kept())
        verdicts[one.id] = one.verdict;
    EXPECT_EQ(verdicts[9], "selected");
    EXPECT_EQ(verdicts[10], "by_parent");
}

}  // namespace
}  // namespace dsfailover
