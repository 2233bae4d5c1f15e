#include "base/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Address, IsKeptAsWritten) {
    for (const char* const text :
         {"127.0.0.1:5678", "ds-master-0.ds_master.svc:1234", "Master:1", "h:65535",
          "0:0:0:0:0:0:0:1:5678", "fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831:5678",
          "fe80:0:0:0:1:2:3:4%2:5678", "fe80:0:0:0:1:2:3:4%eth0:5678"}) {
        EXPECT_TRUE(is_address(text)) << text;
        EXPECT_EQ(parse_address(text), text);
    }
}

TEST(Address, InBracketsIsTurnedIntoJavasForm) {
    EXPECT_EQ(parse_address("[::1]:5678"), "0:0:0:0:0:0:0:1:5678");
    EXPECT_EQ(parse_address("[2001:DB8::0:1]:5678"), "2001:db8:0:0:0:0:0:1:5678");
    EXPECT_EQ(parse_address("[fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831]:1"),
              "fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831:1");
    EXPECT_EQ(parse_address("[fe80::1%2]:5678"), "fe80:0:0:0:0:0:0:1%2:5678");
    EXPECT_EQ(parse_address("[::ffff:127.0.0.1]:5678"), "127.0.0.1:5678");
    EXPECT_FALSE(is_address("[::1]:5678")) << "no server writes it";
}

TEST(Address, ThatLeavesGroupsOutNeedsBrackets) {
    EXPECT_THAT([] { parse_address("fd15::1:5678"); },
                ThrowsMessage<UsageError>(HasSubstr("brackets: [fd15::1]:5678")));
}

TEST(Address, HasNoZeroByteInIt) {
    EXPECT_FALSE(is_address(std::string_view("a\0b:1", 6)));
    EXPECT_FALSE(is_address(std::string_view("[::1\0x]:1", 9)));
}

class NoAddress : public ::testing::TestWithParam<std::string> {};

TEST_P(NoAddress, IsRefusedNamingTheTextAndTheForm) {
    EXPECT_FALSE(is_address(GetParam()));
    EXPECT_THAT([] { parse_address(GetParam()); },
                ThrowsMessage<UsageError>(AllOf(HasSubstr(GetParam()), HasSubstr("HOST:PORT"))));
}

INSTANTIATE_TEST_SUITE_P(
    , NoAddress,
    ::testing::Values("", "a", ":", "a:", ":1", "a:b", "a:0", "a:01", "a:65536", "a:99999999999",
                      "a:-1", "a:+1", "a: 1", "a:1 ", " a:1", "../x:1", "..:1", "-:1", "a/b:1",
                      "a b:1", "a%b:1", "ä:1", "::1:5678", "[]:1", "[:]:1", "[::1]", "[::1]5678",
                      "[::1:5678", "::1]:5678", "[::g]:1", "[fe80::1%]:1", "[fe80::1%a/b]:1",
                      "[127.0.0.1]:1", "[a]:1", "1:2:3:4:5:6:7:1", "1:2:3:4:5:6:7:8:9:1",
                      "1:2:3:4:5:6:7:12345:1", "1:2:3:4:5:6:7:8%:1", "1:2:3:4:5:6:7:8%../x:1",
                      "1:2:3:4:5:6:7:g:1", "a:1\n"));

}  // namespace
}  // namespace dsfailover
