#include "base/time_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Wall clocks and instants in microseconds, written as RFC 3339.
std::int64_t us(const std::string& time) { return parse_time(time, "t") * 1000; }

void expect_instant(const TimeZone& zone, const std::string& wall_clock,
                    const std::string& instant) {
    const InstantRange range = zone.to_instants(us(wall_clock + "Z"));
    EXPECT_EQ(range.earliest_us, us(instant)) << zone.name() << " " << wall_clock;
    EXPECT_EQ(range.latest_us, us(instant)) << zone.name() << " " << wall_clock;
    EXPECT_EQ(zone.to_local(us(instant)), us(wall_clock + "Z")) << zone.name() << " " << instant;
}

TEST(TimeZone, IsUtcByDefault) {
    const TimeZone utc;
    EXPECT_EQ(utc.name(), "UTC");
    EXPECT_EQ(utc.to_instants(1'234'567).earliest_us, 1'234'567);
    EXPECT_EQ(utc.to_local(1'234'567), 1'234'567);
}

TEST(TimeZone, KnowsUtcByItsNames) {
    for (const char* const name : {"UTC", "Z", "GMT", "Etc/UTC", "+00:00", "-00:00", "UTC+0"}) {
        expect_instant(TimeZone(name), "2026-11-22T07:27:59.415", "2026-11-22T07:27:59.415Z");
    }
}

TEST(TimeZone, KnowsOffsets) {
    for (const char* const name :
         {"+08:00", "+8", "+08", "+0800", "GMT+8", "GMT+08:00", "UTC+8", "UTC+08:00"}) {
        expect_instant(TimeZone(name), "2026-11-22T15:27:59.415", "2026-11-22T07:27:59.415Z");
        EXPECT_EQ(TimeZone(name).name(), name);
    }
    expect_instant(TimeZone("-04:30"), "2026-11-22T02:57:59", "2026-11-22T07:27:59Z");
    expect_instant(TimeZone("+18:00"), "2026-11-23T01:27:59", "2026-11-22T07:27:59Z");
}

TEST(TimeZone, KnowsPlacesAndTheirSummers) {
    const TimeZone shanghai("Asia/Shanghai");
    expect_instant(shanghai, "2026-11-22T15:27:59.415", "2026-11-22T07:27:59.415Z");
    const TimeZone berlin("Europe/Berlin");
    expect_instant(berlin, "2026-01-10T12:00:00", "2026-01-10T11:00:00Z");
    expect_instant(berlin, "2026-07-10T12:00:00", "2026-07-10T10:00:00Z");
}

TEST(TimeZone, KnowsShortNamesAsJavaMeansThem) {
    expect_instant(TimeZone("CTT"), "2026-11-22T15:27:59", "2026-11-22T07:27:59Z");
    expect_instant(TimeZone("CST"), "2026-11-22T01:27:59", "2026-11-22T07:27:59Z");
    expect_instant(TimeZone("CST"), "2026-07-22T02:27:59", "2026-07-22T07:27:59Z");
    expect_instant(TimeZone("JST"), "2026-11-22T16:27:59", "2026-11-22T07:27:59Z");
    expect_instant(TimeZone("EST"), "2026-07-22T02:27:59", "2026-07-22T07:27:59Z");
    EXPECT_EQ(TimeZone("CTT").name(), "CTT");
    for (const char* const name :
         {"ACT", "AET", "AGT", "ART", "AST", "BET", "BST", "CAT", "CNT", "EAT", "ECT", "HST",
          "IET", "IST", "MIT", "MST", "NET", "NST", "PLT", "PNT", "PRT", "PST", "SST", "VST"})
        EXPECT_NO_THROW(TimeZone{name}) << name;
}

TEST(TimeZone, AnHourThatComesTwiceStandsForBothInstants) {
    const TimeZone berlin("Europe/Berlin");
    const InstantRange range = berlin.to_instants(us("2026-10-25T02:30:00Z"));
    EXPECT_EQ(range.earliest_us, us("2026-10-25T00:30:00Z"));
    EXPECT_EQ(range.latest_us, us("2026-10-25T01:30:00Z"));
    EXPECT_EQ(berlin.to_local(range.earliest_us), berlin.to_local(range.latest_us));
}

TEST(TimeZone, AnHourThatNeverComesStandsForTheMomentOfTheChange) {
    const TimeZone berlin("Europe/Berlin");
    const InstantRange range = berlin.to_instants(us("2026-03-29T02:30:00Z"));
    EXPECT_EQ(range.earliest_us, us("2026-03-29T01:00:00Z"));
    EXPECT_EQ(range.latest_us, us("2026-03-29T01:00:00Z"));
}

TEST(TimeZone, TheEdgesOfBothChangesAreExact) {
    const TimeZone berlin("Europe/Berlin");
    expect_instant(berlin, "2026-03-29T01:59:59.999", "2026-03-29T00:59:59.999Z");
    expect_instant(berlin, "2026-03-29T03:00:00", "2026-03-29T01:00:00Z");
    expect_instant(berlin, "2026-10-25T01:59:59.999", "2026-10-24T23:59:59.999Z");
    expect_instant(berlin, "2026-10-25T03:00:00", "2026-10-25T02:00:00Z");
}

class NoZone : public ::testing::TestWithParam<const char*> {};

TEST_P(NoZone, IsRefusedByName) {
    EXPECT_THAT([] { TimeZone{GetParam()}; },
                ThrowsMessage<UsageError>(HasSubstr("'" + std::string(GetParam()) + "'")));
}

INSTANTIATE_TEST_SUITE_P(, NoZone,
                         ::testing::Values("", "Mars/Olympus", "../../etc/passwd", "+", "+19:00",
                                           "+18:01", "+8:0", "+08:60", "GMT+", "GMT8", "+080", "8",
                                           "+-8"));

}  // namespace
}  // namespace dsfailover
