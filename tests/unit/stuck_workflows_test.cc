#include "coordinator/requeue/stuck_workflows.h"

#include <gtest/gtest.h>

#include "base/terminal_text.h"
#include "store/command_type.h"

namespace dsfailover {
namespace {

constexpr EpochMs kNow = 1'795'411'926'533;
constexpr Millis kTwoMinutes{120'000};

WaitingCommand waiting(EpochMs updated, int type = command_type::kRecoverToleranceFault) {
    return {7, 1, type, updated};
}

TEST(UnclaimedCommand, IsOlderThanTheDuration) {
    EXPECT_FALSE(is_unclaimed(waiting(kNow), kTwoMinutes, kNow));
    EXPECT_FALSE(is_unclaimed(waiting(kNow - 120'000), kTwoMinutes, kNow));
    EXPECT_TRUE(is_unclaimed(waiting(kNow - 120'001), kTwoMinutes, kNow));
}

TEST(UnclaimedCommand, IsOfAnyType) {
    EXPECT_TRUE(is_unclaimed(waiting(0, command_type::kScheduler), kTwoMinutes, kNow));
}

TEST(UnclaimedCommand, WithoutUpdateTimeSaysNothing) {
    EXPECT_FALSE(is_unclaimed({7, 1, command_type::kRecoverToleranceFault, std::nullopt},
                              kTwoMinutes, kNow));
}

TEST(UnclaimedCommand, DatedAheadIsNotOld) {
    EXPECT_FALSE(is_unclaimed(waiting(kNow + 1), Millis(0), kNow));
    EXPECT_TRUE(is_unclaimed(waiting(kNow - 1), Millis(0), kNow));
}

TEST(FirstLine, EndsBeforeAnyLineBreak) {
    EXPECT_EQ(first_line("a\nb"), "a");
    EXPECT_EQ(first_line("a\r\nb"), "a");
    EXPECT_EQ(first_line("a"), "a");
    EXPECT_EQ(first_line(""), "");
}

}  // namespace
}  // namespace dsfailover
