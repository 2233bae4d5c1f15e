#include "servers/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <utility>

#include "base/plural.h"
#include "servers/connection.h"
#include "servers/rpc_question.h"

namespace dsfailover {
namespace {

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(),
                       endpoint.port());
}

}  // namespace

Conversation::Conversation(const std::shared_ptr<asio::io_context>& io, Question question,
                           const Inquiry& inquiry, bool loopback_only)
    : question_(question), inquiry_(inquiry), socket_(*io), answered_(inquiry.ids.size(), false) {
    result_.answers.assign(inquiry.ids.size(), Answer::unanswered);
    open_connection(io, socket_, inquiry.address, loopback_only,
                    [this](const std::string& problem) {
                        if (!problem.empty()) return close("no connection: " + problem);
                        asio::error_code unknown;
                        const auto peer = socket_.remote_endpoint(unknown);
                        if (!unknown) result_.peer = text_of(peer);
                        receive();
                        ask_more();
                    });
}

ServerAnswers Conversation::end(Millis timeout) {
    if (!over_) {
        const std::string limit = format_duration(timeout);
        close(result_.peer.empty()
                  ? fmt::format("no connection within {}", limit)
                  : fmt::format("{} of {} not answered within {}",
                                std::count(answered_.begin(), answered_.end(), false),
                                counted(std::ssize(answered_), "question"), limit));
    }
    return std::move(result_);
}

void Conversation::ask_more() {
    while (!no_more_ && asked_ < inquiry_.ids.size() && under_way_ < kMostUnderWay) {
        const std::int64_t id = inquiry_.ids[asked_++];
        ++under_way_;
        unsent_ += question_bytes(question_, id, static_cast<std::int64_t>(asked_));
    }
    if (under_way_ == 0) return close("");
    send();
}

void Conversation::send() {
    if (sending_ || unsent_.empty()) return;
    being_sent_ = std::exchange(unsent_, "");
    sending_ = true;
    asio::async_write(socket_, asio::buffer(being_sent_),
                      [this](const asio::error_code& error, std::size_t) {
                          sending_ = false;
                          if (over_) return;
                          if (error) return close("it closed the connection: " + error.message());
                          send();
                      });
}

void Conversation::receive() {
    socket_.async_read_some(asio::buffer(received_),
                            [this](const asio::error_code& error, std::size_t count) {
                                if (over_) return;
                                if (error)
                                    return close("it closed the connection: " + error.message());
                                take(std::string_view(received_.data(), count));
                                if (!over_) receive();
                            });
}

void Conversation::take(std::string_view bytes) {
    try {
        reader_.add(bytes);
        while (const auto frame = reader_.next()) {
            take(*frame);
            if (over_) return;
        }
    } catch (const FrameError& error) {
        return close(fmt::format("it sent {}", error.what()));
    }
    ask_more();
}

void Conversation::take(const Frame& frame) {
    const auto opaque = answered_opaque(question_, frame);
    if (!opaque || *opaque < 1 || std::cmp_greater(*opaque, asked_) ||
        answered_[static_cast<std::size_t>(*opaque - 1)])
        return close("it answered what was not asked");
    const auto index = static_cast<std::size_t>(*opaque - 1);
    answered_[index] = true;
    --under_way_;
    const ReadAnswer read = read_answer(question_, inquiry_.ids[index], frame.body);
    result_.answers[index] = read.answer;
    if (read.answer != Answer::unanswered) return;
    note(fmt::format("another answer: {}", read.said));
    no_more_ = no_more_ || read.not_understood;
}

void Conversation::close(const std::string& problem) {
    if (!problem.empty()) note(problem);
    over_ = true;
    asio::error_code ignored;
    socket_.close(ignored);
}

void Conversation::note(const std::string& problem) {
    if (result_.problem.empty()) result_.problem = fmt::format("{}: {}", inquiry_.address, problem);
}

}  // namespace dsfailover
