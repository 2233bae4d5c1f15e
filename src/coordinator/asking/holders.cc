#include "coordinator/asking/holders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/plural.h"
#include "coordinator/asking/asked_in_report.h"

namespace dsfailover {

namespace {

void add(HeldBy& all, const HeldBy& round) {
    all.masters = std::max(all.masters, round.masters);
    if (all.holder.empty()) all.holder = round.holder;
    all.complete = all.complete && round.complete;
}

}  // namespace

Holders::Holders(const RunContext& context, const AskOptions& options, const Servers& servers)
    : context_(context), options_(options), servers_(servers) {}

void Holders::ask(std::span<const std::int64_t> ids) {
    if (context_.servers == nullptr) {
        problems_ = "nobody is asked";
        return;
    }
    if (!std::exchange(controls_chosen_, true)) controls_ = choose_controls(context_, servers_);
    const auto asked = ids.first(std::min(ids.size(), static_cast<std::size_t>(options_.limit)));
    MasterRound round = ask_living_masters(context_, asked, controls_, options_.timeout);
    for (std::size_t i = 0; i < asked.size(); ++i)
        add(held_.try_emplace(asked[i]).first->second, round.workflows[i]);
    note_problems(round);
    if (asked.size() < ids.size()) {
        context_.warn(fmt::format("The masters were not asked about {}: --ask-limit is {}.",
                                  counted(std::ssize(ids) - std::ssize(asked), "workflow"),
                                  options_.limit));
        if (problems_.empty()) problems_ = fmt::format("--ask-limit is {}", options_.limit);
    }
    context_.report.masters_asked = std::move(round.masters);
}

void Holders::ask_with_row_locked(std::int64_t id) {
    const auto known = held_.find(id);
    if (known == held_.end()) return;
    const MasterRound round =
        ask_with_rows_locked(context_, std::span(&id, 1), controls_, options_.timeout,
                             addresses_of(context_.report.masters_asked.value()));
    add(known->second, round.workflows.front());
    note_problems(round);
}

HeldBy Holders::of(std::int64_t id) const {
    const auto known = held_.find(id);
    return known == held_.end() ? HeldBy{0, "", "", false} : known->second;
}

void Holders::note_problems(const MasterRound& round) {
    std::vector<std::string> problems = problems_of(round.masters);
    if (round.masters.empty()) problems.emplace_back("no master lives");
    problems_ = fmt::format("{}", fmt::join(problems, "; "));
}

}  // namespace dsfailover
