#include "store/child_link.h"

#include <gtest/gtest.h>

namespace dsfailover {
namespace {

TEST(ChildLink, NamesTheChildThatATaskStarted) {
    EXPECT_EQ(child_of_app_link(R"({"subWorkflowInstanceId":12})"), 12);
    EXPECT_EQ(child_of_app_link(R"({"subWorkflowInstanceId": 3000000000, "more": 1})"),
              3'000'000'000);
}

TEST(ChildLink, IsNoneWhereTheTaskSaysNothingOfIt) {
    for (const char* link :
         {"", "null", "12", "[]", "{}", R"({"subWorkflowInstanceId":null})",
          R"({"subWorkflowInstanceId":"12"})", "application_1_2,application_1_3"})
        EXPECT_EQ(child_of_app_link(link), std::nullopt) << link;
}

}  // namespace
}  // namespace dsfailover
