#include "config/ask_scope.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/map_environment.h"

namespace dsfailover {
namespace {

AskScope scope(Variables variables, bool sqlite = false) {
    DatabaseSettings database;
    database.type = sqlite ? DatabaseType::sqlite : DatabaseType::postgresql;
    return ask_scope(environment_of(std::move(variables)), database);
}

TEST(AskScope, SaysWhoMayBeAsked) {
    EXPECT_EQ(scope({}), AskScope::any);
    EXPECT_EQ(scope({}, true), AskScope::loopback);
    EXPECT_EQ(scope({{"DSFAILOVER_ASK_ONLY", "loopback"}}), AskScope::loopback);
    EXPECT_EQ(scope({{"DSFAILOVER_ASK", "none"}}), AskScope::nobody);
    EXPECT_EQ(scope({{"DSFAILOVER_ASK", "none"}, {"DSFAILOVER_ASK_ONLY", "loopback"}}),
              AskScope::nobody);
    EXPECT_EQ(scope({{"DSFAILOVER_ASK", "all"}}), AskScope::any);
    EXPECT_THROW(scope({{"DSFAILOVER_ASK_ONLY", "lopback"}}), UsageError);
}

}  // namespace
}  // namespace dsfailover
