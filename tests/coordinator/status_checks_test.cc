// The checks of status: each fails for its reason, and is right where there is none.

#include "coordinator/marks/failover_marks.h"
#include "coordinator/status_test.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class StatusChecksTest : public StatusTest {
  protected:
    explicit StatusChecksTest(bool with_worker = true) {
        if (with_worker) world.worker(kLivingWorker);
    }

    /// The checks that fail.
    std::vector<std::string> failing() {
        std::vector<std::string> names;
        for (const CheckItem& check : status().checks) {
            EXPECT_FALSE(check.detail.empty()) << to_string(check.name);
            EXPECT_EQ(check.hint.has_value(), !check.ok) << to_string(check.name);
            if (!check.ok) names.emplace_back(to_string(check.name));
        }
        return names;
    }
    std::string hint(CheckName name) {
        for (const CheckItem& check : status().checks)
            if (check.name == name) return check.hint.value_or("");
        return "no such check";
    }
    void make_table(const std::string& columns) {
        world.database().execute("CREATE TABLE " + columns);
    }
};

class WithoutWorkerTest : public StatusChecksTest {
  protected:
    WithoutWorkerTest() : StatusChecksTest(false) {}
};

TEST_F(StatusChecksTest, AllOfThemAreThereInTheirOrder) {
    EXPECT_THAT(failing(), IsEmpty());
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    std::vector<CheckName> names;
    for (const CheckItem& check : run.report.status->checks) names.push_back(check.name);
    ASSERT_EQ(names.size(), static_cast<std::size_t>(CheckName::abandoned)) << "but for --ask's";
    for (std::size_t i = 0; i < names.size(); ++i)
        EXPECT_EQ(names[i], static_cast<CheckName>(i)) << i;
}

TEST_F(WithoutWorkerTest, NobodyLives) {
    EXPECT_THAT(failing(), ElementsAre("no_worker"));
    world.leave(kLiving);
    EXPECT_THAT(failing(),
                ElementsAre("no_master", "no_normal_master", "no_worker", "needs_failover"));
    EXPECT_THAT(hint(CheckName::no_master), HasSubstr("start a master"));
    EXPECT_EQ(run.exit_code(), 7);
}

TEST_F(StatusChecksTest, AHintSaysThatThereAreMore) {
    for (const int id : {7, 8, 9}) world.workflow(id).state(18);
    EXPECT_EQ((status(), hint(CheckName::stuck)), "dsfailover requeue 7 8 9");
    run.status_options.items = 2;
    EXPECT_EQ(hint(CheckName::stuck), "dsfailover requeue 7 8 ...");
    run.status_options.items = 0;
    EXPECT_EQ(hint(CheckName::stuck), "dsfailover requeue ID...");
}

TEST_F(StatusChecksTest, ThoseThatWereNotMeantDoNotCount) {
    world.workflow(7).state(18);
    run.status_options.checks.named = {CheckName::clocks};
    for (const CheckItem& check : status().checks)
        EXPECT_EQ(check.counts, check.name == CheckName::clocks) << to_string(check.name);
}

TEST_F(StatusChecksTest, NoHintStartsAMasterWhileAnythingIsInDoubt) {
    world.mark(kGone, "-30m");
    world.workflow(7);
    world.leave(kLiving);
    for (const CheckItem& check : status().checks)
        if (check.hint) {
            EXPECT_THAT(*check.hint, Not(HasSubstr("start a master"))) << to_string(check.name);
        }
    EXPECT_THAT(hint(CheckName::no_master), HasSubstr("dsfailover explain 7"));
}

TEST_F(StatusChecksTest, MastersThatAreBusyTakeNoCommands) {
    world.leave(kLiving);
    world.workflow(1).state(7);
    world.master(kOther, "-2h", "BUSY");
    world.add_node(kOther, paths::kCoordinator, kOther);
    EXPECT_THAT(failing(), ElementsAre("no_normal_master"));
    world.master(kLiving);
    EXPECT_THAT(failing(), IsEmpty());
}

