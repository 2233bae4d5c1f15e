#include "report/table/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/table/page.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TextTable, AlignsColumnsAndLeavesEmptyOnesOut) {
    TextTable table({{"ID"}, {"EMPTY"}, {"NAME"}, {"STATE"}});
    table.add({"1", "", "订单", "x"});
    table.add({"1000", "", "orders", "y"});
    EXPECT_EQ(table.print(2, 80, false),
              "  ID    NAME    STATE\n"
              "  1     订单    x\n"
              "  1000  orders  y\n");
}

TextTable orders() {
    TextTable table({{"ID"}, cuts("NAME", 2), drops("STARTED", 1), wraps("REASON")});
    table.add({17, "orders of the day", "3d 4h ago", "one two three four five six seven eight"});
    return table;
}

TEST(TextTable, ContinuesASentenceBelowItself) {
    EXPECT_EQ(orders().print(0, 60, false),
              "ID  NAME               STARTED    REASON\n"
              "17  orders of the day  3d 4h ago  one two three four five\n"
              "                                  six seven eight\n");
}

TEST(TextTable, GivesWayInTheOrderOfItsColumns) {
    const std::string narrower = orders().print(0, 55, false);
    EXPECT_THAT(narrower, Not(HasSubstr("STARTED")));
    EXPECT_THAT(narrower, HasSubstr("17  orders of the day  one two"));
    EXPECT_EQ(orders().print(0, 40, false),
              "ID  NAME        REASON\n"
              "17  orders of…  one two three four five\n"
              "                six seven eight\n");
}

TEST(TextTable, NeverShortensWhatIsThePoint) {
    TextTable table({{"ADDRESS"}, {"OUTCOME"}});
    table.add({"fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831:5678", "failed_over"});
    EXPECT_THAT(table.print(4, 40, false),
                HasSubstr("fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831:5678  failed_over\n"));
}

TEST(TextTable, ColoursTheCellAndNotTheBlanksAroundIt) {
    TextTable table({{"OUTCOME"}, {"ID"}});
    table.add({word_cell("failed"), 1});
    EXPECT_EQ(table.print(0, 80, true),
              "\x1b[1mOUTCOME\x1b[0m  \x1b[1mID\x1b[0m\n"
              "\x1b[31mfailed\x1b[0m   1\n");
}

TEST(Wrapped, BreaksBetweenWordsAlone) {
    EXPECT_THAT(wrapped("a bb ccc", 4), ElementsAre("a bb", "ccc"));
    EXPECT_THAT(wrapped("/a/path/that/is/long b", 4), ElementsAre("/a/path/that/is/long", "b"));
    EXPECT_THAT(wrapped("", 4), ElementsAre(""));
}

TEST(Counted, KnowsOne) {
    EXPECT_EQ(counted(1, "workflow"), "1 workflow");
    EXPECT_EQ(counted(0, "workflow"), "0 workflows");
    EXPECT_EQ(counted(2, "check fails", "checks fail"), "2 checks fail");
}

TEST(Page, TellsAgesAndTimes) {
    std::ostringstream out;
    const Page page(out, {.utc = true}, 1'795'331'890'740);
    EXPECT_EQ(page.age(1'795'331'890'740 - 273'600'000), "3d 4h ago");
    EXPECT_EQ(page.age(1'795'331'890'740 - 5'000), "5s ago");
    EXPECT_EQ(page.age(1'795'331'890'740 + 61'000), "in 1m");
    EXPECT_EQ(page.time(1'795'331'890'740), "2026-11-22 07:18:10 Z");
    EXPECT_EQ(page.exact(1'795'331'890'740), "2026-11-22 07:18:10.740 Z");
}

}  // namespace
}  // namespace dsfailover
