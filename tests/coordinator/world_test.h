#pragma once

#include <gmock/gmock.h>

#include <string>

#include "coordinator/test_run.h"
#include "coordinator/world.h"

namespace dsfailover {

/// A world, and one run in it.
class WorldTest : public ::testing::Test {
  protected:
    explicit WorldTest(Release release = Release::v3_3_0) : world(release), run(world) {}
    void TearDown() override {
        EXPECT_TRUE(world.registry.all_rules_used()) << "something that the test is about "
                                                        "never happened";
    }

    /// Workflow and task: failed over once, by the run that wrote this stamp.
    void expect_failed_over_once(std::int64_t workflow, std::optional<EpochMs> stamp,
                                 const std::string& back_to = "RUNNING_EXECUTION") {
        EXPECT_EQ(world.workflow(workflow).state(), 18) << workflow;
        ASSERT_TRUE(stamp);
        EXPECT_EQ(world.workflow(workflow).restart_time(), stamp) << workflow;
        const auto commands = world.commands_of(workflow);
        ASSERT_EQ(commands.size(), 1U) << workflow;
        EXPECT_EQ(commands[0].type, 2);
        EXPECT_EQ(commands[0].state, back_to);
    }
    void expect_untouched(std::int64_t workflow) {
        EXPECT_EQ(world.workflow(workflow).state(), 1) << workflow;
        EXPECT_EQ(world.workflow(workflow).restart_time(), std::nullopt) << workflow;
        EXPECT_TRUE(world.commands_of(workflow).empty()) << workflow;
    }

    World world;
    TestRun run;
};

class LaterReleaseTest : public WorldTest {
  protected:
    LaterReleaseTest() : WorldTest(Release::later) {}
};

}  // namespace dsfailover
