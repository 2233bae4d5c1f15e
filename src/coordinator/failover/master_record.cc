#include "coordinator/failover/master_record.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsfailover {

MasterRecord::MasterRecord(const std::string& address, std::size_t items)
    : items_(items), section_(items) {
    section_.address = address;
}

void MasterRecord::count_first(const AddressSelection& found) {
    section_.deadline = found.facts.deadline;
    WorkflowsSection& its = section_.workflows;
    its.selected = found.selectable;
    its.skipped.clear();
    for (const auto& [verdict, count] : found.skipped) its.skipped[skip_reason(verdict)] = count;
    settles_at_ = found.settles_at;
}

void MasterRecord::count_later(std::int64_t selectable) {
    const auto known = static_cast<std::int64_t>(changed_.size() + failed_.size());
    section_.workflows.selected += std::max<std::int64_t>(0, selectable - known);
}

// What turned doubtful while we worked: a person resumed it, or a new process may have it now.
void MasterRecord::skip(const WorkflowInstance& instance, Verdict verdict,
                        std::optional<EpochMs> last_task_activity, bool first) {
    const bool later_start =
        verdict == Verdict::started_after_deadline || verdict == Verdict::impossible_start;
    const bool is_new = !later_start && skipped_.insert(instance.id).second;
    WorkflowItem item = skipped_item(instance, verdict, last_task_activity);
    if (first) return section_.workflows.items.add(std::move(item));
    if (!is_new || failed(item.id)) return;
    ++section_.workflows.skipped[skip_reason(verdict)];
    const bool listed = changed_.erase(item.id) > 0;
    if (listed) --section_.workflows.selected;
    put_item(std::move(item), listed);
}

void MasterRecord::forget_reading() {
    section_.workflows = WorkflowsSection(items_);
    section_.deadline.reset();
    skipped_.clear();
}

void MasterRecord::plan(const WorkflowInstance& instance) {
    section_.workflows.items.add(
        workflow_item(instance.id, instance.state, WorkflowOutcome::planned));
}

void MasterRecord::leave_by_limit(const WorkflowInstance& instance) {
    WorkflowItem item = workflow_item(instance.id, instance.state, WorkflowOutcome::left);
    item.reason = "limit";
    section_.workflows.items.add(std::move(item));
}

// One that changed under our hands may come again: it keeps its one place in the list.
void MasterRecord::put_item(WorkflowItem item, bool listed) {
    auto& items = section_.workflows.items;
    if (!listed) return items.add(std::move(item));
    const auto place = std::find_if(items.kept().begin(), items.kept().end(),
                                    [&](const WorkflowItem& one) { return one.id == item.id; });
    if (place != items.kept().end()) *place = std::move(item);
}

void MasterRecord::add(const WorkflowFailoverResult& result) {
    using Kind = WorkflowFailoverResult::Kind;
    WorkflowsSection& its = section_.workflows;
    // The ordinary case of a large failover, for which no item is made in vain.
    if (result.kind == Kind::failed_over && changed_.empty() && !its.items.has_room()) {
        ++its.done;
        return its.items.omit();
    }
    WorkflowItem item = workflow_item(result.id, result.state, WorkflowOutcome::failed_over);
    const bool listed = changed_.erase(item.id) > 0;
    switch (result.kind) {
        case Kind::failed_over:
            ++its.done;
            if (result.command_id != 0) item.command_id = result.command_id;
            break;
        case Kind::state_changed:
            changed_.insert(item.id);
            item.outcome = WorkflowOutcome::skipped;
            item.reason = to_string(SkipReason::state_changed);
            break;
        case Kind::command_pending:
            item.outcome = WorkflowOutcome::skipped;
            item.reason = to_string(SkipReason::command_pending);
            --its.selected;
            ++its.skipped[SkipReason::command_pending];
            skipped_.insert(item.id);
            break;
        case Kind::failed:
            if (failed_.empty()) failed_first_ = fmt::format("{}: {}", item.id, result.problem);
            failed_.insert(item.id);
            item.outcome = WorkflowOutcome::failed;
            item.reason = result.problem;
            break;
        case Kind::unknown:
            ++its.unknown;
            unknown_why_ = result.problem;
            item.outcome = WorkflowOutcome::unknown;
            item.reason = result.problem;
            break;
    }
    put_item(std::move(item), listed);
}

void MasterRecord::close(bool is_plan) {
    WorkflowsSection& its = section_.workflows;
    const auto changed = static_cast<std::int64_t>(changed_.size());
    if (changed > 0) its.skipped[SkipReason::state_changed] = changed;
    if (!is_plan)
        its.left = std::max<std::int64_t>(0, its.selected - its.done - its.unknown - changed);
}

void MasterRecord::tell(const RunContext& context) const {
    const WorkflowsSection& its = section_.workflows;
    report_doubts(context, section_.address, its.skipped, settles_at_);
    if (!failed_.empty()) {
        context.fail(ExitCode::needs_person,
                     fmt::format("{} workflows of {} could not be failed over, see the items; the "
                                 "first is workflow instance {}",
                                 failed_.size(), section_.address, failed_first_));
    }
    if (its.unknown > 0) {
        context.fail(
            ExitCode::failed,
            fmt::format("Whether {} workflows of {} were failed over is unknown, because the "
                        "database did not come back to be asked ({}). Run the same command "
                        "again when it is back: it sees what was committed and does the rest.",
                        its.unknown, section_.address, unknown_why_));
    }
}

}  // namespace dsfailover
