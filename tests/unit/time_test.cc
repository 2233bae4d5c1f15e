#include "base/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr EpochMs kSample = 1'795'332'479'415;  // 2026-11-22T07:27:59.415Z

TEST(FormatRfc3339, WritesUtcWithMilliseconds) {
    EXPECT_EQ(format_rfc3339(kSample), "2026-11-22T07:27:59.415Z");
    EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(format_rfc3339(1'709'208'000'000), "2024-02-29T12:00:00.000Z");
}

TEST(FormatRfc3339, WritesTheBareNumberOutsideOfTheCalendar) {
    EXPECT_EQ(format_rfc3339(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(format_rfc3339(253'402'300'800'000), "253402300800000 ms");
    EXPECT_EQ(format_rfc3339(std::numeric_limits<EpochMs>::max()), "9223372036854775807 ms");
    EXPECT_EQ(format_rfc3339(std::numeric_limits<EpochMs>::min()), "-9223372036854775808 ms");
}

TEST(ParseTime, ReadsEpochMilliseconds) {
    EXPECT_EQ(parse_time("1795332479415", "--event-time"), kSample);
    EXPECT_EQ(parse_time("1795332479415", "--startup-time", /*needs_millis=*/true), kSample);
}

TEST(ParseTime, ReadsRfc3339) {
    for (const char* const text :
         {"2026-11-22T07:27:59.415Z", "2026-11-22t07:27:59.415z", "2026-11-22 07:27:59.415Z",
          "2026-11-22T15:27:59.415+08:00", "2026-11-22T02:57:59.415-04:30",
          "2026-11-22T07:27:59.415-00:00", "2026-11-22T07:27:59.415999999Z"}) {
        EXPECT_EQ(parse_time(text, "--event-time"), kSample) << text;
    }
    EXPECT_EQ(parse_time("2026-11-22T07:27:59Z", "--event-time"), kSample - 415);
    EXPECT_EQ(parse_time("2026-11-22T07:27:59.4Z", "--event-time"), kSample - 15);
    EXPECT_EQ(parse_time("1969-12-31T23:59:59.999Z", "--event-time"), -1);
}

TEST(ParseTime, IsTheInverseOfFormat) {
    for (EpochMs time = -62'167'219'200'000; time < 253'402'300'799'999; time += 86'399'999'917) {
        ASSERT_EQ(parse_time(format_rfc3339(time), "t"), time);
    }
}

class NoTime : public ::testing::TestWithParam<const char*> {};

TEST_P(NoTime, IsRefusedNamingTheOptionAndTheText) {
    EXPECT_THAT([] { parse_time(GetParam(), "--event-time"); },
                ThrowsMessage<UsageError>(AllOf(HasSubstr("--event-time"),
                                                HasSubstr("'" + std::string(GetParam()) + "'"))));
}

INSTANTIATE_TEST_SUITE_P(
    , NoTime,
    ::testing::Values("", " ", "now", "-1795332479415", "+1795332479415", "1795332479415 ",
                      "1795332479415.5", "0x1A2", "2026-11-22", "2026-11-22T07:27:59",
                      "2026-11-22T07:27Z", "2026-11-22T07:27:59.Z",
                      "2026-11-22T07:27:59.1234567890Z", "2026-11-22T07:27:59Z ",
                      "2026-11-22T07:27:59+0800", "2026-11-22T07:27:59+24:00",
                      "2026-11-22T07:27:59+08:60", "2026-11-22T24:00:00Z", "2026-11-22T07:60:00Z",
                      "2026-11-22T07:27:60Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
                      "2026-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-00T00:00:00Z",
                      "26-11-22T07:27:59Z", "2026-1-22T07:27:59Z", "2026/11/22T07:27:59Z",
                      "9999-12-31T23:59:59.999-00:01", "0000-01-01T00:00:00+00:01"));

TEST(ParseTime, TakesSecondsForAMistakeAndSaysSo) {
    for (const char* const text : {"1795332479", "0", "99999999999"}) {
        EXPECT_THAT([&] { parse_time(text, "--event-time"); },
                    ThrowsMessage<UsageError>(HasSubstr("milliseconds")));
    }
}

TEST(ParseTime, TakesMicrosecondsForAMistakeAndSaysSo) {
    for (const char* const text : {"1795332479415000", "99999999999999999999999999"}) {
        EXPECT_THAT([&] { parse_time(text, "--event-time"); },
                    ThrowsMessage<UsageError>(HasSubstr("milliseconds")));
    }
}

TEST(ParseTime, WantsTheMillisecondsOfAStartupTime) {
    EXPECT_THAT([] { parse_time("2026-11-22T07:27:59Z", "--startup-time", true); },
                ThrowsMessage<UsageError>(HasSubstr("milliseconds")));
    EXPECT_EQ(parse_time("2026-11-22T07:27:59.000Z", "--startup-time", true), kSample - 415);
}

TEST(ParseDuration, ReadsANumberAndItsUnit) {
    EXPECT_EQ(parse_duration("0s", "--grace"), Millis(0));
    EXPECT_EQ(parse_duration("500ms", "--grace"), Millis(500));
    EXPECT_EQ(parse_duration("90s", "--grace"), Millis(90'000));
    EXPECT_EQ(parse_duration("15m", "--grace"), Millis(900'000));
    EXPECT_EQ(parse_duration("12h", "--grace"), Millis(43'200'000));
    EXPECT_EQ(parse_duration("7d", "--grace"), Millis(604'800'000));
    EXPECT_EQ(parse_duration("36525d", "--grace"), Millis(36'525LL * 86'400'000));
}

class NoDuration : public ::testing::TestWithParam<const char*> {};

TEST_P(NoDuration, IsRefusedNamingTheOptionAndTheText) {
    EXPECT_THAT([] { parse_duration(GetParam(), "--grace"); },
                ThrowsMessage<UsageError>(
                    AllOf(HasSubstr("--grace"), HasSubstr("'" + std::string(GetParam()) + "'"))));
}

INSTANTIATE_TEST_SUITE_P(, NoDuration,
                         ::testing::Values("", "s", "90", "-5s", "+5s", "1.5h", "90 s", " 90s",
                                           "90s ", "90S", "1h30m", "2w", "36526d",
                                           "99999999999999999999d", "9223372036854775807h"));

TEST(FormatDuration, IsTheShortestThatParsesBack) {
    const std::pair<Millis, const char*> expected[] = {
        {Millis(0), "0s"},          {Millis(1), "1ms"},          {Millis(1'000), "1s"},
        {Millis(90'000), "90s"},    {Millis(900'000), "15m"},    {Millis(43'200'000), "12h"},
        {Millis(86'400'000), "1d"}, {Millis(604'800'000), "7d"}, {Millis(86'400'001), "86400001ms"},
    };
    for (const auto& [duration, text] : expected) {
        EXPECT_EQ(format_duration(duration), text);
        EXPECT_EQ(parse_duration(text, "t"), duration);
    }
}

TEST(NowMs, IsInThisCentury) {
    EXPECT_GT(now_ms(), 1'700'000'000'000);
    EXPECT_LT(now_ms(), 4'102'444'800'000);
}

}  // namespace
}  // namespace dsfailover
