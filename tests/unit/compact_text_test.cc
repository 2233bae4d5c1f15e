#include "base/compact_text.h"

#include <gtest/gtest.h>

namespace dsfailover {
namespace {

TEST(CompactText, IsATextOrNone) {
    const CompactText none, empty = "", text = std::string("RUNNING_EXECUTION");
    EXPECT_FALSE(none);
    EXPECT_TRUE(empty);
    EXPECT_EQ(none.view(), std::nullopt);
    EXPECT_EQ(empty.view(), "");
    EXPECT_EQ(*none, "");
    EXPECT_EQ(*text, "RUNNING_EXECUTION");
    EXPECT_EQ(none.value_or("?"), "?");
    EXPECT_EQ(text.value_or("?"), "RUNNING_EXECUTION");
    EXPECT_TRUE(text == "RUNNING_EXECUTION");
    EXPECT_FALSE(text == "RUNNING");
    EXPECT_FALSE(none == "");
}

TEST(CompactText, IsMadeOfAnOptionalOne) {
    EXPECT_FALSE(CompactText(std::optional<std::string>()));
    EXPECT_EQ(*CompactText(std::optional<std::string>("a")), "a");
}

TEST(CompactText, HoldsWhateverBytesThereAre) {
    const std::string bytes("a\0\xff\n", 4);
    EXPECT_EQ(*CompactText(bytes), bytes);
    const std::string large(1'000'000, 'x');
    EXPECT_EQ(*CompactText(large), large);
}

TEST(CompactText, IsCopiedAndMoved) {
    CompactText one = "one";
    CompactText copy = one;
    one = "two";
    EXPECT_EQ(*copy, "one");
    CompactText moved = std::move(one);
    EXPECT_EQ(*moved, "two");
    copy = moved;
    EXPECT_EQ(*copy, "two");
    copy = CompactText();
    EXPECT_FALSE(copy);
    EXPECT_EQ(*moved, "two");
}

}  // namespace
}  // namespace dsfailover
