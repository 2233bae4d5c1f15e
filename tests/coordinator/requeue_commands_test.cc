// requeue: commands of every type that no master takes (docs/behaviour.md, "Requeue").

#include <fmt/format.h>

#include <optional>

#include "coordinator/requeue/command_exchange.h"
#include "coordinator/requeue/queue_watch.h"
#include "coordinator/run_claim.h"
#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "store/command_type.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = RegistryCall::Kind;

/// kLiving holds workflow 1, and takes no command. Workflow 7 was scheduled hours ago.
class RequeueCommandsTest : public WorldTest {
  protected:
    RequeueCommandsTest() {
        servers.holds[kLiving] = {1};
        run.servers = &servers;
        run.requeue_options.commands = true;
        scheduled(7);
    }

    /// Makes a workflow that waits for its first command; returns that.
    std::int64_t scheduled(std::int64_t workflow) {
        world.workflow(workflow).state(0).host(std::nullopt);
        return old_command(workflow, command_type::kScheduler);
    }
    std::int64_t old_command(std::int64_t workflow, int type = 2) {
        const std::int64_t id = world.command(workflow, 1, type);
        world.database().execute(
            "UPDATE t_ds_command SET update_time = '2026-01-01 00:00:00' WHERE id = ?", {id});
        return id;
    }
    void set_command(std::int64_t id, const std::string& column, const Value& value) {
        world.database().execute(fmt::format("UPDATE t_ds_command SET {} = ? WHERE id = ?", column),
                                 {value, id});
    }
    std::int64_t command_of(std::int64_t workflow) {
        const auto commands = world.commands_of(workflow);
        EXPECT_THAT(commands, SizeIs(1));
        return commands.empty() ? 0 : commands[0].id;
    }
    void expect_left(std::int64_t workflow, std::int64_t command, const std::string& reason) {
        EXPECT_EQ(run.fate_of(workflow), reason) << run.said();
        EXPECT_EQ(command_of(workflow), command);
    }
    /// Every column of the command but its id and update_time, as text.
    std::string columns_of(std::int64_t command) {
        std::string all;
        for (const std::string& column : read_schema(world.database()).command_columns) {
            if (column == "id" || column == "update_time") continue;
            const Rows rows = world.database().query(
                fmt::format("SELECT {} FROM t_ds_command WHERE id = ?", column), {command});
            all += fmt::format("{}={} ", column, rows[0].optional_text(0).value_or("NULL"));
        }
        return all;
    }

    FakeServers servers;
};

TEST_F(RequeueCommandsTest, OneOfAnyTypeIsExchangedForItsEqual) {
    const std::int64_t old = command_of(7);
    set_command(old, "worker_group", "special");
    set_command(old, "command_param", nullptr);
    const std::string before = columns_of(old);
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    const std::int64_t now = command_of(7);
    EXPECT_GT(now, old);
    EXPECT_EQ(columns_of(now), before);
    EXPECT_EQ(run.report.requeue->items.kept().at(0).command_id, now);
    EXPECT_EQ(run.report.requeue->items.kept().at(0).previous_state, "SUBMITTED_SUCCESS");
}

TEST_F(RequeueCommandsTest, ItsWorkflowIsNotTouched) {
    for (const int state : {1, 3, 4, 5, 6, 7}) {
        world.workflow(10 + state).state(state);
        old_command(10 + state, command_type::kRecoverSuspended);
    }
    run.requeue();
    for (const int state : {1, 3, 4, 5, 6, 7}) {
        const std::int64_t id = 10 + state;
        EXPECT_EQ(run.fate_of(id), "requeued") << run.said();
        EXPECT_EQ(world.workflow(id).state(), state);
        EXPECT_EQ(world.workflow(id).restart_time(), std::nullopt);
    }
    EXPECT_EQ(world.get(stamps_path(kGone)), std::nullopt) << "a stamp is of state 18 alone";
}

TEST_F(RequeueCommandsTest, OneOfAWorkflowInFailoverGetsAStamp) {
    world.workflow(8).state(18);
    old_command(8);
    run.requeue();
    EXPECT_EQ(run.fate_of(8), "requeued") << run.said();
    EXPECT_NE(world.workflow(8).restart_time(), std::nullopt);
    EXPECT_NE(world.get(stamps_path(kGone)), std::nullopt);
}

TEST_F(RequeueCommandsTest, WithoutTheOptionTheyAreNotLookedAt) {
    run.requeue_options.commands = false;
    const std::string before = world.snapshot();
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "unseen");
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(RequeueCommandsTest, ButThoseOfWorkflowsThatAreNamedAre) {
    run.requeue_options.commands = false;
    const std::int64_t other = scheduled(8);
    run.requeue({7});
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    EXPECT_EQ(command_of(8), other);
}

