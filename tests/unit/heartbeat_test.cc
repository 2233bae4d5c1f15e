#include <fmt/format.h>
#include <gmock/gmock.h>

#include "registry/living_servers.h"

namespace dsfailover {
namespace {

std::optional<std::int64_t> startup_time_of(std::string_view number) {
    Node node;
    node.value = fmt::format("{{\"startupTime\":{}}}", number);
    return parse_heartbeat(std::move(node)).startup_time;
}

TEST(Heartbeat, HasWholeNumbersHoweverTheyAreWritten) {
    EXPECT_EQ(startup_time_of("1795331879415"), 1795331879415);
    EXPECT_EQ(startup_time_of("1.795331879415E12"), 1795331879415);
    EXPECT_EQ(startup_time_of("-7"), -7);
    EXPECT_EQ(startup_time_of("0.5"), std::nullopt);
    EXPECT_EQ(startup_time_of("\"7\""), std::nullopt);
}

TEST(Heartbeat, OfAMasterGoneMadHasNoTime) {
    // As microseconds these would not fit, or be others.
    for (const char* number : {"9223372036854775807", "18446744073709551615",
                               "-9223372036854775808", "9000000000000001", "1e300"})
        EXPECT_EQ(startup_time_of(number), std::nullopt) << number;
    EXPECT_EQ(startup_time_of("9000000000000000"), 9000000000000000);
    Node node;
    node.value = R"({"startupTime":18446744073709551615})";
    EXPECT_EQ(parse_heartbeat(std::move(node)).problem, "its heartbeat has no startupTime");
}

}  // namespace
}  // namespace dsfailover
