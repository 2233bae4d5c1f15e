#include "coordinator/requeue/stuck_workflows.h"

#include <gtest/gtest.h>

#include "base/terminal_text.h"
#include "store/command_param.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {
namespace {

constexpr EpochMs kNow = 1'795'411'926'533;
constexpr Millis kTwoMinutes{120'000};

WaitingCommand waiting(EpochMs updated, int type = kRecoverToleranceFault) {
    return {7, 1, type, updated};
}

TEST(UnclaimedCommand, IsOlderThanTheDuration) {
    EXPECT_FALSE(is_unclaimed(waiting(kNow), kTwoMinutes, kNow));
    EXPECT_FALSE(is_unclaimed(waiting(kNow - 120'000), kTwoMinutes, kNow));
    EXPECT_TRUE(is_unclaimed(waiting(kNow - 120'001), kTwoMinutes, kNow));
}

TEST(UnclaimedCommand, IsARecoveryCommand) {
    EXPECT_FALSE(is_unclaimed(waiting(0, 0), kTwoMinutes, kNow));
}

TEST(UnclaimedCommand, WithoutUpdateTimeSaysNothing) {
    EXPECT_FALSE(is_unclaimed({7, 1, kRecoverToleranceFault, std::nullopt}, kTwoMinutes, kNow));
}

TEST(UnclaimedCommand, DatedAheadIsNotOld) {
    EXPECT_FALSE(is_unclaimed(waiting(kNow + 1), Millis(0), kNow));
    EXPECT_TRUE(is_unclaimed(waiting(kNow - 1), Millis(0), kNow));
}

TEST(StateOfCommandParam, ReadsWhatWeWrite) {
    using namespace workflow_state;
    for (const int state : {kRunning, kReadyPause, kReadyStop}) {
        EXPECT_EQ(state_of_command_param(recovery_command_param(state)), state);
    }
}

TEST(StateOfCommandParam, TakesNoOtherStateAndNoDamagedText) {
    EXPECT_EQ(state_of_command_param(R"({"workflowExecutionStatus":"FAILOVER"})"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"({"workflowExecutionStatus":4})"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"({"commandType":"x"})"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"(["READY_STOP"])"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"({"workflowExecutionStatus":"READY_STOP")"), std::nullopt);
    EXPECT_EQ(state_of_command_param(""), std::nullopt);
}

TEST(FirstLine, EndsBeforeAnyLineBreak) {
    EXPECT_EQ(first_line("a\nb"), "a");
    EXPECT_EQ(first_line("a\r\nb"), "a");
    EXPECT_EQ(first_line("a"), "a");
    EXPECT_EQ(first_line(""), "");
}

}  // namespace
}  // namespace dsfailover