TEST_F(RequeueCommandsTest, AFreshOneIsLeft) {
    world.workflow(8).state(0);
    const std::int64_t fresh = world.command(8, 1, 0);
    run.requeue();
    expect_left(8, fresh, "unseen");
    TestRun named(world);
    named.servers = &servers;
    named.requeue({8});
    EXPECT_EQ(named.fate_of(8), "command_pending");
    EXPECT_EQ(named.exit_code(), 3);
    EXPECT_THAT(
        named.said(),
        HasSubstr(
            "Nothing was done about workflow instance 8: masters may still take its command."));
    EXPECT_EQ(command_of(8), fresh);
}

TEST_F(RequeueCommandsTest, WithALimitTheOthersAreLeft) {
    const std::int64_t second = scheduled(8);
    run.requeue_options.limit = 1;
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    EXPECT_EQ(run.fate_of(8), "left");
    EXPECT_EQ(command_of(8), second);
    EXPECT_EQ(run.exit_code(), 3);
}

TEST_F(RequeueCommandsTest, ADryRunWritesNothing) {
    const std::string before = world.snapshot();
    run.requeue_options.dry_run = true;
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "planned");
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(RequeueCommandsTest, OfWorkflowsThatAreNotThereTheyAreLeft) {
    const std::int64_t of_none = old_command(99, 0);
    set_command(old_command(0, 0), "workflow_instance_id", nullptr);
    run.requeue();
    expect_left(99, of_none, "unknown");
    EXPECT_THAT(
        run.said(),
        HasSubstr("2 commands that no master takes are for workflow instances that do not exist"));
}

TEST_F(RequeueCommandsTest, WhatAMasterHoldsIsLeft) {
    world.workflow(7).state(1);
    servers.holds[kLiving] = {1, 7};
    const std::int64_t old = command_of(7);
    run.requeue();
    expect_left(7, old, "held");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_EQ(run.report.requeue->items.kept().at(0).held_by, kLiving);
}

TEST_F(RequeueCommandsTest, AlsoInStateFailoverWithoutACommand) {
    world.workflow(8).state(18);
    servers.holds[kLiving] = {1, 8};
    run.requeue();
    EXPECT_EQ(run.fate_of(8), "held") << run.said();
    EXPECT_THAT(world.commands_of(8), IsEmpty());
}

TEST_F(RequeueCommandsTest, WithoutAnswersWhatNoMasterCanHaveIsRequeued) {
    servers.silent = {kLiving};
    const std::int64_t running = scheduled(8);
    world.workflow(8).state(1);
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "requeued") << run.said();
    expect_left(8, running, "unanswered");
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("it is silent"));
}

TEST_F(RequeueCommandsTest, WhatFailedTwiceForOneCauseIsTakenOnlyIfItIsNamed) {
    world.workflow(8).state(18);
    world.failed_command(8, 1, "NullPointerException: no tenant\n\tat a.b.C");
    world.failed_command(8, 1, "no worker group");
    run.requeue();
    EXPECT_EQ(run.fate_of(8), "requeued") << "two causes " << run.said();

    world.workflow(9).state(18);
    world.failed_command(9, 1, "NullPointerException: no tenant\n\tat a.b.C");
    world.failed_command(9, 1, "NullPointerException: no tenant\n\tat d.e.F");
    TestRun again(world);
    again.requeue();
    EXPECT_EQ(again.fate_of(9), "fails_again");
    EXPECT_EQ(again.exit_code(), 3);
    EXPECT_THAT(again.said(), HasSubstr("9: NullPointerException: no tenant"));
    EXPECT_THAT(world.commands_of(9), IsEmpty());

    TestRun named(world);
    named.requeue({9});
    EXPECT_EQ(named.fate_of(9), "requeued") << named.said();
}

TEST_F(RequeueCommandsTest, WithAnUnreadableCommandParamNoneIsTaken) {
    const std::int64_t old = command_of(7);
    for (const std::string param : {R"({"schedule_timezone":"Asia/Shanghai"})", "", "no JSON"}) {
        world.workflow(7).command_param(param);
        world.workflow(8).state(18).command_param(param);
        run.requeue();
        expect_left(7, old, "unreadable_command_param");
        EXPECT_EQ(run.fate_of(8), "unreadable_command_param");
        EXPECT_EQ(run.exit_code(), 3);
        TestRun named(world);
        named.requeue({7, 8});
        EXPECT_EQ(named.fate_of(7), "unreadable_command_param");
        EXPECT_EQ(named.fate_of(8), "unreadable_command_param");
    }
    EXPECT_EQ(command_of(7), old);
    EXPECT_THAT(world.commands_of(8), IsEmpty());
}

