#include "coordinator/marks/failover_marks.h"

#include <gtest/gtest.h>

#include <chrono>

#include "coordinator/marks/fence.h"

namespace dsfailover {
namespace {

TEST(MarkValue, IsDecimalDigitsAlone) {
    EXPECT_EQ(parse_mark_value("1795411926533"), 1795411926533);
    EXPECT_EQ(parse_mark_value("0"), kFenceValue);
    EXPECT_EQ(parse_mark_value("999999999999999"), 999999999999999);
    for (const char* value : {"", " 1", "1 ", "-1", "+1", "1.0", "0x1", "abc",
                              "9999999999999999999", "1795411926533000", "999999999999999999"}) {
        EXPECT_FALSE(parse_mark_value(value)) << value;
    }
}

TEST(Fence, IsKeptForAWeekAndWhileItsServerLives) {
    constexpr EpochMs now = 1'795'411'926'533;
    const EpochMs week = Millis(std::chrono::hours(24 * 7)).count();
    const MarkName recent{"127.0.1.1:5678", ProcessIdentity{now - week, 7}};
    const MarkName old{"127.0.1.1:5678", ProcessIdentity{now - week - 1, 7}};
    Servers none, master, worker;
    master.masters.emplace_back().address = worker.workers.emplace_back().address =
        "127.0.1.1:5678";
    EXPECT_TRUE(is_fence_kept(recent, none, now));
    EXPECT_FALSE(is_fence_kept(old, none, now));
    EXPECT_TRUE(is_fence_kept(old, master, now));
    EXPECT_TRUE(is_fence_kept(old, worker, now));
}

}  // namespace
}  // namespace dsfailover
