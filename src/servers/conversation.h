#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "servers/frame.h"
#include "servers/server_asker.h"

namespace dsfailover {

/// The questions for one server, and its answers, over a connection of its own.
class Conversation {
  public:
    /// Both must outlive it; `inquiry` has ids. Begins at once, goes on in io->run(), and must not
    /// be destroyed before that was called for the last time.
    Conversation(const std::shared_ptr<asio::io_context>& io, Question question,
                 const Inquiry& inquiry, bool loopback_only);

    bool is_over() const { return over_; }
    /// Ends it. A server that is not through by now did not answer within `timeout`.
    ServerAnswers end(Millis timeout);

  private:
    void ask_more();
    void send();
    void receive();
    void take(std::string_view bytes);
    void take(const Frame& frame);
    /// Nothing more is said. The first problem is the one that is told.
    void close(const std::string& problem);
    void note(const std::string& problem);

    const Question question_;
    const Inquiry& inquiry_;
    asio::ip::tcp::socket socket_;
    ServerAnswers result_;
    std::vector<bool> answered_;  // by index, whatever the answer; opaque is the index + 1
    std::size_t asked_ = 0;       // of the ids
    std::size_t under_way_ = 0;   // asked and not answered
    bool no_more_ = false;        // it does not understand the question
    bool sending_ = false;
    bool over_ = false;
    std::string unsent_, being_sent_;
    std::array<char, 16384> received_{};
    FrameReader reader_;
};

}  // namespace dsfailover
