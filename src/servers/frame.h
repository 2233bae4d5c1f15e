#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dsfailover {

/// One message of DolphinScheduler's RPC: 0xBE, 0x00, and two texts behind their lengths.
struct Frame {
    std::string header;
    std::string body;
};

/// The frame as it is sent. Either text must be shorter than 2 GB.
std::string to_bytes(const Frame& frame);

/// What came over a connection is not a frame, or one that is longer than any answer.
class FrameError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Takes frames out of the bytes of a connection, in whatever pieces these come. Keeps no more of
/// them than one frame and one piece.
class FrameReader {
  public:
    /// No header and no body of an answer is longer, in bytes.
    static constexpr std::size_t kLongest = 1 << 20;

    void add(std::string_view bytes);
    /// The next frame, once; nullopt: it needs more bytes. Throws FrameError, as soon as the bytes
    /// show it.
    std::optional<Frame> next();

  private:
    std::optional<std::string_view> text_at(std::size_t offset, std::string_view what) const;

    std::string bytes_;
    std::size_t taken_ = 0;  // of bytes_
};

}  // namespace dsfailover