TEST_F(StatusChecksTest, FailoverDoubtAndStuck) {
    world.workflow(7);
    EXPECT_THAT(failing(), ElementsAre("needs_failover"));
    EXPECT_EQ(hint(CheckName::needs_failover), "dsfailover global");
    world.workflow(7).command_type(4);
    EXPECT_THAT(failing(), ElementsAre("in_doubt"));
    EXPECT_EQ(hint(CheckName::in_doubt), "dsfailover explain 7");
    world.workflow(7).state(18);
    EXPECT_THAT(failing(), ElementsAre("stuck"));
    EXPECT_EQ(hint(CheckName::stuck), "dsfailover requeue 7");
}

TEST_F(StatusChecksTest, AWorkerThatIsGone) {
    world.workflow(7).host(kLiving);
    world.task(70, 7).submitted("-40m");
    world.task(71, 7).state(17).submitted("-20m");
    world.task(72, 7).state(7);
    world.task(73, 7).flag(0);
    world.task(74, 7).host(kLivingWorker);
    world.workflow(8).state(18);
    world.command(8);
    world.task(80, 8);
    world.workflow(9).host(kLiving).state(7);  // finished
    world.task(90, 9);
    ASSERT_EQ(status().workers_gone.total(), 1);
    const GoneWorker& gone = run.report.status->workers_gone.kept()[0];
    EXPECT_EQ(gone.address, kGoneWorker);
    EXPECT_EQ(gone.tasks, 3);
    EXPECT_EQ(gone.oldest_submit_time, world.time("-40m"));
    EXPECT_THAT(gone.routes,
                UnorderedElementsAre(Pair(TaskRoute::announced, 2), Pair(TaskRoute::pending, 1)));
    EXPECT_THAT(failing(), ElementsAre("dead_workers"));
    EXPECT_EQ(hint(CheckName::dead_workers), "dsfailover failover-worker " + kGoneWorker);
}

TEST_F(StatusChecksTest, ItsRoutesAreThoseOfFailoverWorker) {
    world.workflow(6).host(kLiving);
    world.workflow(7);
    world.workflow(8).command_type(4);  // in doubt
    world.workflow(9).state(18);        // stuck
    world.workflow(10).state(18);
    world.command(10);
    world.workflow(11);
    world.command(11);
    world.workflow(12).host(std::nullopt);
    for (int id = 6; id <= 12; ++id) world.task(10 * id, id);
    const auto routes = status().workers_gone.kept().at(0).routes;
    TestRun planned(world);
    planned.options.dry_run = true;
    planned.failover_worker(kGoneWorker);
    ASSERT_TRUE(planned.report.worker);
    EXPECT_EQ(routes, planned.report.worker->routes);
}

TEST_F(StatusChecksTest, TasksThatAMasterRunsItselfAreItsFailovers) {
    world.workflow(7).host(kOther).state(18);
    world.command(7);
    world.task(70, 7).host(kOther).type("CONDITIONS");
    world.task(71, 7).host(kOther);
    world.task(72, 7).host(kGoneWorker).type("SUB_WORKFLOW");
    EXPECT_THAT(failing(), IsEmpty());
}

TEST_F(StatusChecksTest, CommandsOfAnyTypeCount) {
    world.workflow(7).host(std::nullopt).state(0);
    world.workflow(8).host(std::nullopt).state(0);
    world.command(7, 1, 0);
    EXPECT_THAT(failing(), IsEmpty());
    world.command_since(8, "-3m", 6);
    EXPECT_THAT(failing(), ElementsAre("unclaimed_commands"));
    EXPECT_EQ(hint(CheckName::unclaimed_commands), "dsfailover requeue --commands");
    world.command_since(8, "-16m", 6);
    EXPECT_THAT(failing(), ElementsAre("unclaimed_commands", "old_commands"));
    const CommandsInfo& commands = run.report.status->commands;
    EXPECT_EQ(commands.by_type.at(0).count, 1);
    EXPECT_EQ(commands.by_type.at(0).unclaimed, 0);
    EXPECT_EQ(commands.by_type.at(6).count, 2);
    EXPECT_EQ(commands.by_type.at(6).unclaimed, 2);
    EXPECT_EQ(commands.by_type.at(6).oldest_update_time, world.time("-16m"));
    EXPECT_EQ(commands.failovers().count, 0);
    run.status_options.unclaimed_after = run.status_options.backlog_after = Millis(3'600'000);
    EXPECT_THAT(failing(), IsEmpty());
}

