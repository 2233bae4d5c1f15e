#include "coordinator/requeue/requeue_record.h"

#include <fmt/format.h>

#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "base/plural.h"
#include "coordinator/report_names.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

std::string state_of(const StuckInstance& stuck) {
    const std::string_view name = workflow_state_name(stuck.row.state);
    return name.empty() ? std::to_string(stuck.row.state) : std::string(name);
}

}  // namespace

std::string StuckInstance::reason() const {
    if (!problem.empty()) return problem;
    if (kind == Kind::unclaimed) return "unclaimed";
    if (state == 0) return "no_command";
    return fmt::format("no_command: back to {} {}", workflow_state_name(state), why_state);
}

RequeueRecord::RequeueRecord(const RunContext& context, std::size_t items)
    : context_(context), section_(context.report.requeue.emplace(items)) {}

std::vector<std::int64_t> RequeueRecord::ids() const {
    std::vector<std::int64_t> ids;
    for (const auto& [id, stuck] : stuck_) ids.push_back(id);
    return ids;
}

std::vector<std::int64_t> RequeueRecord::of_kind(StuckInstance::Kind kind) const {
    std::vector<std::int64_t> ids;
    for (const auto& [id, stuck] : stuck_) {
        if (stuck.kind == kind && stuck.outcome != WorkflowOutcome::failed) ids.push_back(id);
    }
    return ids;
}

std::vector<std::int64_t> RequeueRecord::command_ids(std::span<const std::int64_t> ids) const {
    std::vector<std::int64_t> found;
    for (const std::int64_t id : ids) found.push_back(stuck_.at(id).command.id);
    return found;
}

void RequeueRecord::forget() {
    stuck_.clear();
    others_.clear();
    section_.skipped.clear();
}

void RequeueRecord::count_selected() { section_.selected = section_.left = std::ssize(stuck_); }

void RequeueRecord::skip(std::int64_t id, SkipReason reason, const std::string& holder) {
    ++section_.skipped[reason];
    const auto found = stuck_.find(id);
    others_[id] = {WorkflowOutcome::skipped, std::string(to_string(reason)), holder,
                   found == stuck_.end() ? "" : state_of(found->second)};
}

void RequeueRecord::leave_out(std::span<const std::int64_t> ids, SkipReason reason) {
    for (const std::int64_t id : ids) {
        skip(id, reason);
        stuck_.erase(id);
    }
}

void RequeueRecord::drop(std::int64_t id, SkipReason reason) {
    skip(id, reason);
    stuck_.erase(id);
    --section_.left;
}

void RequeueRecord::drop_unknown(std::int64_t id) {
    drop(id, SkipReason::taken);
    others_.at(id).outcome = WorkflowOutcome::unknown;
    others_.at(id).reason =
        "a master took its command; whether that was exchanged before is unknown, since the commit "
        "had no answer";
}

void RequeueRecord::limit(std::size_t limit) {
    if (stuck_.size() <= limit) return;
    context_.fail(ExitCode::needs_person,
                  fmt::format("--limit: {} of {} {} left for another run.", stuck_.size() - limit,
                              counted(std::ssize(stuck_), "workflow"),
                              stuck_.size() - limit == 1 ? "is" : "are"));
    auto first = stuck_.begin();
    std::advance(first, static_cast<std::ptrdiff_t>(limit));
    for (auto left = first; left != stuck_.end(); ++left) {
        ++over_limit_;
        others_[left->first] = {WorkflowOutcome::left, "limit", "", state_of(left->second)};
    }
    stuck_.erase(first, stuck_.end());
}

void RequeueRecord::fail(std::int64_t id, const std::string& problem) {
    StuckInstance& stuck = stuck_.at(id);
    stuck.outcome = WorkflowOutcome::failed;
    stuck.problem = problem;
    context_.fail(ExitCode::needs_person,
                  fmt::format("Workflow instance {} could not be requeued: {}", id, problem));
}

void RequeueRecord::unknown(std::int64_t id, const std::string& problem) {
    StuckInstance& stuck = stuck_.at(id);
    stuck.outcome = WorkflowOutcome::unknown;
    stuck.problem = problem;
    unknown_why_ = problem;
    ++section_.unknown;
    --section_.left;
}

