// What explain says of a workflow: each row of the table of docs/behaviour.md, "Which workflows",
// and each state that the table does not judge; and what it shows beside that.

#include <fmt/format.h>

#include "coordinator/world_test.h"
#include "registry/paths.h"
#include "report/print_report.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kFailoverMaster = "dsfailover failover-master " + kGone;
const std::string kFailoverAlone = "dsfailover failover-workflow 7";

/// kLiving holds workflow 1, which is its control. Workflow 7 is what a test is about.
template <typename Base>
class Explained : public Base {
  protected:
    Explained() {
        servers.holds[kLiving] = {1};
        this->world.worker(kLivingWorker);
        this->run.servers = &servers;
    }

    /// Whoever is asked says nothing, or nobody is asked.
    void nobody_answers() { servers.silent.insert(kLiving); }
    void ask_nobody() { this->run.servers = nullptr; }

    /// A new process lives at kGone since 20 minutes; it holds workflow 8.
    void restart() {
        this->world.master(kGone, "-20m");
        this->world.workflow(8).host(kGone).started("-5m");
        this->world.task(80, 8).host(kLivingWorker).state(7).submitted("-2m");
        servers.holds[kGone] = {8};
    }
    void add_child(std::int64_t parent, std::int64_t child) {
        this->world.database().execute(
            "INSERT INTO t_ds_relation_workflow_instance (parent_workflow_instance_id, "
            "workflow_instance_id) VALUES (?, ?)",
            {Value(parent), Value(child)});
    }
    void make_commands_old() {
        this->world.database().execute(
            "UPDATE t_ds_command SET update_time = '2026-01-01 00:00:00.000'");
    }

    ExplainedWorkflow explain(std::int64_t id = 7) {
        const std::string before = this->world.snapshot();
        this->run.explain({id});
        EXPECT_EQ(this->world.snapshot(), before) << "it writes nothing";
        EXPECT_EQ(this->run.exit_code(), 0) << this->run.said();
        if (!this->run.report.explained || this->run.report.explained->kept().size() != 1) {
            ADD_FAILURE() << "nothing is explained; " << this->run.said();
            return ExplainedWorkflow();
        }
        return this->run.report.explained->kept()[0];
    }
    void expect(std::optional<std::int64_t> row, const std::string& verdict,
                const std::string& conclusion, const std::optional<std::string>& next) {
        const ExplainedWorkflow explained = explain();
        EXPECT_EQ(explained.row, row);
        EXPECT_EQ(explained.verdict, verdict);
        EXPECT_THAT(explained.conclusion, HasSubstr(conclusion));
        EXPECT_EQ(explained.next, next) << explained.advice.value_or("");
        EXPECT_FALSE(explained.why.empty());
        EXPECT_TRUE(explained.advice);
    }

    FakeServers servers;
};

using ExplainTest = Explained<WorldTest>;
using ExplainOfLaterReleasesTest = Explained<LaterReleaseTest>;

TEST_F(ExplainTest, Row1_WithoutAHost) {
    world.workflow(7).host(std::nullopt).started("-10m");
    expect(1, "ownerless", "No master runs it", kFailoverAlone);
    nobody_answers();
    expect(1, "ownerless", "It has no host", kFailoverAlone);
    servers.silent.clear();
    servers.holds[kLiving].insert(7);
    expect(1, "ownerless", "It runs: " + kLiving, std::nullopt);
}

TEST_F(ExplainTest, Row1_WithoutAHostButWithACommand) {
    world.workflow(7).host(std::nullopt).started("-10m");
    world.command(7, 1, 7);
    expect(1, "command_pending", "It waits for a master", std::nullopt);
}

TEST_F(ExplainTest, Row1_AHostThatIsNoAddress) {
    world.workflow(7).host("somewhere");
    expect(1, "odd_hosts", "No failover finds it", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr("host somewhere is not HOST:PORT"));
}

TEST_F(ExplainTest, Row3_ItRunsWhereItStarted) {
    restart();
    world.workflow(7).host(kGone).started("-10m");
    servers.holds[kGone].insert(7);
    expect(3, "started_after_deadline", "It runs: " + kGone + " holds it", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr("nothing to do"));
}

