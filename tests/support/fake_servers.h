#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "servers/server_asker.h"

namespace dsfailover {

/// Masters and workers that answer as a test says, over no network. Those it does not name hold
/// nothing.
class FakeServers : public ServerAsker {
  public:
    std::map<std::string, std::set<std::int64_t>> holds;  ///< by address
    std::set<std::string> silent;                         ///< addresses of those that say nothing
    std::vector<std::vector<Inquiry>> rounds;             ///< what was asked, in order
    std::vector<Millis> timeouts;                         ///< of each round
    std::function<void()> after_round;                    ///< called when it was answered

    std::vector<ServerAnswers> ask(Question, std::span<const Inquiry> inquiries,
                                   Millis timeout) override {
        rounds.emplace_back(inquiries.begin(), inquiries.end());
        timeouts.push_back(timeout);
        std::vector<ServerAnswers> all;
        for (const Inquiry& inquiry : inquiries) all.push_back(answer(inquiry));
        if (after_round) after_round();
        return all;
    }

  private:
    ServerAnswers answer(const Inquiry& inquiry) const {
        ServerAnswers said{inquiry.address, {}, ""};
        said.answers.assign(inquiry.ids.size(), Answer::unanswered);
        if (silent.contains(inquiry.address)) {
            said.problem = inquiry.address + ": it is silent";
            return said;
        }
        const auto its = holds.find(inquiry.address);
        std::transform(
            inquiry.ids.begin(), inquiry.ids.end(), said.answers.begin(), [&](std::int64_t id) {
                return its != holds.end() && its->second.contains(id) ? Answer::yes : Answer::no;
            });
        return said;
    }
};

}  // namespace dsfailover
