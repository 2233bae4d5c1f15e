// requeue: workflows in state FAILOVER that have no command (docs/behaviour.md, "Requeue"). That
// masters do not take a command is watched for 15 seconds, and tested end to end.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coordinator/failover/failover_stamps.h"
#include "coordinator/requeue/command_exchange.h"
#include "coordinator/run_claim.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using Kind = RegistryCall::Kind;
using Fault = RegistryError::Kind;

const std::string kGoneStamps = stamps_path(kGone);

class RequeueTest : public WorldTest {
  protected:
    RequeueTest() { world.workflow(7).state(18); }
    /// The newest stamp of kGone.
    std::optional<EpochMs> stamp() {
        const auto stamps = parse_stamps(world.get(kGoneStamps).value_or(""));
        if (!stamps || stamps->empty()) return std::nullopt;
        return stamps->back().value;
    }
    void expect_without_command() {
        EXPECT_EQ(world.workflow(7).state(), 18);
        EXPECT_TRUE(world.commands_of(7).empty());
        EXPECT_EQ(world.workflow(7).restart_time(), std::nullopt);
    }
};

TEST_F(RequeueTest, AWorkflowWithoutACommandGetsOne) {
    run.requeue();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.outcome(), "completed");
    EXPECT_EQ(run.fate_of(7), "requeued");
    expect_failed_over_once(7, stamp());
}

TEST_F(RequeueTest, TheStampIsRecordedBeforeTheCommand) {
    world.registry.before({Kind::put, kGoneStamps}, [&] { expect_without_command(); });
    world.registry.after({Kind::put, kGoneStamps}, [&] {
        EXPECT_NE(stamp(), std::nullopt);
        expect_without_command();
    });
    run.requeue();
    expect_failed_over_once(7, stamp());
}

TEST_F(RequeueTest, OfManyStampsOnlyThoseThatNobodyMayNeedAreDropped) {
    std::vector<std::string> values;
    // 30 are older than an hour; the others a run that has not committed yet may be about to use.
    for (int minutes = 90; minutes > 60; --minutes)
        values.push_back(std::to_string(world.time(fmt::format("-{}m", minutes))));
    for (int minutes = 59; minutes > 9; --minutes)
        values.push_back(std::to_string(world.time(fmt::format("-{}m", minutes))));
    world.put(kGoneStamps, fmt::format("{}", fmt::join(values, ",")));
    run.requeue();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    const auto stamps = parse_stamps(world.get(kGoneStamps).value_or(""));
    ASSERT_TRUE(stamps);
    EXPECT_EQ(stamps->size(), 64U);
    values.erase(values.begin(), values.begin() + 30);
    values.insert(values.begin(), 20, std::to_string(world.time("-30m")));
    world.put(kGoneStamps, fmt::format("{}", fmt::join(values, ",")));
    world.workflow(8).state(18);
    run.requeue({8});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(parse_stamps(world.get(kGoneStamps).value_or(""))->size(), 71U);
}

/// An exchange of a command, without the watching before it.
ExchangeResult exchange(World& world, std::int64_t command, std::int64_t workflow) {
    const auto registry = world.registry.open("run");
    AuditLog audit;
    Report report;
    const Schema schema = read_schema(world.database());
    const OpenCluster cluster{*registry, &world.database(), TimeZone(), audit};
    const RunContext context = run_context(cluster, schema, report);
    const auto rows = WorkflowInstanceStore(context.store()).by_ids({&workflow, 1}, false);
    return exchange_command(context, {command, rows.at(0), world.time("+1s")}, [] {});
}

TEST_F(RequeueTest, AnExchangedCommandIsTheOnlyOne) {
    const std::int64_t old = world.command(7);
    const ExchangeResult result = exchange(world, old, 7);
    EXPECT_EQ(result.kind, ExchangeResult::Kind::exchanged);
    const auto commands = world.commands_of(7);
    ASSERT_EQ(commands.size(), 1U);
    EXPECT_EQ(commands[0].id, result.command_id);
    EXPECT_NE(commands[0].id, old);
}

