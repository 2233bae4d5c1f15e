#include "coordinator/asking/asked_in_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace dsfailover {

namespace {

void add_counts(MasterAsked& to, const MasterAsked& before) {
    to.held += before.held;
    to.not_held += before.not_held;
    if (!to.control) to.control = before.control;
}

void add_counts(WorkerAsked& to, const WorkerAsked& before) {
    to.alive += before.alive;
    to.unknown_task += before.unknown_task;
}

template <typename Asked>
void add(std::optional<std::vector<Asked>>& all, const std::vector<Asked>& round) {
    if (!all) all.emplace();
    for (const Asked& asked : round) {
        const auto known = std::find_if(all->begin(), all->end(), [&](const Asked& each) {
            return each.address == asked.address;
        });
        if (known == all->end()) {
            all->push_back(asked);
            continue;
        }
        const Asked before = std::exchange(*known, asked);
        known->questions += before.questions;
        known->unanswered += before.unanswered;
        if (!known->peer) known->peer = before.peer;
        if (!known->problem) known->problem = before.problem;
        add_counts(*known, before);
    }
    std::sort(all->begin(), all->end(),
              [](const Asked& a, const Asked& b) { return a.address < b.address; });
}

}  // namespace

void add_to_report(Report& report, const std::vector<MasterAsked>& round) {
    add(report.masters_asked, round);
}

void add_to_report(Report& report, const std::vector<WorkerAsked>& round) {
    add(report.workers_asked, round);
}

std::vector<std::string> problems_of(std::span<const MasterAsked> masters) {
    std::vector<std::string> problems;
    for (const MasterAsked& each : masters)
        if (each.problem) problems.push_back(*each.problem);
    return problems;
}

std::string why_unanswered(const Report& report) {
    if (!report.masters_asked || report.masters_asked->empty()) return "no master lives";
    const std::vector<std::string> problems = problems_of(*report.masters_asked);
    if (problems.empty()) return "--ask-limit leaves some out";
    return fmt::format("{}", fmt::join(problems, "; "));
}

}  // namespace dsfailover
