#include "coordinator/asking/master_round.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "registry/living_servers.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr Millis kWithRowsLocked{1000};

/// The questions for one master. Its controls are ids of the inquiry, by their place there.
struct Questions {
    Inquiry inquiry;
    std::vector<std::size_t> controls;
};

bool is_same_process(const Server& a, const Server& b) {
    return a.startup_time == b.startup_time && a.process_id == b.process_id;
}

/// The round under way.
class Round {
  public:
    Round(const RunContext& context, std::span<const std::int64_t> ids, const Controls& controls,
          const std::string& leave_out)
        : context_(context), ids_(ids), controls_(controls), leave_out_(leave_out) {
        for (std::size_t i = 0; i < ids.size(); ++i) places_.emplace(ids[i], i);
    }

    MasterRound ask(Millis timeout, std::span<const std::string> expected) {
        const Servers before = read();
        std::vector<Inquiry> inquiries;
        std::vector<std::vector<std::size_t>> controls;
        for (const Server& master : before.masters) {
            Questions questions = questions_for(master.address);
            inquiries.push_back(std::move(questions.inquiry));
            controls.push_back(std::move(questions.controls));
        }
        auto answers = context_.servers->ask(Question::holds_workflow, inquiries, timeout);
        round_.workflows.assign(ids_.size(), HeldBy{0, "", "", !inquiries.empty()});
        for (std::size_t i = 0; i < inquiries.size(); ++i)
            take(inquiries[i], controls[i], answers[i]);
        add_new_ones(before);
        for (const std::string& address : expected) {
            if (!before.master(address)) add_unanswered(address, "it was alive a moment ago");
        }
        return std::move(round_);
    }

  private:
    Servers read() const {
        Servers servers = read_servers(context_.registry, !context_.database.in_transaction());
        servers.remove(leave_out_);
        return servers;
    }

    // The ids asked about, and behind them those of its controls that are not among them.
    Questions questions_for(const std::string& address) const {
        Questions questions{{address, {ids_.begin(), ids_.end()}}, {}};
        std::vector<std::int64_t>& asked = questions.inquiry.ids;
        const auto own = controls_.find(address);
        if (own == controls_.end()) return questions;
        for (const std::int64_t id : own->second) {
            const auto place = places_.find(id);
            questions.controls.push_back(place == places_.end() ? asked.size() : place->second);
            if (place == places_.end()) asked.push_back(id);
        }
        return questions;
    }

    void take(const Inquiry& inquiry, const std::vector<std::size_t>& controls,
              ServerAnswers& said) {
        MasterAsked asked;
        asked.address = inquiry.address;
        asked.questions = std::ssize(inquiry.ids);
        if (!said.peer.empty()) asked.peer = said.peer;
        if (!said.problem.empty()) asked.problem = said.problem;
        check_control(inquiry, controls, said, asked);
        const auto count = [&](Answer answer) {
            return std::count(said.answers.begin(), said.answers.end(), answer);
        };
        asked.held = count(Answer::yes);
        asked.not_held = count(Answer::no);
        asked.unanswered = count(Answer::unanswered);
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            HeldBy& workflow = round_.workflows[i];
            if (said.answers[i] == Answer::unanswered) workflow.complete = false;
            if (said.answers[i] != Answer::yes) continue;
            if (workflow.masters++ == 0) workflow.holder = inquiry.address;
            workflow.holders += (workflow.holders.empty() ? "" : ", ") + inquiry.address;
        }
        round_.masters.push_back(std::move(asked));
    }

    void check_control(const Inquiry& inquiry, const std::vector<std::size_t>& controls,
                       ServerAnswers& said, MasterAsked& asked) const {
        if (controls.empty()) return;
        const auto answered = [&](Answer answer) {
            return std::any_of(controls.begin(), controls.end(),
                               [&](std::size_t place) { return said.answers[place] == answer; });
        };
        if (answered(Answer::yes)) {
            asked.control = "passed";
            return;
        }
        // What ended meanwhile it need not hold any more.
        const auto left = still_running(inquiry.address, controls_.at(inquiry.address));
        if (left.empty()) return;
        if (!answered(Answer::unanswered)) {
            asked.control = "failed";
            asked.problem = fmt::format(
                "{}: it holds none of the workflows that it runs by the database ({}), like "
                "another cluster's master",
                inquiry.address, fmt::join(left, ", "));
        }
        std::fill(said.answers.begin(), said.answers.end(), Answer::unanswered);
    }

    std::vector<std::int64_t> still_running(const std::string& address,
                                            const std::vector<std::int64_t>& ids) const {
        std::vector<std::int64_t> left;
        for (const auto& row : WorkflowInstanceStore(context_.store()).by_ids(ids, false)) {
            if (row.host == address && is_unfinished(row.state)) left.push_back(row.id);
        }
        return left;
    }

    void add_new_ones(const Servers& before) {
        for (const Server& master : read().masters) {
            const Server* known = before.master(master.address);
            if (known && is_same_process(*known, master)) continue;
            round_.any_new = true;
            std::erase_if(round_.masters, [&](const MasterAsked& asked) {
                return asked.address == master.address;
            });
            add_unanswered(master.address, "it registered while the masters were asked");
        }
    }

    void add_unanswered(const std::string& address, std::string_view why) {
        MasterAsked asked;
        asked.address = address;
        asked.problem = fmt::format("{}: {}", address, why);
        for (HeldBy& workflow : round_.workflows) workflow.complete = false;
        round_.masters.push_back(std::move(asked));
    }

    const RunContext& context_;
    const std::span<const std::int64_t> ids_;
    const Controls& controls_;
    const std::string& leave_out_;
    std::unordered_map<std::int64_t, std::size_t> places_;  // of ids_
    MasterRound round_;
};

}  // namespace

MasterAnswer HeldBy::answer() const {
    if (masters > 1) return MasterAnswer::held_by_two;
    if (masters == 1) return MasterAnswer::held;
    return complete ? MasterAnswer::not_held : MasterAnswer::unanswered;
}

MasterRound ask_living_masters(const RunContext& context, std::span<const std::int64_t> ids,
                               const Controls& controls, Millis timeout,
                               const std::string& leave_out) {
    return Round(context, ids, controls, leave_out).ask(timeout, {});
}

MasterRound ask_with_rows_locked(const RunContext& context, std::span<const std::int64_t> ids,
                                 const Controls& controls, Millis timeout,
                                 std::span<const std::string> before,
                                 const std::string& leave_out) {
    return Round(context, ids, controls, leave_out).ask(std::min(timeout, kWithRowsLocked), before);
}

std::vector<std::string> addresses_of(std::span<const MasterAsked> masters) {
    std::vector<std::string> addresses;
    for (const MasterAsked& master : masters) addresses.push_back(master.address);
    return addresses;
}

}  // namespace dsfailover
