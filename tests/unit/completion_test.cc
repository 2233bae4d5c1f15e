#include "cli/completion.h"

#include <gmock/gmock.h>

namespace dsfailover {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> words_for(const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const Candidate& candidate : complete(words).candidates) found.push_back(candidate.word);
    return found;
}

TEST(Completion, OffersCommandsAndThoseOfAGroup) {
    EXPECT_THAT(words_for({"failover-m"}), ElementsAre("failover-master"));
    EXPECT_THAT(words_for({"sandbox", ""}), ElementsAre("create", "serve", "show"));
    EXPECT_THAT(words_for({}), Contains("sandbox"));
    EXPECT_THAT(words_for({"help", "stat"}), ElementsAre("status"));
}

TEST(Completion, OffersAnOptionOnce) {
    EXPECT_THAT(words_for({"global", "--gr"}), ElementsAre("--grace"));
    EXPECT_THAT(words_for({"global", "--grace", "1s", "--gr"}), IsEmpty());
    EXPECT_THAT(words_for({"global", "--grace=1s", "--gr"}), IsEmpty());
    EXPECT_THAT(words_for({"status", "--"}), Not(Contains("--grace")));
    EXPECT_THAT(words_for({"global", "--", "--gr"}), IsEmpty());
}

TEST(Completion, OffersTheValuesOfTheCommandsOwnOption) {
    EXPECT_THAT(words_for({"finish", "1", "--as", ""}), ElementsAre("failure", "stop"));
    EXPECT_THAT(words_for({"requeue", "--as=r"}), ElementsAre("--as=running"));
    EXPECT_THAT(words_for({"global", "--ask", "a"}), ElementsAre("all"));
    EXPECT_THAT(words_for({"global", "--ask", "--dry"}), ElementsAre("--dry-run"));
    EXPECT_TRUE(complete({"global", "--audit-log", ""}).files);
    EXPECT_TRUE(complete({"sandbox", "show", ""}).files);
    EXPECT_FALSE(complete({"global", "--grace", ""}).files);
}

TEST(Completion, AsksTheClusterWithTheOptionsGivenBefore) {
    const auto wish =
        complete({"failover-master", "--registry", "jdbc", "--dry-run", "127.0"}).live;
    ASSERT_TRUE(wish);
    EXPECT_EQ(wish->argument, "ADDRESS");
    EXPECT_EQ(wish->begin, "127.0");
    EXPECT_EQ(wish->options.at("registry"), "jdbc");
    EXPECT_EQ(wish->options.at("dry-run"), "true");
    EXPECT_FALSE(complete({"failover-master", "127.0.1.1:5678", ""}).live) << "it takes only one";
    EXPECT_TRUE(complete({"requeue", "16", ""}).live);
    // A bare choice does not swallow the argument behind it.
    EXPECT_TRUE(complete({"explain", "--ask", "none", ""}).live);
    EXPECT_EQ(complete({"list-marks", "--address=127"}).live->fixed, "--address=");
}

TEST(Completion, NeverOffersAnythingForInDoubt) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"global", "--in-doubt", ""}, {"global", "--in-doubt=a"}}) {
        EXPECT_THAT(words_for(words), IsEmpty());
        EXPECT_FALSE(complete(words).live);
    }
}

TEST(Completion, IsALineForEachCandidate) {
    EXPECT_EQ(lines_of({{{"a", "what it is"}, {"b", ""}}, true, {}}), "a\twhat it is\nb\n:files\n");
}

}  // namespace
}  // namespace dsfailover
