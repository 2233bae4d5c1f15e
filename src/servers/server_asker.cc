#include "servers/server_asker.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>

#include "base/interruption.h"
#include "servers/conversation.h"

namespace dsfailover {
namespace {

using Clock = std::chrono::steady_clock;

// How soon an interruption is seen.
constexpr Millis kSlice{50};

class SocketAsker final : public ServerAsker {
  public:
    explicit SocketAsker(bool loopback_only) : loopback_only_(loopback_only) {}

    std::vector<ServerAnswers> ask(Question question, std::span<const Inquiry> inquiries,
                                   Millis timeout) override {
        const auto deadline = Clock::now() + timeout;
        const auto io = std::make_shared<asio::io_context>();
        std::vector<std::unique_ptr<Conversation>> conversations;
        for (const Inquiry& inquiry : inquiries)
            conversations.push_back(
                inquiry.ids.empty()
                    ? nullptr
                    : std::make_unique<Conversation>(io, question, inquiry, loopback_only_));
        const auto through = [](const auto& each) { return !each || each->is_over(); };
        while (!std::all_of(conversations.begin(), conversations.end(), through)) {
            check_interruption();
            const auto left = deadline - Clock::now();
            if (left <= Clock::duration::zero()) break;
            io->run_for(std::min<Clock::duration>(kSlice, left));
            io->restart();
        }
        std::vector<ServerAnswers> answers;
        for (const auto& each : conversations)
            answers.push_back(each ? each->end(timeout) : ServerAnswers());
        return answers;
    }

  private:
    const bool loopback_only_;
};

}  // namespace

std::unique_ptr<ServerAsker> open_server_asker(bool loopback_only) {
    return std::make_unique<SocketAsker>(loopback_only);
}

}  // namespace dsfailover
