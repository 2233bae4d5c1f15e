#include "coordinator/failover/recovery_watch.h"

#include <gmock/gmock.h>

#include <chrono>

namespace dsfailover {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(WayOnForUntaken, FitsTheTimeWaited) {
    EXPECT_THAT(std::string(way_on_for_untaken(Millis(1s))), HasSubstr("older than two minutes"));
    EXPECT_THAT(std::string(way_on_for_untaken(Millis(3min))), Not(HasSubstr("two minutes")));
    EXPECT_THAT(std::string(way_on_for_untaken(Millis(3min))), HasSubstr("requeue now"));
    EXPECT_THAT(std::string(way_on_for_untaken(std::nullopt)), Not(HasSubstr("use requeue")));
}

}  // namespace
}  // namespace dsfailover