TEST_F(RequeueTest, BesideAnotherCommandNoneIsExchanged) {
    const std::int64_t one = world.command(7), other = world.command(7);
    EXPECT_EQ(exchange(world, one, 7).kind, ExchangeResult::Kind::several);
    const auto commands = world.commands_of(7);
    ASSERT_EQ(commands.size(), 2U);
    EXPECT_EQ(commands[0].id, one);
    EXPECT_EQ(commands[1].id, other);
}

TEST_F(RequeueTest, AFailoverAfterwardsKnowsThatItWasRecovered) {
    run.requeue();
    world.take_commands(7);
    TestRun failover(world);
    failover.failover_master(kGone);
    EXPECT_EQ(failover.fate_of(7), "settling");
    EXPECT_TRUE(world.commands_of(7).empty());
}

TEST_F(RequeueTest, TheLostCommandTellsTheState) {
    world.failed_command(7, 4, "no worker group");
    run.requeue_options.as = 1;
    run.requeue();
    expect_failed_over_once(7, stamp(), "READY_STOP");
    EXPECT_THAT(run.said(), HasSubstr("--as was not used"));
}

TEST_F(RequeueTest, ThenTheOption) {
    world.task(70, 7).state(9);
    run.requeue_options.as = 2;
    run.requeue();
    expect_failed_over_once(7, stamp(), "READY_PAUSE");
}

TEST_F(RequeueTest, ThenTheTasks) {
    world.task(70, 7).state(9);  // KILL
    world.workflow(8).state(18);
    world.task(80, 8).state(3);  // PAUSE
    run.requeue();
    expect_failed_over_once(7, stamp(), "READY_STOP");
    expect_failed_over_once(8, stamp(), "READY_PAUSE");
}

TEST_F(RequeueTest, ACommandThatMayStillBeTakenIsLeft) {
    world.command(7);
    const std::string before = world.snapshot();
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "command_pending");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(RequeueTest, SeveralCommandsNeedAPerson) {
    world.command(7);
    world.command(7);
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "several_commands");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(world.commands_of(7).size(), 2U);
}

TEST_F(RequeueTest, WhatWouldFailAgainIsNotRequeued) {
    world.task(70, 7).name("load");
    world.task(71, 7).name("load");
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "duplicate_tasks");
    EXPECT_EQ(run.exit_code(), 3);
    expect_without_command();
}

TEST_F(RequeueTest, OnlyWhatIsNamedIsTaken) {
    world.workflow(8).state(18);
    world.workflow(9);
    run.requeue({8, 9, 10});
    EXPECT_EQ(run.fate_of(7), "unseen");
    EXPECT_EQ(run.fate_of(8), "requeued");
    EXPECT_EQ(run.fate_of(9), "not_in_failover");
    EXPECT_EQ(run.fate_of(10), "unknown");
    EXPECT_EQ(run.exit_code(), 3) << "there is no 10";
    expect_without_command();
}

TEST_F(RequeueTest, TheSameCommandAgainAddsNone) {
    run.requeue();
    const std::string before = world.snapshot();
    TestRun again(world);
    again.requeue();
    EXPECT_EQ(again.fate_of(7), "command_pending");
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(RequeueTest, ADryRunWritesNothing) {
    const std::string before = world.snapshot();
    run.requeue_options.dry_run = true;
    run.requeue();
    EXPECT_EQ(run.outcome(), "planned");
    EXPECT_EQ(run.fate_of(7), "planned");
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(RequeueTest, ACommandThatComesBeforeTheCommitIsTheOnlyOne) {
    world.registry.before({Kind::put, kGoneStamps}, [&] { world.command(7); });
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "command_pending");
    EXPECT_EQ(world.commands_of(7).size(), 1U);
    EXPECT_EQ(world.workflow(7).restart_time(), std::nullopt);
}

TEST_F(RequeueTest, ACommandThatComesKeepsNoOtherFromGettingOne) {
    world.workflow(8).state(18);
    world.workflow(9).state(18);
    world.registry.before({Kind::put, kGoneStamps}, [&] { world.command(8); });
    run.requeue();
    EXPECT_EQ(run.fate_of(8), "command_pending");
    EXPECT_EQ(world.commands_of(8).size(), 1U);
    EXPECT_EQ(world.workflow(8).restart_time(), std::nullopt);
    for (const int id : {7, 9}) {
        EXPECT_EQ(run.fate_of(id), "requeued");
        expect_failed_over_once(id, stamp());
    }
}

TEST_F(RequeueTest, AWorkflowThatIsTakenBeforeTheCommitIsLeft) {
    world.registry.before({Kind::put, kGoneStamps}, [&] {
        world.command(7);
        world.take_commands(7);
    });
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "state_changed");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    expect_untouched(7);
}

