// What a failover says will come of it, planned and done.

#include "coordinator/world_test.h"

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
    EXPECT_THAT(planned(), HasSubstr("2 tasks of these workflows are at work on workers: 70, 71."));
}

TEST_F(ConsequencesTest, SaysSoAfterTheFactToo) {
    world.workflow(7).state(4);
    run.failover_master(kGone);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_THAT(run.said(), HasSubstr("1 workflow is in READY_STOP: 7."));
    EXPECT_THAT(run.said(), HasSubstr("1 task of these workflows is at work on workers: 70."));
}

TEST_F(ConsequencesTest, SaysNothingOfWhatIsLeftAlone) {
    world.workflow(7).state(4);
    world.command(7);
    EXPECT_THAT(planned(), Not(HasSubstr("READY_STOP: 7")));
    EXPECT_THAT(run.said(), Not(HasSubstr("at work")));
}

}  // namespace
}  // namespace dsfailover
