#include "base/base64.h"

#include <gtest/gtest.h>

namespace dsfailover {
namespace {

TEST(Base64, ThereAndBack) {
    for (const std::string& bytes : {std::string(), std::string("f"), std::string("fo"),
                                     std::string("foo"), std::string("\0\xff\x80 a", 5)})
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(from_base64("Zg="), std::nullopt);
    EXPECT_EQ(from_base64("Z!=="), std::nullopt);
}

}  // namespace
}  // namespace dsfailover