TEST_F(RequeueTest, WhatAMasterTakesBetweenTwoReadingsIsNotStuck) {
    world.command(7);
    world.before_reading("workflow_instance_priority FROM t_ds_command",
                         [&] { world.take_commands(7); });
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "state_changed");
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(stamp(), std::nullopt) << "it was not selected";
}

TEST_F(RequeueTest, WhoseCommandFailsBetweenTwoReadingsIsStuck) {
    world.command(7);
    world.before_reading("workflow_instance_priority FROM t_ds_command",
                         [&] { world.database().execute("DELETE FROM t_ds_command"); });
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    EXPECT_EQ(world.commands_of(7).size(), 1U);
}

TEST_F(RequeueTest, TheClaimOfAnotherRunIsRespected) {
    const auto other = world.registry.open("other");
    const std::vector<std::string> paths = {run_claim_path(kGone)};
    const auto claims = other->claim(paths, "{}");
    const std::string before = world.snapshot();
    run.requeue();
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(RequeueTest, WhatAnotherRunDidBeforeTheClaimWasHadIsNotDoneAgain) {
    TestRun other(world, "other");
    world.registry.before({Kind::claim, run_claim_path(kGone)}, [&] { other.requeue(); });
    run.requeue();
    EXPECT_EQ(other.fate_of(7), "requeued");
    EXPECT_EQ(run.fate_of(7), "command_pending");
    EXPECT_EQ(world.commands_of(7).size(), 1U);
}

TEST_F(RequeueTest, AClaimThatIsLostBeforeTheCommitRollsItBack) {
    world.registry.before({Kind::still_held, run_claim_path(kGone)},
                          [&] { world.registry.end_sessions_of("run"); });
    run.requeue();
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    expect_without_command();
}

TEST_F(RequeueTest, ARegistryThatIsAwayBeforeTheCommitRollsItBack) {
    world.registry.before({Kind::still_held, run_claim_path(kGone)},
                          [&] { world.registry.cut_off("run"); });
    run.requeue();
    EXPECT_NE(run.exit_code(), 0);
    expect_without_command();
}

TEST_F(RequeueTest, ACommitWithoutAnAnswerIsReportedAlthoughTheRegistryIsAway) {
    world.cut_commit({true, [&] { world.registry.cut_off("run"); }});
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    EXPECT_EQ(world.commands_of(7).size(), 1U);
}

TEST_F(RequeueTest, TheCommandOfACommitWithoutAnAnswerIsFound) {
    world.cut_commit({true, [] {}});
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    const auto commands = world.commands_of(7);
    ASSERT_EQ(commands.size(), 1U);
    EXPECT_EQ(run.report.requeue->items.kept().at(0).command_id, commands[0].id);
}

TEST_F(RequeueTest, StampsThatCannotBeReadLeaveTheirHostsWorkflows) {
    world.workflow(8).state(18).host(kOther);
    world.put(kGoneStamps, "of another version");
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "failed");
    EXPECT_EQ(run.fate_of(8), "requeued");
    EXPECT_EQ(run.exit_code(), 1);
    expect_without_command();
}

TEST_F(RequeueTest, AWorkflowWithoutAHostIsRequeuedWithoutAStamp) {
    world.workflow(7).host(std::nullopt);
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued");
    EXPECT_EQ(world.commands_of(7).size(), 1U);
    EXPECT_NE(world.workflow(7).restart_time(), std::nullopt) << "the row is written all the same";
    EXPECT_EQ(stamp(), std::nullopt);
}

}  // namespace
}  // namespace dsfailover