TEST_F(RequeueCommandsTest, OfEachThatIsNamedItIsSaidWhyNothingWasDone) {
    run.requeue_options.commands = false;
    world.workflow(8).state(7);
    run.requeue({1, 8, 99});
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("workflow instances 1, 8: they are not in state FAILOVER"));
    EXPECT_THAT(run.said(), HasSubstr("There is no workflow instance 99"));
}

// -- at the same moment

TEST_F(RequeueCommandsTest, OneThatAMasterTookMeanwhileIsTaken) {
    servers.after_round = [&] { world.take_commands(7); };
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "taken") << run.said();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_THAT(world.commands_of(7), IsEmpty());
}

TEST_F(RequeueCommandsTest, WhatAnotherRunDidBeforeTheClaimWasHadIsNotDoneAgain) {
    TestRun other(world, "other");
    other.requeue_options.commands = true;
    world.registry.before({Kind::claim, run_claim_path("")}, [&] { other.requeue(); });
    run.requeue();
    EXPECT_EQ(other.fate_of(7), "requeued") << other.said();
    EXPECT_EQ(run.fate_of(7), "unseen") << "it is fresh now";
    EXPECT_EQ(run.outcome(), "nothing_to_do");
    command_of(7);
}

TEST_F(RequeueCommandsTest, AWorkflowThatChangedMeanwhileIsLeft) {
    const std::int64_t old = command_of(7);
    servers.after_round = [&] { world.workflow(7).state(5); };
    run.requeue();
    expect_left(7, old, "state_changed");
}

TEST_F(RequeueCommandsTest, BesideASecondCommandNoneIsExchanged) {
    const std::int64_t old = command_of(7);
    std::int64_t second = 0;
    servers.after_round = [&] { second = world.command(7, 1, 7); };
    run.requeue();
    EXPECT_EQ(run.fate_of(7), "several_commands") << run.said();
    const auto commands = world.commands_of(7);
    ASSERT_THAT(commands, SizeIs(2));
    EXPECT_EQ(commands[0].id, old);
    EXPECT_EQ(commands[1].id, second);
}

TEST_F(RequeueCommandsTest, AClaimThatIsLostBeforeTheCommitRollsItBack) {
    const std::int64_t old = command_of(7);
    world.registry.before({Kind::still_held, run_claim_path("")},
                          [&] { world.registry.end_sessions_of("run"); });
    run.requeue();
    EXPECT_EQ(run.exit_code(), 5) << run.said();
    EXPECT_EQ(command_of(7), old);
}

// -- what masters take meanwhile

class QueueWatchTest : public RequeueCommandsTest {
  protected:
    QueueWatchTest() {
        for (const std::int64_t workflow : {8, 9}) scheduled(workflow);
        watch();
    }
    void watch() {
        queue.emplace();
        queue_look();
    }
    void queue_look() {
        AuditLog audit;
        const TimeZone zone;
        const Schema schema = read_schema(world.database());
        CommandStore commands({world.database(), schema, zone});
        queue->look(commands);
    }
    /// Masters take the commands of these; returns whether nobody takes that of workflow 8.
    bool after_taking(std::initializer_list<std::int64_t> workflows) {
        const WaitingCommand watched{command_of(8), 8, 6, std::nullopt, 2};
        for (const std::int64_t workflow : workflows) world.take_commands(workflow);
        queue_look();
        return queue->nobody_takes(watched);
    }

    std::optional<QueueWatch> queue;
};

TEST_F(QueueWatchTest, WhereNoneIsTakenNobodyTakesIt) { EXPECT_TRUE(after_taking({})); }

TEST_F(QueueWatchTest, WhereOneBehindItIsTakenItIsPassedBy) { EXPECT_TRUE(after_taking({9})); }

TEST_F(QueueWatchTest, WhereThoseBeforeItAreTakenItsTurnComes) {
    EXPECT_FALSE(after_taking({7}));
    EXPECT_TRUE(after_taking({9})) << "and was passed over";
}

TEST_F(QueueWatchTest, OneOfAHigherPriorityIsBeforeIt) {
    set_command(command_of(9), "workflow_instance_priority", 1);
    watch();
    EXPECT_FALSE(after_taking({9}));
}

TEST_F(QueueWatchTest, OneOfALowerPriorityIsBehindItIfItsIdIs) {
    set_command(command_of(7), "workflow_instance_priority", 4);
    set_command(command_of(9), "workflow_instance_priority", 4);
    watch();
    EXPECT_FALSE(after_taking({7}));
    EXPECT_TRUE(after_taking({9}));
}

TEST_F(QueueWatchTest, OnesThatCameMeanwhileAreSeenToo) {
    scheduled(10);
    queue_look();
    EXPECT_TRUE(after_taking({7, 10}));
}

}  // namespace
}  // namespace dsfailover