TEST_F(StatusChecksTest, FailoverCommandsAreForRequeue) {
    world.workflow(7).state(18);
    world.command_since(7, "-3m");
    EXPECT_THAT(failing(), ElementsAre("unclaimed_commands"));
    EXPECT_EQ(hint(CheckName::unclaimed_commands), "dsfailover requeue");
}

TEST_F(StatusChecksTest, CommandsAreOldAlsoWhereNobodyLivesToTakeThem) {
    world.workflow(7).host(std::nullopt).state(0);
    world.command_since(7, "-1h", 0);
    world.workflow(1).state(7);
    world.leave(kLiving);
    EXPECT_THAT(failing(), ElementsAre("no_master", "no_normal_master", "old_commands"));
}

TEST_F(StatusChecksTest, HostsThatAreNone) {
    world.workflow(7).host(std::nullopt);
    EXPECT_THAT(failing(), ElementsAre("ownerless"));
    EXPECT_EQ(hint(CheckName::ownerless), "dsfailover failover-workflow 7");
    world.workflow(7).host("localhost");
    EXPECT_THAT(failing(), ElementsAre("odd_hosts"));
    EXPECT_EQ(hint(CheckName::odd_hosts), "dsfailover explain 7");
}

TEST_F(StatusChecksTest, AKillThatWasLost) {
    world.workflow(7).state(4);
    world.task(70, 7).host(kLivingWorker).submitted("-25m");
    world.workflow(8).state(4);
    world.task(80, 8).host(kLivingWorker).state(9);
    EXPECT_THAT(failing(), ElementsAre("needs_failover", "lost_kills"));
    const auto& notes = run.report.status->waiting_for_kill.kept();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].id, 7);
    EXPECT_EQ(notes[0].last_task_activity, world.time("-25m"));
}

TEST_F(StatusChecksTest, IdleIsWrongOnlyWhereAnotherRunEndedMeanwhile) {
    world.master(kOther, "-20d");
    world.workflow(7).host(kOther).started("-10d").definition(70);
    world.task(70, 7).host(kLivingWorker).submitted("-5d");
    world.workflow(8).host(kOther).started("-10d");
    world.task(80, 8).host(kLivingWorker).submitted("-1h");
    world.workflow(9).started("-10d").host(kOther).state(18);
    world.command(9);
    world.workflow(10).started("-9d").state(7).definition(70).ended("-6d");  // before
    EXPECT_THAT(failing(), IsEmpty());
    ASSERT_EQ(run.report.status->idle.total(), 1);
    const IdleWorkflow& idle = run.report.status->idle.kept()[0];
    EXPECT_EQ(idle.id, 7);
    EXPECT_EQ(idle.name, "workflow-7");
    EXPECT_EQ(idle.host, kOther);
    EXPECT_EQ(idle.since, world.time("-5d"));
    EXPECT_FALSE(idle.overtaken);
    world.workflow(11).started("-4d").state(6).definition(70).ended("-2d");
    EXPECT_THAT(failing(), ElementsAre("idle"));
    EXPECT_EQ(hint(CheckName::idle), "dsfailover explain 7");
    EXPECT_TRUE(run.report.status->idle.kept()[0].overtaken);
    run.status_options.idle = std::chrono::hours(24 * 6);
    EXPECT_THAT(failing(), IsEmpty());
    EXPECT_EQ(run.report.status->idle.total(), 0);
}

