#include "coordinator/marks/failover_marks.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace dsfailover
