#include "coordinator/failover/failover_stamps.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace dsfailover {
namespace {

using testing::ElementsAre;

constexpr EpochMs kValue = 1'795'331'879'415;

std::vector<SeenMaster> two_masters() {
    return {{"127.0.1.1:5678", 1795331000000},
            {"fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831%2:5678", {}}};
}

TEST(Stamps, OfTheFirstReleaseAreValuesAlone) {
    EXPECT_THAT(*parse_stamps("1795331879415,3,2"),
                ElementsAre(Stamp{2, "", {}}, Stamp{3, "", {}}, Stamp{kValue, "", {}}));
    EXPECT_EQ(parse_stamps("")->size(), 0u);
    EXPECT_FALSE((*parse_stamps("5"))[0].knows_origin());
}

TEST(Stamps, CarryTheirZoneAndWhoLived) {
    const auto stamps = parse_stamps("1795331879415|GMT+8|127.0.1.1:5678@1795331000000|h:1@");
    ASSERT_TRUE(stamps);
    EXPECT_THAT(*stamps, ElementsAre(Stamp{
                             kValue, "GMT+8", {{"127.0.1.1:5678", 1795331000000}, {"h:1", {}}}}));
    EXPECT_TRUE(stamps->front().knows_origin());
}

TEST(Stamps, AreWrittenAsTheyAreRead) {
    const std::vector<Stamp> stamps = {
        {1, "", {}},
        {2, "Asia/Shanghai", two_masters()},
        {3, "Asia/Shanghai", two_masters()},
        {4, "UTC", two_masters()},
        {5, "UTC", {}},
        {6, "UTC", {}},
    };
    const std::string text = format_stamps(stamps);
    EXPECT_EQ(text,
              "1,2|Asia/Shanghai|127.0.1.1:5678@1795331000000"
              "|fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831%2:5678@,3|=,"
              "4|UTC|127.0.1.1:5678@1795331000000|fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831%2:5678@,"
              "5|UTC,6|=");
    EXPECT_EQ(parse_stamps(text), stamps);
}

TEST(Stamps, ThatCannotBeReadAreNotGuessed) {
    for (const char* text : {",", "1,", "1,,2", "x", "-1", "1|", "1|=", "1,2|=", "1|UTC|",
                             "1||h:1@2", "1|Mars/Base", "1|UTC|h:1", "1|UTC|@5", "1|UTC|h:1@x",
                             "1|UTC,2|=|h:1@2", "1|UTC|h:1@2||g:1@3", "12345678901234567890"}) {
        EXPECT_FALSE(parse_stamps(text)) << text;
    }
}

TEST(Stamps, OfAMasterWithAStrangeNameFindItNeverLiving) {
    EXPECT_EQ(format_stamps({{1, "UTC", {{"a,b|c", 2}}}}), "1|UTC|a?b?c@2");
}

TEST(Stamps, FitIntoTheColumnOfMysql) {
    std::vector<Stamp> stamps;
    for (int i = 0; i < 64; ++i) {
        Stamp& one = stamps.emplace_back(Stamp{kValue + i, "UTC", {}});
        for (int m = 0; m < 100; ++m)
            one.masters.push_back({fmt::format("master-{}.example:5678", m), kValue - i});
    }
    const std::string text = format_stamps(stamps);
    EXPECT_LE(text.size(), 60'000u);
    const auto read = parse_stamps(text);
    ASSERT_EQ(read->size(), 64u);
    EXPECT_EQ(read->back(), stamps.back()) << "the newest keep all";
    EXPECT_THAT(read->front().masters, ElementsAre(SeenMaster{"?", {}}));
}

}  // namespace
}  // namespace dsfailover