TEST_F(StatusChecksTest, OrWhereATaskCanNeverStart) {
    world.master(kOther, "-20d");
    world.workflow(7).host(kOther).started("-2d");
    world.task(70, 7).host(std::nullopt).state(0).worker_group("gpu").submitted("-2d");
    EXPECT_THAT(failing(), ElementsAre("idle"));
    EXPECT_TRUE(run.report.status->idle.kept()[0].blocked);
    world.worker("127.0.2.3:1234", "-1m", "gpu");
    EXPECT_THAT(failing(), IsEmpty());
}

TEST_F(StatusChecksTest, TasksWhoseWorkerGroupHasNoLivingWorker) {
    world.workflow(7).host(kLiving);
    world.task(70, 7).host(std::nullopt).state(0).worker_group("gpu");
    world.task(71, 7).host(std::nullopt).state(0).worker_group("default");
    world.task(72, 7).host(std::nullopt).state(0).worker_group("gpu").type("SWITCH");
    world.task(73, 7).host(std::nullopt).state(0).worker_group("gpu").flag(0);
    world.task(74, 7).host(std::nullopt).state(0);
    EXPECT_EQ(status().waiting_tasks.no_worker_group, 1);
    EXPECT_THAT(failing(), IsEmpty());
    // A group of the user interface, which no heartbeat names.
    make_table("t_ds_worker_group (id INTEGER, name TEXT, addr_list TEXT)");
    world.database().execute("INSERT INTO t_ds_worker_group VALUES (1, 'gpu', '127.0.9.9:1234,')");
    EXPECT_EQ(status().waiting_tasks.no_worker_group, 1);
    world.database().execute("UPDATE t_ds_worker_group SET addr_list = ?",
                             {Value("127.0.9.9:1234," + kLivingWorker)});
    EXPECT_EQ(status().waiting_tasks.no_worker_group, 0);
}

TEST_F(StatusChecksTest, AWorkerThatDoesNotSayItsGroupMayBeOfAny) {
    world.worker("127.0.2.3:1234", "-1m", "");
    world.workflow(7).host(kLiving);
    world.task(70, 7).host(std::nullopt).state(0).worker_group("gpu");
    EXPECT_EQ(status().waiting_tasks.no_worker_group, 0);
}

TEST_F(StatusChecksTest, TasksThatTheirTaskGroupLost) {
    world.workflow(7).host(kLiving);
    for (const int id : {70, 71, 72}) world.task(id, 7).host(std::nullopt).state(0).group(3);
    world.task(72, 7).submitted("-1m");  // on its way to the queue
    world.task(73, 7).host(std::nullopt).state(0);
    EXPECT_EQ(status().waiting_tasks.lost_task_group, std::nullopt) << "there is no such table";
    make_table("t_ds_task_group_queue (id INTEGER, task_id INTEGER)");
    world.database().execute("INSERT INTO t_ds_task_group_queue VALUES (1, 70)");
    EXPECT_EQ(status().waiting_tasks.lost_task_group, 1);
}

TEST_F(StatusChecksTest, SerialWaitIsWrongOnlyWhereNoRunIsToEnd) {
    world.workflow(7).host(kLiving).definition(70);
    for (const int id : {8, 9})
        world.workflow(id).host(std::nullopt).state(14).definition(70).started("-20m");
    world.workflow(10).host(std::nullopt).state(14).definition(71).started("-1m");  // just now
    EXPECT_THAT(failing(), IsEmpty());
    EXPECT_EQ(run.report.status->serial_wait.count, 3);
    EXPECT_EQ(run.report.status->serial_wait.oldest_start_time, world.time("-20m"));
    world.workflow(7).state(7).ended("-1m");
    EXPECT_THAT(failing(), IsEmpty()) << "it may be about to start";
    world.workflow(7).ended("-5m");
    EXPECT_THAT(failing(), ElementsAre("serial_wait"));
    EXPECT_EQ(hint(CheckName::serial_wait), "dsfailover explain 8 9");
    world.command(9, 1, 0);
    EXPECT_EQ(hint(CheckName::serial_wait), "dsfailover explain 8");
}

