#include "coordinator/requeue/requeue_record.h"

#include <fmt/format.h>

#include <iterator>

#include "coordinator/report_names.h"
#include "store/workflow_state.h"

namespace dsfailover {

RequeueRecord::RequeueRecord(const RunContext& context, std::size_t items)
    : context_(context), section_(context.report.requeue.emplace(items)) {}

std::vector<std::int64_t> RequeueRecord::ids() const {
    std::vector<std::int64_t> ids;
    for (const auto& [id, one] : stuck_) ids.push_back(id);
    return ids;
}

std::vector<std::int64_t> RequeueRecord::of_kind(StuckInstance::Kind kind) const {
    std::vector<std::int64_t> ids;
    for (const auto& [id, one] : stuck_) {
        if (one.kind == kind && one.outcome != WorkflowOutcome::failed) ids.push_back(id);
    }
    return ids;
}

std::vector<std::int64_t> RequeueRecord::command_ids(std::span<const std::int64_t> ids) const {
    std::vector<std::int64_t> found;
    for (const std::int64_t id : ids) found.push_back(stuck_.at(id).command_id);
    return found;
}

void RequeueRecord::forget() {
    stuck_.clear();
    others_.clear();
    section_.skipped.clear();
}

void RequeueRecord::count_selected() { section_.selected = section_.left = std::ssize(stuck_); }

void RequeueRecord::skip(std::int64_t id, SkipReason reason) {
    ++section_.skipped[reason];
    others_[id] = {WorkflowOutcome::skipped, std::string(to_string(reason))};
}

void RequeueRecord::drop(std::int64_t id, SkipReason reason) {
    skip(id, reason);
    stuck_.erase(id);
    --section_.left;
}

void RequeueRecord::limit(std::size_t limit) {
    if (stuck_.size() <= limit) return;
    context_.fail(ExitCode::needs_person,
                  fmt::format("--limit: {} of {} workflows are left for another run.",
                              stuck_.size() - limit, stuck_.size()));
    auto first = stuck_.begin();
    std::advance(first, static_cast<std::ptrdiff_t>(limit));
    for (auto left = first; left != stuck_.end(); ++left) {
        ++over_limit_;
        others_[left->first] = {WorkflowOutcome::left, "limit"};
    }
    stuck_.erase(first, stuck_.end());
}

void RequeueRecord::fail(std::int64_t id, const std::string& problem) {
    StuckInstance& one = stuck_.at(id);
    one.outcome = WorkflowOutcome::failed;
    one.reason = problem;
    context_.fail(ExitCode::needs_person,
                  fmt::format("Workflow instance {} could not be requeued: {}", id, problem));
}

void RequeueRecord::fail_all_of(const std::string& host, const std::string& problem) {
    for (auto& [id, one] : stuck_) {
        if (one.row.host != host || one.outcome == WorkflowOutcome::failed) continue;
        one.outcome = WorkflowOutcome::failed;
        one.reason = problem;
    }
    context_.fail(ExitCode::failed, problem);
}

void RequeueRecord::requeued(std::int64_t id, std::int64_t command_id) {
    StuckInstance& one = stuck_.at(id);
    one.command_id = command_id;
    if (one.outcome != WorkflowOutcome::requeued) {
        one.outcome = WorkflowOutcome::requeued;
        ++section_.done;
        --section_.left;
    }
    const auto known = command_id == 0 ? std::nullopt : std::optional(command_id);
    context_.audit.write(
        {"workflow", "requeued", "", id, known, "",
         one.state == 0 ? std::string_view("unclaimed") : workflow_state_name(one.state)});
}

void RequeueRecord::plan() {
    for (auto& [id, one] : stuck_) one.outcome = WorkflowOutcome::planned;
}

void RequeueRecord::list(bool is_plan) {
    section_.selected += over_limit_;
    section_.left = is_plan ? 0 : section_.left + over_limit_;
    std::map<std::int64_t, WorkflowItem> items;
    for (const auto& [id, other] : others_) {
        WorkflowItem& item = items[id];
        item.outcome = other.outcome;
        item.reason = other.reason;
    }
    for (const auto& [id, one] : stuck_) {
        WorkflowItem& item = items[id];
        item.previous_state = workflow_state_name(workflow_state::kFailover);
        item.outcome = one.outcome;
        item.reason = one.reason;
        if (one.command_id != 0) item.command_id = one.command_id;
    }
    for (auto& [id, item] : items) {
        item.id = id;
        section_.items.add(std::move(item));
    }
    std::vector<WorkflowItem*> listed;
    for (WorkflowItem& item : section_.items.kept()) listed.push_back(&item);
    add_workflow_names(context_, std::move(listed));
}

}  // namespace dsfailover