TEST_F(ExplainTest, Row3_AbandonedAtAnAddressThatLives) {
    world.workflow(7).host(kLiving).started("-10m");
    expect(3, "started_after_deadline", "No master runs it, although its host", kFailoverAlone);
    nobody_answers();
    expect(3, "started_after_deadline", "should be running it", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr("it is silent"));
    ask_nobody();
    expect(3, "started_after_deadline", "should be running it", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr("without --ask none"));
}

TEST_F(ExplainTest, Row4_AnotherMasterHoldsIt) {
    world.workflow(7).started("-10m");
    servers.holds[kLiving].insert(7);
    expect(4, "running_elsewhere", "It runs: " + kLiving, "dsfailover rehost 7");
    const ExplainedWorkflow explained = explain();
    EXPECT_EQ(explained.answer, "held");
    EXPECT_EQ(explained.held_by, kLiving);
    EXPECT_EQ(explained.why, "It is held by " + kLiving + ".");
    EXPECT_THAT(explained.advice.value(), HasSubstr("do not reach it"));
}

TEST_F(ExplainOfLaterReleasesTest, Row4_TheHostIsLeftToTheMaster) {
    world.workflow(7).started("-10m");
    servers.holds[kLiving].insert(7);
    expect(4, "running_elsewhere", "It runs: " + kLiving, std::nullopt);
}

TEST_F(ExplainTest, Row4_TwoMastersHoldIt) {
    world.master(kOther);
    world.workflow(7);
    servers.holds[kLiving].insert(7);
    servers.holds[kOther].insert(7);
    expect(4, "running_elsewhere", kLiving + ", " + kOther + " hold it", std::nullopt);
}

TEST_F(ExplainTest, Row4a_HeldAndNothingMoves) {
    world.workflow(7).started("-3h");
    servers.holds[kLiving].insert(7);
    expect(4, "held_idle", kLiving + " holds it and nothing moves",
           "dsfailover failover-master " + kLiving + " --fence");
    EXPECT_EQ(explain().answer, "held_idle");
}

TEST_F(ExplainTest, Row5_ACommandWaits) {
    world.workflow(7);
    const auto command = std::to_string(world.command(7));
    expect(5, "command_pending", "waits for a master to take its command", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr("ommand " + command + " (type 2) waits for it since"));
    make_commands_old();
    expect(5, "command_pending", "No master takes its command", "dsfailover requeue 7");
}

TEST_F(ExplainTest, Row5_TwoCommandsWait) {
    world.workflow(7);
    world.command(7);
    world.command(7);
    expect(5, "command_pending", "the second of its commands hangs", std::nullopt);
}

TEST_F(ExplainTest, Row5_ACommandComesWhileItIsLookedAt) {
    world.workflow(7);
    world.workflow(9).started("-3h");  // so that a worker is asked after the last look at commands
    world.task(90, 9).host(kLivingWorker).submitted("-2h");
    servers.holds[kLiving].insert(9);
    servers.after_round = [&] {
        if (servers.rounds.back().at(0).address == kLivingWorker && world.commands_of(7).empty())
            world.command(7);
    };
    run.explain({7, 9});
    const ExplainedWorkflow& explained = run.report.explained->kept().at(0);
    EXPECT_EQ(explained.row, 5);
    EXPECT_THAT(explained.conclusion, HasSubstr("It changed while"));
    EXPECT_EQ(explained.next, "dsfailover explain 7");
}

TEST_F(ExplainTest, Row6_TakenWhileItIsLookedAt) {
    world.workflow(7).state(18);
    world.command(7);
    servers.after_round = [&] { world.take_commands(7); };
    run.explain({7});
    const ExplainedWorkflow& explained = run.report.explained->kept().at(0);
    EXPECT_EQ(explained.row, 6);
    EXPECT_EQ(explained.state, "RUNNING_EXECUTION");
    EXPECT_EQ(explained.next, std::nullopt);
    EXPECT_NE(explained.verdict, "selected");
}

