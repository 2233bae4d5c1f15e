#include "servers/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace dsfailover {
namespace {

constexpr char kMagic = '\xBE';
constexpr char kVersion = 0;
constexpr std::size_t kPrefix = 2;  // magic and version
constexpr std::size_t kLengthBytes = 4;

void add_text(std::string& bytes, std::string_view text) {
    const auto length = static_cast<std::uint32_t>(text.size());
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes += static_cast<char>(static_cast<unsigned char>(length >> shift));
    bytes += text;
}

std::uint32_t length_in(std::string_view bytes) {
    std::uint32_t length = 0;
    for (const char byte : bytes) length = length << 8 | static_cast<unsigned char>(byte);
    return length;
}

}  // namespace

std::string to_bytes(const Frame& frame) {
    std::string bytes{kMagic, kVersion};
    bytes.reserve(kPrefix + 2 * kLengthBytes + frame.header.size() + frame.body.size());
    add_text(bytes, frame.header);
    add_text(bytes, frame.body);
    return bytes;
}

void FrameReader::add(std::string_view bytes) {
    bytes_.erase(0, taken_);
    taken_ = 0;
    bytes_ += bytes;
}

std::optional<std::string_view> FrameReader::text_at(std::size_t offset,
                                                     std::string_view what) const {
    const std::string_view rest = std::string_view(bytes_).substr(std::min(offset, bytes_.size()));
    if (rest.size() < kLengthBytes) return std::nullopt;
    const std::uint32_t length = length_in(rest.substr(0, kLengthBytes));
    if (length > kLongest)
        throw FrameError(fmt::format("a {} of {} bytes, longer than any answer", what, length));
    if (rest.size() < kLengthBytes + length) return std::nullopt;
    return rest.substr(kLengthBytes, length);
}

std::optional<Frame> FrameReader::next() {
    const std::string_view rest = std::string_view(bytes_).substr(taken_);
    if ((!rest.empty() && rest[0] != kMagic) || (rest.size() > 1 && rest[1] != kVersion))
        throw FrameError("what is not the RPC of DolphinScheduler");
    const std::size_t header_at = taken_ + kPrefix;
    const auto header = text_at(header_at, "header");
    if (!header) return std::nullopt;
    const std::size_t body_at = header_at + kLengthBytes + header->size();
    const auto body = text_at(body_at, "body");
    if (!body) return std::nullopt;
    Frame frame{std::string(*header), std::string(*body)};
    taken_ = body_at + kLengthBytes + body->size();
    return frame;
}

}  // namespace dsfailover
