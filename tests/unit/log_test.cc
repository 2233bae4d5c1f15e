#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::ThrowsMessage;

std::string stderr_of(std::string_view level) {
    ::testing::internal::CaptureStderr();
    set_up_logging({.level = level});
    log_debug("looking");
    log_warn("careful");
    log_error("broken");
    return ::testing::internal::GetCapturedStderr();
}

TEST(Log, GoesToStderrWithItsTimeInUtcAndItsLevel) {
    EXPECT_THAT(stderr_of("error"), MatchesRegex("....-..-..T..:..:..\\....Z error broken\n"));
}

TEST(Log, ShowsWhatIsAtLeastOfItsLevel) {
    EXPECT_THAT(stderr_of("debug"), AllOf(HasSubstr("looking"), HasSubstr("careful")));
    EXPECT_THAT(stderr_of("warn"), AllOf(Not(HasSubstr("looking")), HasSubstr("careful")));
    EXPECT_EQ(stderr_of("off"), "");
}

TEST(Log, LeavesProgressOutAndTheRestNot) {
    ::testing::internal::CaptureStderr();
    set_up_logging({.level = "debug", .progress = false});
    log_debug("looking");
    log_info("5 of 9");
    log_warn("careful");
    EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                AllOf(HasSubstr("looking"), Not(HasSubstr("5 of 9")), HasSubstr("careful")));
}

TEST(Log, SendsNoControlsToTheTerminal) {
    ::testing::internal::CaptureStderr();
    set_up_logging({.level = "warn"});
    log_warn("host {}", "a\x1b[2J\nb");
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("host a?[2J?b\n"));
}

TEST(Log, RefusesAnUnknownLevel) {
    for (const char* const level : {"", "WARN", "warning", "err", "verbose"}) {
        EXPECT_THAT([&] { set_up_logging({.level = level}); },
                    ThrowsMessage<UsageError>(HasSubstr("'" + std::string(level) + "'")));
    }
}

}  // namespace
}  // namespace dsfailover
