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
    for (const Asked& one : round) {
        const auto known = std::find_if(all->begin(), all->end(), [&](const Asked& each) {
            return each.address == one.address;
        });
        if (known == all->end()) {
            all->push_back(one);
            continue;
        }
        const Asked before = std::exchange(*known, one);
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

std::string why_unanswered(const Report& report) {
    std::vector<std::string> problems;
    for (const MasterAsked& each : report.masters_asked.value_or(std::vector<MasterAsked>())) {
        if (each.problem) problems.push_back(*each.problem);
    }
    if (problems.empty()) return "no master lives";
    return fmt::format("{}", fmt::join(problems, "; "));
}

}  // namespace dsfailover