TEST_F(StatusChecksTest, ALeaderLivesOnlyAsItsOwnProcess) {
    const std::string alert = "127.0.3.1:50052";
    EXPECT_EQ(status().coordinator, kLiving);
    EXPECT_EQ(status().coordinator_alive, true);
    world.master(kOther);
    world.add_node(kOther, std::string(paths::kAlertServers) + "/" + alert, "{}");
    EXPECT_THAT(failing(), ElementsAre("alert_leader"));
    EXPECT_THAT(run.said(), HasSubstr("No leader of the alert servers"));
    world.add_node(kOther, paths::kAlertLeader, alert);
    EXPECT_THAT(failing(), IsEmpty());
    world.leave(kLiving);
    world.workflow(1).state(7);
    EXPECT_THAT(failing(), ElementsAre("coordinator"));
    world.add_node(kOther, paths::kCoordinator, kLiving);
    EXPECT_THAT(failing(), ElementsAre("coordinator"));
    EXPECT_EQ(run.report.status->coordinator_alive, false);
    world.master(kLiving);
    EXPECT_THAT(failing(), ElementsAre("coordinator"));
    EXPECT_THAT(run.said(), HasSubstr("another process lives at its address"));
}

TEST_F(StatusChecksTest, ClocksAndMarks) {
    world.mark(kOther, "-8d");
    EXPECT_THAT(failing(), ElementsAre("marks"));
    EXPECT_EQ(hint(CheckName::marks), "dsfailover clean-marks");
    world.workflow(7).started("+10m");
    EXPECT_THAT(failing(), testing::Contains("clocks"));
}

TEST_F(StatusChecksTest, LeakedLocksFailOnlyWhenNamed) {
    world.hold_lock(kLiving, kGone);
    world.mark(kGone, "-1m");
    EXPECT_THAT(failing(), ElementsAre("leaked_locks"));
    EXPECT_EQ(run.exit_code(), 0);
    run.status_options.checks.named = {CheckName::leaked_locks};
    EXPECT_THAT(failing(), ElementsAre("leaked_locks"));
    EXPECT_EQ(run.exit_code(), 7);
}

TEST_F(StatusChecksTest, ChecksByName) {
    world.workflow(7);
    world.workflow(8).state(18);
    auto& checks = run.status_options.checks;
    const auto code = [&] {
        status();
        return run.exit_code();
    };
    EXPECT_EQ(code(), 7);
    checks.named = {CheckName::ownerless, CheckName::in_doubt};
    EXPECT_EQ(code(), 0);
    checks.named = {CheckName::ownerless, CheckName::stuck};
    EXPECT_EQ(code(), 7);
    EXPECT_THAT(run.said(), HasSubstr("--check: stuck: 1 workflow is stuck"));
    EXPECT_THAT(run.said(), Not(HasSubstr("needs_failover:")));
    checks.skipped = {CheckName::stuck};
    EXPECT_EQ(code(), 0);
    checks.named = {};
    EXPECT_EQ(code(), 7);
    checks.skipped = {CheckName::stuck, CheckName::needs_failover};
    EXPECT_EQ(code(), 0);
    run.status_options.check = false;
    checks = {};
    EXPECT_EQ(code(), 0);
}

TEST_F(StatusChecksTest, ThoseOfZeroOne) {
    run.status_options.checks.skipped = {CheckName::no_master,    CheckName::no_normal_master,
                                         CheckName::no_worker,    CheckName::dead_workers,
                                         CheckName::old_commands, CheckName::ownerless,
                                         CheckName::lost_kills,   CheckName::idle,
                                         CheckName::serial_wait,  CheckName::coordinator,
                                         CheckName::alert_leader, CheckName::clocks};
    world.workflow(7).host(std::nullopt);
    world.workflow(8).host(kLiving);
    world.task(80, 8);
    status();
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    world.mark(kOther, "-8d");
    status();
    EXPECT_EQ(run.exit_code(), 7);
}

}  // namespace
}  // namespace dsfailover
