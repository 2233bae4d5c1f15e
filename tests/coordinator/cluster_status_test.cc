// status: it says what the other commands would do, and changes nothing.

#include "coordinator/failover/failover_lock.h"
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

class ClusterStatusTest : public StatusTest {
  protected:
    ClusterStatusTest() { world.worker(kLivingWorker); }

    /// "address workflows in_doubt running_elsewhere" of each host.
    std::vector<std::string> needs() {
        std::vector<std::string> all;
        for (const NeedsFailover& one : status().needs_failover.kept())
            all.push_back(one.address + " " + std::to_string(one.workflows) + " " +
                          std::to_string(one.in_doubt) + " " +
                          std::to_string(one.running_elsewhere));
        return all;
    }
    std::vector<std::string> uncertain() {
        std::vector<std::string> all;
        for (const WorkflowNote& one : status().uncertain.kept())
            all.push_back(std::to_string(one.id) + " " + one.reason);
        return all;
    }

    /// Something of every kind, on three hosts.
    void fill() {
        world.workflow(7);
        world.workflow(8).state(4);
        world.workflow(9).command_type(4);  // in doubt
        world.workflow(10).restarted_at(world.stamp(kGone, "-10m", "UTC", {kLiving}));
        world.task(100, 10).submitted("-5m");  // running elsewhere
        world.workflow(11);
        world.command(11);  // command pending
        world.workflow(12).host(kOther);
        world.workflow(13).host(kOther).state(18);  // stuck
        world.workflow(15).host(kOther).restarted_at(
            world.stamp(kOther, "-2m", "UTC", {kLiving}));  // settling
        world.workflow(14).host(kLiving).started("-3h");
        world.task(140, 14).submitted("-150m");  // of the process before
    }
};

TEST_F(ClusterStatusTest, AClusterThatIsWellNeedsNothing) {
    EXPECT_THAT(needs(), IsEmpty());
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    const StatusSection& seen = status();
    ASSERT_EQ(seen.masters.kept().size(), 1U);
    EXPECT_EQ(seen.masters.kept()[0].address, kLiving);
    EXPECT_EQ(seen.masters.kept()[0].startup_time, world.startup(kLiving));
    ASSERT_EQ(seen.workers.kept().size(), 1U);
    EXPECT_EQ(seen.workers.kept()[0].address, kLivingWorker);
}

TEST_F(ClusterStatusTest, ItSaysOfEachHostWhatGlobalWouldDo) {
    fill();
    EXPECT_THAT(needs(),
                UnorderedElementsAre(kGone + " 2 2 1", kOther + " 1 1 0", kLiving + " 1 0 0"));
    EXPECT_THAT(uncertain(), UnorderedElementsAre("9 in_doubt", "10 running_elsewhere",
                                                  "11 command_pending", "15 settling"));
    EXPECT_EQ(run.exit_code(), 7);
}

TEST_F(ClusterStatusTest, AndGlobalDoesIt) {
    fill();
    const auto said = status().needs_failover.kept();
    TestRun planned(world), done(world);
    planned.options.dry_run = true;
    planned.global();
    done.global();
    ASSERT_EQ(said.size(), 3U);
    for (const NeedsFailover& one : said) {
        EXPECT_EQ(planned.master(one.address).workflows.selected, one.workflows) << one.address;
        EXPECT_EQ(done.master(one.address).workflows.done, one.workflows) << one.address;
    }
    EXPECT_EQ(planned.exit_code(), 3);
    EXPECT_EQ(done.exit_code(), 3);
    for (const std::int64_t id : {7, 8, 12, 14})
        EXPECT_EQ(done.fate_of(id), "failed_over") << id << done.said();
}

TEST_F(ClusterStatusTest, OfEachHostItSaysWhatFailoverMasterSays) {
    fill();
    const auto said = status().needs_failover.kept();
    for (const NeedsFailover& one : said) {
        if (one.alive) continue;
        TestRun planned(world);
        planned.options.dry_run = true;
        planned.failover_master(one.address);
        const auto& workflows = planned.master(one.address).workflows;
        const auto count = [&](SkipReason reason) {
            const auto found = workflows.skipped.find(reason);
            return found == workflows.skipped.end() ? 0 : found->second;
        };
        EXPECT_EQ(workflows.selected, one.workflows) << one.address;
        EXPECT_EQ(count(SkipReason::in_doubt) + count(SkipReason::settling) +
                      count(SkipReason::command_pending),
                  one.in_doubt);
        EXPECT_EQ(count(SkipReason::running_elsewhere), one.running_elsewhere);
    }
}

TEST_F(ClusterStatusTest, AfterTheFailoverNothingIsLeftToDo) {
    world.workflow(7);
    world.workflow(12).host(kOther);
    status();
    EXPECT_EQ(run.exit_code(), 7);
    TestRun(world).global();
    EXPECT_THAT(needs(), IsEmpty());
    EXPECT_EQ(run.report.status->commands.failovers().count, 2);
    EXPECT_EQ(run.report.status->commands.unclaimed(), 0);
    EXPECT_EQ(run.report.status->marks, 2);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
}