TEST_F(ExplainTest, Row7_ATaskMovesMeanwhile) {
    world.workflow(7).command_type(4);
    world.task(70, 7).submitted("+10s");
    expect(7, "in_doubt", "not in the registry may be running it", std::nullopt);
    nobody_answers();
    expect(7, "running_elsewhere", "Another master seems to run it", std::nullopt);
}

TEST_F(ExplainTest, Row8_AStampOfAnotherZone) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-1h", "-05:00"), "-05:00");
    expect(8, "selected", "No master runs it", kFailoverMaster);
    nobody_answers();
    expect(8, "in_doubt", "It is in doubt", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr(kFailoverMaster + " --in-doubt 7"));
}

TEST_F(ExplainTest, Row9_AStamp) {
    world.workflow(7).restarted_at(world.stamp(kGone, "-10m", "UTC", {kLiving}));
    expect(9, "selected", "No master runs it", kFailoverMaster);
    nobody_answers();
    expect(9, "in_doubt", "It is in doubt", std::nullopt);
    world.task(70, 7).submitted("-5m");
    expect(9, "running_elsewhere", "Another master seems to run it", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr("a task of it moved since"));
    EXPECT_THAT(explain().stamps, SizeIs(1));
}

TEST_F(ExplainTest, Row9_Settling) {
    const EpochMs stamp = world.stamp(kGone, "-2m", "UTC", {kLiving});
    world.workflow(7).restarted_at(stamp);
    nobody_answers();
    expect(9, "settling", "moments ago", "dsfailover explain 7");
    EXPECT_THAT(explain().advice.value(), HasSubstr(format_rfc3339(stamp + 4 * 60'000)));
}

TEST_F(ExplainOfLaterReleasesTest, Row10_AStampAtAnAddressThatLives) {
    restart();
    world.workflow(7).restarted_at(world.stamp(kGone, "-30m"));
    expect(10, "selected", "No master runs it", kFailoverAlone);
    nobody_answers();
    expect(10, "done_before", "failed over before", std::nullopt);
}

TEST_F(ExplainTest, Row11_ItsStartLiesAhead) {
    world.workflow(7).started("+30s");
    expect(11, "started_after_deadline", "impossible", std::nullopt);
}

TEST_F(ExplainTest, Row12_NoTimes) {
    restart();
    world.workflow(7).started(std::nullopt);
    expect(12, "no_start_time", "No master runs it", kFailoverAlone);
    nobody_answers();
    expect(12, "no_start_time", "Nothing tells", std::nullopt);
}

TEST_F(ExplainTest, Row13_NoTaskIsOlderThanTheNewProcess) {
    restart();
    world.workflow(7);
    expect(13, "selected", kGone + " was restarted", kFailoverAlone);
    nobody_answers();
    expect(13, "in_doubt", "It is in doubt", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr("dsfailover global --in-doubt 7"));
    world.task(70, 7).submitted("-30m").started("-10m");
    expect(13, "running_elsewhere", "Another master seems to run it", std::nullopt);
}

TEST_F(ExplainTest, Row14_OfTheOldProcess) {
    restart();
    world.workflow(7);
    world.task(70, 7).submitted("-30m");
    expect(14, "selected", "was restarted", kFailoverAlone);
    EXPECT_THAT(explain().why, HasSubstr("started before the master that lives"));
    nobody_answers();
    expect(14, "selected", "was restarted", "dsfailover global");
    world.workflow(7).command_type(3);
    expect(14, "in_doubt", "It is in doubt", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr("person resumed it"));
}

TEST_F(ExplainTest, Row15_Resumed) {
    world.workflow(7).command_type(3);
    expect(15, "selected", "its master " + kGone + " is gone", kFailoverMaster);
    nobody_answers();
    expect(15, "in_doubt", "It is in doubt", std::nullopt);
}

TEST_F(ExplainTest, Row15_AMark) {
    world.workflow(7);
    world.mark(kGone, "-2m");
    nobody_answers();
    expect(15, "settling", "moments ago", "dsfailover explain 7");
    world.mark_reading(kGone, "not a number");
    expect(15, "in_doubt", "It is in doubt", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr("cannot be read"));
    const ExplainedWorkflow explained = explain();
    ASSERT_THAT(explained.marks, SizeIs(1));
    EXPECT_EQ(explained.marks[0].value, "not a number");
}

TEST_F(ExplainTest, Row16_ItsMasterIsGone) {
    world.workflow(7);
    expect(16, "selected", "its master " + kGone + " is gone", kFailoverMaster);
    nobody_answers();
    expect(16, "selected", "its master " + kGone + " is gone", kFailoverMaster);
    ask_nobody();
    expect(16, "selected", "its master " + kGone + " is gone", kFailoverMaster);
    EXPECT_EQ(explain().answer, "not_asked");
}

TEST_F(ExplainTest, WhatItSaysIsWhatAFailoverDoes) {
    world.workflow(7);
    world.workflow(17).command_type(3);
    world.workflow(18).host(kOther);
    run.explain({7, 17, 18, 1});
    ASSERT_THAT(run.report.explained->kept(), SizeIs(4));
    for (const ExplainedWorkflow& each : run.report.explained->kept())
        EXPECT_EQ(each.verdict == "selected", each.id != 1) << each.id;
    EXPECT_EQ(run.report.explained->kept()[3].next, "dsfailover failover-master " + kOther);
    run.failover_master(kGone);
    EXPECT_EQ(run.fate_of(7), "failed_over");
    EXPECT_EQ(run.fate_of(17), "failed_over");
}

TEST_F(ExplainTest, Failover_ItsCommandWaits) {
    world.workflow(7).state(18);
    world.command(7);
    expect(std::nullopt, "command_pending", "waits for a master", std::nullopt);
    EXPECT_THAT(explain().why, HasSubstr(kLiving + " alone takes commands"));
    EXPECT_THAT(explain().commands, SizeIs(1));
    world.master(kOther);
    EXPECT_THAT(explain().why, HasSubstr("place 2 of the 2 masters"));
    make_commands_old();
    expect(std::nullopt, "command_pending", "No master takes", "dsfailover requeue 7");
}

TEST_F(ExplainTest, Failover_NoMasterLives) {
    world.leave(kLiving);
    world.workflow(7).state(18);
    world.command(7);
    make_commands_old();
    expect(std::nullopt, "command_pending", "none lives", std::nullopt);
}

TEST_F(ExplainTest, Failover_TwoCommands) {
    world.workflow(7).state(18);
    world.command(7);
    world.command(7);
    expect(std::nullopt, "several_commands", "hangs", std::nullopt);
}

TEST_F(ExplainTest, Failover_Stuck) {
    world.workflow(7).state(18);
    expect(std::nullopt, "stuck", "its command is lost", "dsfailover requeue 7");
    world.failed_command(7, 1, "the first");
    world.failed_command(7, 1, "the second\nat line 2");
    const ExplainedWorkflow explained = explain();
    ASSERT_THAT(explained.failed_commands.kept(), SizeIs(2));
    EXPECT_EQ(explained.failed_commands.kept()[0].message, "the second\nat line 2");
    EXPECT_THAT(explained.advice.value(), HasSubstr("Remove the cause"));
    world.task(70, 7).name("same");
    world.task(71, 7).name("same");
    expect(std::nullopt, "stuck", "recovery would fail again", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr("dsfailover requeue 7"));
}

TEST_F(ExplainTest, Failover_WhatFailedTwiceForOneCauseFailsAgain) {
    world.workflow(7).state(18);
    for (int i = 0; i < 2; ++i) world.failed_command(7, 1, "no tenant\nat line 2");
    expect(std::nullopt, "stuck", "recovery would fail again", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr("no tenant. Remove it"));
    EXPECT_THAT(explain().advice.value(), HasSubstr("dsfailover requeue 7"));
}

TEST_F(ExplainTest, Failover_WithoutACommandTypeNothingCanRecoverIt) {
    const std::string finish = "dsfailover finish 7 --as failure";
    world.workflow(7).state(18).command_param(R"({"schedule_timezone":"Asia/Shanghai"})");
    expect(std::nullopt, "stuck", "every recovery of it fails", finish);
    world.command(7);
    make_commands_old();
    expect(std::nullopt, "command_pending", "every recovery of it fails", finish);
}

TEST_F(ExplainTest, Failover_AMasterHoldsItAllTheSame) {
    world.workflow(7).state(18);
    servers.holds[kLiving].insert(7);
    expect(std::nullopt, "running_elsewhere", kLiving + " holds it", std::nullopt);
}

TEST_F(ExplainTest, Submitted_WaitsOrIsLost) {
    world.workflow(7).state(0).host(std::nullopt);
    expect(std::nullopt, "lost", "no master will ever start it", "dsfailover finish 7 --as stop");
    nobody_answers();
    expect(std::nullopt, "in_doubt", "unless a master holds it", std::nullopt);
    servers.silent.clear();
    world.workflow(9).host(kLiving).started("-10m");
    servers.holds[kLiving].insert(9);
    add_child(9, 7);
    expect(std::nullopt, "lost", "no master will ever start it",
           "dsfailover finish 7 --as failure");
    servers.holds[kLiving].insert(7);
    expect(std::nullopt, "running_elsewhere", "It runs", std::nullopt);
    servers.holds[kLiving].erase(7);
    world.command(7, 1, 0);
    expect(std::nullopt, "command_pending", "waits for a master", std::nullopt);
}

TEST_F(ExplainTest, FinalStates) {
    for (const int state : {3, 5, 6, 7}) {
        world.workflow(7).state(state);
        expect(std::nullopt, "finished", "It has ended", std::nullopt);
    }
    servers.holds[kLiving].insert(7);
    expect(std::nullopt, "finished", "It has ended", std::nullopt);
    EXPECT_THAT(explain().advice.value(), HasSubstr("still has it in memory"));
    world.command(7, 1, 7);
    expect(std::nullopt, "command_pending", "waits for a master", std::nullopt);
}

TEST_F(ExplainTest, OtherStates) {
    world.workflow(7).state(14);
    expect(std::nullopt, "serial_wait", "another run", std::nullopt);
    world.workflow(7).state(99);
    expect(std::nullopt, "unknown_state", "Nothing is known", std::nullopt);
    EXPECT_EQ(explain().state, "99");
}

TEST_F(ExplainTest, AnIdThatDoesNotExistIsTold) {
    world.workflow(7);
    run.explain({7, 4711, 7});
    EXPECT_EQ(run.exit_code(), 3);
    EXPECT_THAT(run.said(), HasSubstr("There is no workflow instance 4711"));
    EXPECT_THAT(run.report.explained->kept(), SizeIs(1));
}

TEST_F(ExplainTest, NotHeldCountsOnlyAfterAWhile) {
    run.options.ask.apart = Millis(50);
    world.workflow(7);
    explain();
    EXPECT_THAT(servers.rounds, SizeIs(2));
    servers.rounds.clear();
    world.workflow(7).state(7);
    explain();
    EXPECT_THAT(servers.rounds, SizeIs(1)) << "nothing depends on it";
}

TEST_F(ExplainTest, WhatChangesIsAskedAboutAgain) {
    world.workflow(7).command_type(4).started("-50m");
    servers.after_round = [&] {
        if (servers.rounds.size() == 1) world.workflow(7).restarted("-1m");
    };
    run.explain({7});
    EXPECT_THAT(servers.rounds, SizeIs(2));
    EXPECT_EQ(run.report.explained->kept().at(0).answer, "not_held");
    EXPECT_EQ(run.report.explained->kept().at(0).restart_time, world.time("-1m"));
    servers.rounds.clear();
    int seconds = 30;
    servers.after_round = [&] { world.workflow(7).restarted(fmt::format("-{}s", --seconds)); };
    run.explain({7});
    EXPECT_THAT(servers.rounds, SizeIs(3));
    EXPECT_EQ(run.report.explained->kept().at(0).answer, "unanswered");
}

TEST_F(ExplainTest, TheTasksAndWhatTheirWorkersSay) {
    world.workflow(7);
    world.task(70, 7).host(kLivingWorker);
    world.task(71, 7).host(kLivingWorker);
    world.task(72, 7).host(kGoneWorker);
    world.task(73, 7).host(kLivingWorker).state(7);
    servers.holds[kLivingWorker] = {70};
    const ExplainedWorkflow explained = explain();
    std::vector<std::string> lives;
    for (const ExplainedTask& task : explained.tasks.kept())
        lives.push_back(fmt::format("{} {}", task.id, task.life.value_or("none")));
    EXPECT_THAT(lives, ElementsAre("70 alive", "71 unknown_task", "72 unanswered"));
    EXPECT_THAT(explained.tasks.kept()[2].problem.value(), HasSubstr("is not a living worker"));
    EXPECT_THAT(explained.advice.value(), HasSubstr("One task still lives on its worker"));
    EXPECT_THAT(run.report.workers_asked.value(), SizeIs(1));
    ask_nobody();
    EXPECT_EQ(explain().tasks.kept()[0].life, std::nullopt);
}

TEST_F(ExplainTest, ParentsAndChildren) {
    world.workflow(6).host(kLiving).started("-10m");
    servers.holds[kLiving].insert(6);
    world.workflow(7);
    world.workflow(8).state(7);
    world.workflow(9);
    add_child(6, 7);
    add_child(7, 8);
    add_child(7, 9);
    const ExplainedWorkflow explained = explain();
    ASSERT_THAT(explained.parents, SizeIs(1));
    EXPECT_EQ(explained.parents[0].id, 6);
    EXPECT_EQ(explained.parents[0].name, "workflow-6");
    EXPECT_THAT(explained.children.kept(), SizeIs(2));
    EXPECT_THAT(explained.advice.value(), HasSubstr("Its child 9 has not ended"));
    EXPECT_THAT(explained.advice.value(), Not(HasSubstr("8")));
}

TEST_F(ExplainTest, TheLockOfItsHost) {
    world.workflow(7);
    EXPECT_FALSE(explain().lock);
    world.hold_lock(kLiving, kGone);
    const ExplainedWorkflow explained = explain();
    ASSERT_TRUE(explained.lock);
    EXPECT_EQ(explained.lock->path, failover_lock_path(kGone));
    EXPECT_THAT(explained.lock->holder, HasSubstr(kLiving));
    EXPECT_THAT(explained.advice.value(), Not(HasSubstr("leaked")));
    EXPECT_THAT(run.report.warnings, IsEmpty());
    world.mark(kGone, "+1s");
    EXPECT_THAT(explain().advice.value(), HasSubstr("suspected leaked"));
}

TEST_F(ExplainTest, TheTableSaysFirstWhatToDo) {
    world.workflow(7);
    explain();
    std::ostringstream out;
    print_report(run.report, "table", out);
    const std::string text = out.str();
    EXPECT_THAT(text.substr(text.find("\n\n") + 2),
                StartsWith("workflow 7 (workflow-7): No master runs it: its master " + kGone +
                           " is gone.\n  next         " + kFailoverMaster + "\n"));
}

TEST_F(ExplainTest, HostileNamesStayHarmless) {
    const std::string hostile = "a\x1b[31m\nb\x07";
    world.database().execute("UPDATE t_ds_workflow_instance SET name = ?, host = ? WHERE id = 1",
                             {Value(hostile), Value(hostile)});
    world.task(70, 1).name(hostile).host(hostile).type(hostile);
    world.failed_command(1, 1, hostile);
    world.workflow(7);
    add_child(7, 1);
    add_child(1, 7);
    run.explain({1, 7});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    std::ostringstream out;
    print_report(run.report, "table", out);
    EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
    EXPECT_THAT(out.str(), Not(HasSubstr("\x07")));
    EXPECT_THAT(out.str(), Not(HasSubstr("\nb")));
    EXPECT_THAT(out.str(), HasSubstr("a?[31m?b?"));
}

}  // namespace
}  // namespace dsfailover
