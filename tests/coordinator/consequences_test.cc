// What a failover says will come of it, planned and done.

#include <csignal>

#include "base/interruption.h"
#include "coordinator/world_test.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ConsequencesTest : public WorldTest {
  protected:
    ConsequencesTest() {
        world.workflow(7);
        world.task(70, 7).state(1);
    }
    std::string planned() {
        run.options.dry_run = true;
        run.failover_master(kGone);
        return run.said();
    }
};

TEST_F(ConsequencesTest, NamesWorkflowsThatWereToBeStoppedOrPaused) {
    world.workflow(8).state(4);
    world.workflow(9).state(2);
    EXPECT_THAT(planned(), HasSubstr("1 workflow is in READY_STOP: 8."));
    EXPECT_THAT(run.said(), HasSubstr("1 workflow is in READY_PAUSE: 9."));
}

TEST_F(ConsequencesTest, NamesTasksThatRunAgain) {
    world.task(71, 7).state(17);
    world.task(72, 7).state(0);                       // was never dispatched
    world.task(73, 7).state(1).type("SUB_WORKFLOW");  // its master ran it
    world.task(74, 7).state(1).flag(0);               // counts no more
    EXPECT_THAT(planned(),
                HasSubstr("2 tasks of these workflows stand as running on workers, and no worker "
                          "said whether that is so: 70, 71."));
}

TEST_F(ConsequencesTest, SaysSoAfterTheFactToo) {
    world.workflow(7).state(4);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_THAT(run.said(), HasSubstr("1 workflow is in READY_STOP: 7."));
    EXPECT_THAT(run.said(), HasSubstr("1 task of these workflows stands as running on workers"));
}

TEST_F(ConsequencesTest, SaysNothingOfWhatIsLeftAlone) {
    world.workflow(7).state(4);
    world.command(7);
    EXPECT_THAT(planned(), Not(HasSubstr("READY_STOP: 7")));
    EXPECT_THAT(run.said(), Not(HasSubstr("as running on workers")));
}

TEST_F(ConsequencesTest, LivingWorkersAreAskedWhichTasksTheyRun) {
    world.worker(kLivingWorker);
    world.task(70, 7).host(kLivingWorker);
    world.task(71, 7).host(kLivingWorker);  // not there any more
    world.task(72, 7);                      // its worker is gone
    FakeServers servers;
    servers.holds[kLivingWorker] = {70};
    run.servers = &servers;
    EXPECT_THAT(planned(), HasSubstr("1 task of these workflows is alive on workers: 70."));
    EXPECT_THAT(run.said(), HasSubstr("1 task of these workflows stands as running on workers, and "
                                      "no worker said whether that is so: 72."));
    ASSERT_TRUE(run.report.workers_asked);
    EXPECT_EQ(run.report.workers_asked->at(0).alive, 1);
    EXPECT_EQ(run.report.workers_asked->at(0).unknown_task, 1);
}

TEST_F(ConsequencesTest, WhateverEndsTheQuestionTheReportIsWhole) {
    world.worker(kLivingWorker);
    world.task(70, 7).host(kLivingWorker);
    FakeServers servers;
    run.servers = &servers;
    servers.after_round = [&] {
        if (servers.rounds.back().at(0).address == kLivingWorker) throw Interrupted(SIGTERM);
    };
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(run.master(kGone).workflows.done, 1);
    EXPECT_THAT(run.said(), HasSubstr("no worker said whether that is so: 70."));
}

TEST_F(ConsequencesTest, AboutNoMoreTasksThanTheLimit) {
    world.worker(kLivingWorker);
    world.task(70, 7).host(kLivingWorker);
    world.task(71, 7).host(kLivingWorker);
    FakeServers servers;
    run.servers = &servers;
    run.options.ask.limit = 1;
    EXPECT_THAT(planned(), HasSubstr("no worker said whether that is so: 71."));
    EXPECT_EQ(run.report.workers_asked.value().at(0).questions, 1);
}

}  // namespace
}  // namespace dsfailover