TEST_F(ClusterStatusTest, WhatIsStuckIsForRequeueAndHasACause) {
    world.workflow(7).state(18);
    world.workflow(8).state(18);
    world.failed_command(8, 1, "no worker group\nat line 7");
    world.workflow(9).state(18);
    world.command(9);
    std::vector<std::string> stuck;
    for (const StuckWorkflow& one : status().stuck.kept())
        stuck.push_back(std::to_string(one.id) + " " + one.cause);
    EXPECT_THAT(stuck, ElementsAre("7 none", "8 no worker group"));
    EXPECT_EQ(run.exit_code(), 7);
    TestRun(world).requeue();
    EXPECT_TRUE(status().stuck.kept().empty());
    EXPECT_EQ(run.exit_code(), 0) << run.said();
}

TEST_F(ClusterStatusTest, ALockLooksLeakedIfAMarkIsYoungerThanItsHoldersClaim) {
    world.hold_lock(kLiving, kGone);
    ASSERT_EQ(status().locks.kept().size(), 1U);
    EXPECT_EQ(run.report.status->locks.kept()[0].path, failover_lock_path(kGone));
    EXPECT_THAT(run.report.status->locks.kept()[0].holder, HasSubstr(kLiving));
    EXPECT_FALSE(run.report.status->locks.kept()[0].leaked);
    world.mark(kGone, "-1m");
    EXPECT_TRUE(status().locks.kept()[0].leaked);
}

TEST_F(ClusterStatusTest, MarksThatExpiredAndThoseThatCannotBeReadAreCounted) {
    world.mark(kGone, "-8d");
    world.mark(kOther, "-1d");
    world.mark_reading(kGoneWorker, "not a number");
    world.put(mark_path(kLiving, ProcessIdentity{world.time("-1h"), 1}), "0");
    const StatusSection& seen = status();
    EXPECT_EQ(seen.marks, 4);
    EXPECT_EQ(seen.expired_marks, 1);
    EXPECT_EQ(seen.unreadable_marks, 1);
    ASSERT_EQ(seen.fences.kept().size(), 1U);
    EXPECT_TRUE(seen.fences.kept()[0].alive);
    EXPECT_EQ(run.exit_code(), 7) << "clean-marks would take one";
}

TEST_F(ClusterStatusTest, TotalsCountWhatItemsLeaveOut) {
    fill();
    world.task(70, 7).submitted("-40m");
    world.task(71, 14).submitted("-20m");
    world.put(mark_path(kLiving, ProcessIdentity{world.time("-1h"), 1}), "0");
    const StatusSection all = status();
    run.status_options.items = 0;
    const StatusTotals totals = status().totals;
    std::int64_t hosts = 0, to_fail_over = 0, in_doubt = 0, elsewhere = 0, gone_tasks = 0,
                 routed = 0;
    for (const NeedsFailover& one : all.needs_failover.kept()) {
        if (one.workflows > 0) ++hosts;
        to_fail_over += one.workflows;
        in_doubt += one.in_doubt;
        elsewhere += one.running_elsewhere;
    }
    for (const GoneWorker& one : all.workers_gone.kept()) gone_tasks += one.tasks;
    for (const auto& [route, tasks] : totals.gone_tasks) routed += tasks;
    EXPECT_GT(to_fail_over, 1);
    EXPECT_EQ(totals.to_fail_over, to_fail_over);
    EXPECT_EQ(totals.in_doubt, in_doubt);
    EXPECT_EQ(totals.running_elsewhere, elsewhere);
    EXPECT_GT(gone_tasks, 1);
    EXPECT_EQ(routed, gone_tasks);
    EXPECT_EQ(totals.hosts_to_fail_over, hosts);
    EXPECT_EQ(totals.fences_of_living, 1);
    EXPECT_EQ(totals.masters.at("NORMAL"), 1);
    EXPECT_THAT(totals.workflows,
                UnorderedElementsAre(Pair("FAILOVER", 1), Pair("READY_PAUSE", 0),
                                     Pair("READY_STOP", 1), Pair("RUNNING_EXECUTION", 8),
                                     Pair("SERIAL_WAIT", 0), Pair("SUBMITTED_SUCCESS", 0)));
}

TEST_F(ClusterStatusTest, WorkflowsWithoutAHostAreListed) {
    world.workflow(7).host(std::nullopt).state(4);
    const auto& ownerless = status().ownerless_items.kept();
    ASSERT_EQ(ownerless.size(), 1U);
    EXPECT_EQ(ownerless[0].id, 7);
    EXPECT_EQ(ownerless[0].name, "workflow-7");
    EXPECT_EQ(ownerless[0].state, "READY_STOP");
}

}  // namespace
}  // namespace dsfailover
