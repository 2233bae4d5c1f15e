#include "servers/frame.h"

#include <gmock/gmock.h>

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::string kBytes = to_bytes({"{\"a\":1}", "body"});

TEST(Frame, IsMagicVersionAndTwoTextsBehindTheirLengths) {
    EXPECT_EQ(kBytes, std::string("\xBE\0\0\0\0\7{\"a\":1}\0\0\0\4body", 21));
}

TEST(Frame, ComesInWhateverPieces) {
    const std::string two = kBytes + to_bytes({"", std::string(70'000, 'x')});
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{5}, std::size_t{4096}, two.size()}) {
        FrameReader reader;
        std::vector<Frame> frames;
        for (std::size_t i = 0; i < two.size(); i += piece) {
            reader.add(std::string_view(two).substr(i, piece));
            while (const auto frame = reader.next()) frames.push_back(*frame);
        }
        ASSERT_EQ(frames.size(), 2U) << piece;
        EXPECT_EQ(frames[0].header, "{\"a\":1}");
        EXPECT_EQ(frames[0].body, "body");
        EXPECT_EQ(frames[1].header, "");
        EXPECT_EQ(frames[1].body.size(), 70'000U);
    }
}

TEST(Frame, IsRefusedAsSoonAsItsBytesShowThatItIsNone) {
    const auto read = [](const std::string& bytes) {
        return [bytes] {
            FrameReader reader;
            reader.add(bytes);
            reader.next();
        };
    };
    EXPECT_THAT(read("HTTP/1.1 400"), ThrowsMessage<FrameError>(HasSubstr("not the RPC")));
    EXPECT_THAT(read("\xBE\1"), ThrowsMessage<FrameError>(HasSubstr("not the RPC")));
    EXPECT_THAT(read(std::string("\xBE\0\x7f\xff\xff\xff", 6)),
                ThrowsMessage<FrameError>(HasSubstr("a header of 2147483647 bytes")));
    EXPECT_THAT(read(std::string("\xBE\0\xff\xff\xff\xff", 6)),
                ThrowsMessage<FrameError>(HasSubstr("a header of 4294967295 bytes")));
    EXPECT_THAT(read(std::string("\xBE\0\0\0\0\1x\0\x20\0\0", 11)),
                ThrowsMessage<FrameError>(HasSubstr("a body of 2097152 bytes")));
}

}  // namespace
}  // namespace dsfailover
