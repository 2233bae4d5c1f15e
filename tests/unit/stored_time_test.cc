#include "base/stored_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kMicros = 1, kMillis = 1000, kSeconds = 1'000'000;
// 2026-11-22T07:27:59.123Z
constexpr EpochMs kTime = 1'795'332'479'123;

const TimeZone kUtc;
const TimeZone kShanghai("Asia/Shanghai");
const TimeZone kBerlin("Europe/Berlin");

std::int64_t exact_us(std::string_view text) {
    const StoredTime time = parse_stored_time(text, kUtc, kMicros);
    EXPECT_EQ(time.instants.earliest_us, time.instants.latest_us);
    return time.instants.earliest_us;
}

TEST(StoredTime, IsReadWithAnyFractionOfASecond) {
    const std::int64_t whole = kTime / 1000 * kSeconds;
    EXPECT_EQ(exact_us("2026-11-22 07:27:59"), whole);
    EXPECT_EQ(exact_us("2026-11-22 07:27:59.1"), whole + 100'000);
    EXPECT_EQ(exact_us("2026-11-22 07:27:59.123"), kTime * 1000);
    EXPECT_EQ(exact_us("2026-11-22T07:27:59.123456"), kTime * 1000 + 456);
    EXPECT_EQ(exact_us("2026-11-22 07:27:59.123456789"), kTime * 1000 + 456);
    EXPECT_EQ(exact_us("1970-01-01 00:00:00"), 0);
    EXPECT_EQ(exact_us("1969-12-31 23:59:59.9"), -100'000);
    EXPECT_EQ(exact_us("2024-02-29 00:00:00"), 1'709'164'800 * kSeconds);
}

TEST(StoredTime, KeepsItsText) {
    EXPECT_EQ(parse_stored_time("2026-11-22 07:27:59.1", kUtc, kMicros).text,
              "2026-11-22 07:27:59.1");
}

TEST(StoredTime, WhatIsNoTimestampIsNamed) {
    for (const char* text :
         {"", "yesterday", "2026-11-22", "2026-11-22 07:27", "2026-11-22 07:27:59.",
          "2026-11-22 07:27:59.12345678901", "2026-11-22 07:27:59Z", "2026-11-22 07:27:59+00",
          "2026-11-22 07:27:59 ", "2026-13-22 07:27:59", "2026-02-29 07:27:59",
          "2026-11-22 24:00:00", "2026-11-22 07:60:00", "2026-11-22 07:27:60",
          "0000-00-00 00:00:00", "infinity", "-026-11-22 07:27:59", "2026-11-22 07:27:59.1x"}) {
        try {
            parse_stored_time(text, kUtc, kMicros);
            ADD_FAILURE() << "taken: " << text;
        } catch (const EnvironmentError& error) {
            EXPECT_THAT(error.what(), HasSubstr("'" + std::string(text) + "'"));
        }
    }
}

TEST(StoredTime, IsReadInTheZoneOfTheMasters) {
    const StoredTime time = parse_stored_time("2026-11-22 15:27:59.123", kShanghai, kMillis);
    EXPECT_EQ(time.epoch_ms(), kTime);
    EXPECT_TRUE(time.was_written_as(kTime, kShanghai));
    EXPECT_FALSE(time.was_written_as(kTime, kUtc));
    EXPECT_FALSE(time.was_written_as(kTime + 1, kShanghai));
}

TEST(StoredTime, OfAWholeSecondStandsForAllThatAServerMakesOfIt) {
    const EpochMs second = kTime / 1000 * 1000;
    const StoredTime time = parse_stored_time("2026-11-22 07:27:59", kUtc, kSeconds);
    EXPECT_EQ(time.instants.earliest_us, (second - 500) * 1000);
    EXPECT_EQ(time.instants.latest_us, (second + 1000) * 1000 - 1);
    // MySQL makes it of half a second before, MariaDB of almost a second after.
    EXPECT_FALSE(time.possibly_before(second - 500));
    EXPECT_TRUE(time.possibly_before(second - 499));
    EXPECT_FALSE(time.certainly_before(second + 999));
    EXPECT_TRUE(time.certainly_before(second + 1000));
    EXPECT_EQ(time.epoch_ms(), second);
    EXPECT_TRUE(time.was_written_as(second, kUtc));
}

TEST(StoredTime, OfARepeatedHourStandsForBoth) {
    // Clocks in Berlin go back at 2026-10-25T01:00Z.
    const StoredTime time = parse_stored_time("2026-10-25 02:30:00", kBerlin, kMillis);
    EXPECT_EQ(time.instants.latest_us - time.instants.earliest_us, 3600 * kSeconds);
    EXPECT_EQ(time.instants.earliest_us, 1'792'888'200 * kSeconds);
}

TEST(StoredTime, WithMillisecondsIsExact) {
    const StoredTime time = parse_stored_time("2026-11-22 07:27:59.123", kUtc, kMillis);
    EXPECT_FALSE(time.possibly_before(kTime));
    EXPECT_TRUE(time.certainly_before(kTime + 1));
}

TEST(FormatStoredTime, WritesWhatTheColumnKeeps) {
    EXPECT_EQ(format_stored_time(kTime, kUtc, kMicros), "2026-11-22 07:27:59.123");
    EXPECT_EQ(format_stored_time(kTime, kShanghai, kMillis), "2026-11-22 15:27:59.123");
    EXPECT_EQ(format_stored_time(kTime / 1000 * 1000, kUtc, kSeconds), "2026-11-22 07:27:59");
    EXPECT_EQ(format_stored_time(1, kUtc, kMillis), "1970-01-01 00:00:00.001");
    EXPECT_EQ(format_stored_time(-1, kUtc, kMillis), "1969-12-31 23:59:59.999");
}

TEST(FormatStoredTime, IsReadBackAsTheSameTime) {
    for (const std::int64_t precision : {kMicros, kMillis, 10'000L, kSeconds}) {
        for (const TimeZone* zone : {&kUtc, &kShanghai, &kBerlin}) {
            const EpochMs time = round_up(kTime, precision);
            const std::string text = format_stored_time(time, *zone, precision);
            const StoredTime read = parse_stored_time(text, *zone, precision);
            EXPECT_EQ(read.epoch_ms(), time) << text;
            EXPECT_TRUE(read.was_written_as(time, *zone)) << text;
        }
    }
}

TEST(RoundUp, GoesToTheNextTimeThatTheColumnKeeps) {
    EXPECT_EQ(round_up(kTime, kMicros), kTime);
    EXPECT_EQ(round_up(kTime, kMillis), kTime);
    EXPECT_EQ(round_up(kTime, 10'000), kTime + 7);
    EXPECT_EQ(round_up(kTime, kSeconds), kTime - 123 + 1000);
    EXPECT_EQ(round_up(kTime - 123, kSeconds), kTime - 123);
    EXPECT_EQ(round_up(-1, kSeconds), 0);
}

}  // namespace
}  // namespace dsfailover
