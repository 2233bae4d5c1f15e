#include "coordinator/marks/failover_marks.h"

#include <gtest/gtest.h>

namespace dsfailover {
namespace {

TEST(MarkName, IsReadFromTheRightBecauseHostsHaveDashes) {
    const auto name = parse_mark_name("ds-master-0.ds-headless:5678-1795331879415-7074");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->address, "ds-master-0.ds-headless:5678");
    EXPECT_EQ(name->process->startup_time, 1795331879415);
    EXPECT_EQ(name->process->process_id, 7074);
}

TEST(MarkName, OfAGlobalFailoverNamesNoProcess) {
    const auto name = parse_mark_name("[::1]:5678-unknown-unknown");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->address, "[::1]:5678");
    EXPECT_FALSE(name->process);
}

TEST(MarkName, RoundTripsThroughItsPath) {
    for (const auto& process :
         {std::optional<ProcessIdentity>(), std::optional(ProcessIdentity{1795331879415, 1})}) {
        const std::string path = mark_path("a-b:1", process);
        const auto name = parse_mark_name(std::string_view(path).substr(paths::kMarks.size() + 1));
        ASSERT_TRUE(name) << path;
        EXPECT_EQ(name->address, "a-b:1");
        EXPECT_EQ(name->process.has_value(), process.has_value());
    }
}

TEST(MarkName, RefusesWhatIsNone) {
    for (const char* name :
         {"", "-", "--", "a:1", "a:1-2", "a-1-2", "a:1-x-2", "a:1-1-unknown", "a:1-unknown-1",
          "../x:1-1-1", "a:1--1-1", "a:1-1-", ":1-1-1", "a:99999-1-1"}) {
        EXPECT_FALSE(parse_mark_name(name)) << name;
    }
}

TEST(MarkValue, IsDecimalDigitsAlone) {
    EXPECT_EQ(parse_mark_value("1795411926533"), 1795411926533);
    EXPECT_EQ(parse_mark_value("0"), kFenceValue);
    EXPECT_EQ(parse_mark_value("999999999999999"), 999999999999999);
    for (const char* value : {"", " 1", "1 ", "-1", "+1", "1.0", "0x1", "abc",
                              "9999999999999999999", "1795411926533000", "999999999999999999"}) {
        EXPECT_FALSE(parse_mark_value(value)) << value;
    }
}

}  // namespace
}  // namespace dsfailover