void RequeueRecord::tell_unknown() const {
    if (section_.unknown == 0) return;
    context_.fail(
        ExitCode::failed,
        fmt::format("Whether {} {} requeued is unknown, because the database did not come back to "
                    "be asked ({}). Run the same command again when it is back: it sees what was "
                    "committed and does the rest.",
                    counted(section_.unknown, "workflow"), section_.unknown == 1 ? "was" : "were",
                    unknown_why_));
}

void RequeueRecord::fail_all_of(const std::string& host, const std::string& problem) {
    for (auto& [id, stuck] : stuck_) {
        if (stuck.row.host != host || stuck.outcome == WorkflowOutcome::failed) continue;
        stuck.outcome = WorkflowOutcome::failed;
        stuck.problem = problem;
    }
    context_.fail(ExitCode::failed, problem);
}

void RequeueRecord::requeued(std::int64_t id, std::int64_t command_id) {
    StuckInstance& stuck = stuck_.at(id);
    stuck.command.id = command_id;
    if (stuck.outcome != WorkflowOutcome::requeued) {
        stuck.outcome = WorkflowOutcome::requeued;
        ++section_.done;
        --section_.left;
    }
    const auto known = command_id == 0 ? std::nullopt : std::optional(command_id);
    context_.audit.write(
        {"workflow", "requeued", "", id, known, "",
         stuck.state == 0 ? std::string_view("unclaimed") : workflow_state_name(stuck.state)});
}

void RequeueRecord::plan() {
    for (auto& [id, stuck] : stuck_) stuck.outcome = WorkflowOutcome::planned;
}

void RequeueRecord::say_why_left(std::span<const std::int64_t> named) const {
    struct Untold {
        SkipReason reason;
        std::string_view one, many;
    };
    constexpr Untold kUntold[] = {
        {SkipReason::not_in_failover, "it is not in state FAILOVER, and has no command",
         "they are not in state FAILOVER, and have no command"},
        {SkipReason::command_pending, "masters may still take its command",
         "masters may still take their commands"},
        {SkipReason::taken, "a master took its command meanwhile",
         "a master took their commands meanwhile"},
        {SkipReason::state_changed, "it changed while it was looked at",
         "they changed while they were looked at"},
    };
    const std::set<std::int64_t> each_once(named.begin(), named.end());
    for (const Untold& untold : kUntold) {
        std::vector<std::int64_t> ids;
        for (const std::int64_t id : each_once) {
            const auto other = others_.find(id);
            if (other != others_.end() && other->second.reason == to_string(untold.reason))
                ids.push_back(id);
        }
        if (ids.empty()) continue;
        context_.fail(ExitCode::needs_person,
                      fmt::format("Nothing was done about {}: {}.", workflow_instances(ids),
                                  ids.size() == 1 ? untold.one : untold.many));
    }
}

void RequeueRecord::list(std::int64_t id, const Left& other) {
    WorkflowItem item;
    item.id = id;
    item.outcome = other.outcome;
    item.reason = other.reason;
    if (!other.holder.empty()) item.held_by = other.holder;
    if (!other.state.empty()) item.previous_state = other.state;
    section_.items.add(std::move(item));
}

void RequeueRecord::list(std::int64_t id, const StuckInstance& stuck) {
    WorkflowItem item;
    item.id = id;
    item.previous_state = state_of(stuck);
    item.outcome = stuck.outcome;
    item.reason = stuck.reason();
    if (stuck.command.id != 0) item.command_id = stuck.command.id;
    section_.items.add(std::move(item));
}

void RequeueRecord::list(bool is_plan) {
    tell_unknown();
    section_.selected += over_limit_;
    section_.left = is_plan ? 0 : section_.left + over_limit_;
    // In order of id; there may be many, of which few are listed.
    auto other = others_.begin();
    for (const auto& [id, stuck] : stuck_) {
        for (; other != others_.end() && other->first < id; ++other)
            list(other->first, other->second);
        list(id, stuck);
    }
    for (; other != others_.end(); ++other) list(other->first, other->second);
    std::vector<WorkflowItem*> listed;
    for (WorkflowItem& item : section_.items.kept()) listed.push_back(&item);
    add_workflow_names(context_, std::move(listed));
}

}  // namespace dsfailover
