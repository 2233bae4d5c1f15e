#include "coordinator/failover/master_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/plural.h"
#include "coordinator/report_names.h"

namespace dsfailover {

MasterRecord::MasterRecord(const std::string& address, std::size_t items,
                           SkipReason when_unanswered)
    : items_(items), when_unanswered_(when_unanswered), section_(items) {
    section_.address = address;
}

void MasterRecord::count_first(const AddressSelection& found) {
    if (!found.facts.by_answer_alone) section_.deadline = found.facts.deadline;
    WorkflowsSection& workflows = section_.workflows;
    workflows.selected = found.selectable;
    workflows.skipped.clear();
    for (const auto& [verdict, count] : found.skipped)
        workflows.skipped[skip_reason(verdict)] = count;
    settles_at_ = found.settles_at;
}

void MasterRecord::count_later(std::int64_t selectable) {
    const auto known =
        static_cast<std::int64_t>(changed_.size() + unanswered_.size() + failed_.size());
    section_.workflows.selected += std::max<std::int64_t>(0, selectable - known);
}

// What turned doubtful while we worked: a person resumed it, or a new process may have it now.
void MasterRecord::skip(const SkippedWorkflow& skipped, bool first) {
    const Verdict verdict = skipped.verdict;
    const bool later_start =
        verdict == Verdict::started_after_deadline || verdict == Verdict::impossible_start;
    const bool is_new = !later_start && skipped_.insert(skipped.instance.id).second;
    WorkflowItem item = skipped_item(skipped);
    note_holder(item.id, verdict, skipped.said);
    if (verdict == Verdict::child_running) child_running_.emplace(item.id, skipped.relative);
    if (first) return section_.workflows.items.add(std::move(item));
    if (!is_new || failed(item.id)) return;
    ++section_.workflows.skipped[skip_reason(verdict)];
    const bool listed = forget_left(item.id);
    if (listed) --section_.workflows.selected;
    put_item(std::move(item), listed);
}

void MasterRecord::note_holder(std::int64_t id, Verdict verdict, const MastersSaid& said) {
    if (verdict == Verdict::held_idle)
        held_idle_[said.held_by].insert(id);
    else if (said.answer == MasterAnswer::held_by_two)
        held_by_two_[id] = said.held_by;
    else if (said.answer == MasterAnswer::not_held && verdict == Verdict::in_doubt)
        run_outside_.insert(id);
}

void MasterRecord::forget_reading() {
    held_by_two_.clear();
    held_idle_.clear();
    child_running_.clear();
    run_outside_.clear();
    section_.workflows = WorkflowsSection(items_);
    section_.deadline.reset();
    skipped_.clear();
}

void MasterRecord::plan(const WorkflowInstance& instance, bool by_answer) {
    WorkflowItem item = workflow_item(instance.id, instance.state, WorkflowOutcome::planned);
    if (by_answer) item.reason = "not_held_once";
    section_.workflows.items.add(std::move(item));
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
                                    [&](const WorkflowItem& kept) { return kept.id == item.id; });
    if (place != items.kept().end()) *place = std::move(item);
}

// What was left before a commit may come again. Whether it was, and so has its place in the list.
bool MasterRecord::forget_left(std::int64_t id) {
    return changed_.erase(id) + unanswered_.erase(id) > 0;
}

// What turned out before the commit.
void MasterRecord::skip_selected(WorkflowItem& item, SkipReason reason) {
    WorkflowsSection& workflows = section_.workflows;
    item.outcome = WorkflowOutcome::skipped;
    item.reason = to_string(reason);
    --workflows.selected;
    ++workflows.skipped[reason];
    skipped_.insert(item.id);
}

void MasterRecord::add(const WorkflowFailoverResult& result, bool by_answer) {
    using Kind = WorkflowFailoverResult::Kind;
    WorkflowsSection& workflows = section_.workflows;
    // The ordinary case of a large failover, for which no item is made in vain.
    if (result.kind == Kind::failed_over && changed_.empty() && !workflows.items.has_room()) {
        ++workflows.done;
        return workflows.items.omit();
    }
    WorkflowItem item = workflow_item(result.id, result.state, WorkflowOutcome::failed_over);
    const bool listed = forget_left(item.id);
    switch (result.kind) {
        case Kind::failed_over:
            ++workflows.done;
            if (result.command_id != 0) item.command_id = result.command_id;
            if (by_answer) item.reason = "not_held";
            break;
        case Kind::state_changed:
            changed_.insert(item.id);
            item.outcome = WorkflowOutcome::skipped;
            item.reason = to_string(SkipReason::state_changed);
            break;
        case Kind::command_pending:
            skip_selected(item, SkipReason::command_pending);
            break;
        case Kind::child_running:
            child_running_.emplace(item.id, result.child);
            skip_selected(item, SkipReason::child_running);
            break;
        case Kind::held:
            item.held_by = result.held_by;
            skip_selected(item, SkipReason::running_elsewhere);
            note_holder(item.id, Verdict::running_elsewhere,
                        {MasterAnswer::held, result.held_by, false});
            break;
        case Kind::unanswered:
            unanswered_.insert(item.id);
            item.outcome = WorkflowOutcome::skipped;
            item.reason = to_string(when_unanswered_);
            break;
        case Kind::failed:
            if (failed_.empty()) failed_first_ = fmt::format("{}: {}", item.id, result.problem);
            failed_.insert(item.id);
            item.outcome = WorkflowOutcome::failed;
            item.reason = result.problem;
            break;
        case Kind::unknown:
            ++workflows.unknown;
            unknown_why_ = result.problem;
            item.outcome = WorkflowOutcome::unknown;
            item.reason = result.problem;
            break;
    }
    put_item(std::move(item), listed);
}

void MasterRecord::close(bool is_plan) {
    WorkflowsSection& workflows = section_.workflows;
    const auto changed = static_cast<std::int64_t>(changed_.size());
    if (changed > 0) workflows.skipped[SkipReason::state_changed] = changed;
    const auto unanswered = static_cast<std::int64_t>(unanswered_.size());
    if (unanswered > 0) workflows.skipped[when_unanswered_] += unanswered;
    workflows.selected -= unanswered;
    if (!is_plan)
        workflows.left = std::max<std::int64_t>(
            0, workflows.selected - workflows.done - workflows.unknown - changed);
}

void MasterRecord::tell(const RunContext& context) const {
    const WorkflowsSection& workflows = section_.workflows;
    auto doubts = workflows.skipped;
    // Of these it is known that no master holds them; what is to be done is said below.
    if (!run_outside_.empty()) doubts[SkipReason::in_doubt] -= std::ssize(run_outside_);
    report_doubts(context, section_.address, doubts, settles_at_);
    for (const auto& [id, masters] : held_by_two_) {
        context.fail(
            ExitCode::needs_person,
            fmt::format("Workflow instance {} is held by two masters ({}): one of them "
                        "has nothing but its copy, and stands still. See the logs of both.",
                        id, masters));
    }
    for (const auto& [id, child] : child_running_) {
        context.fail(
            ExitCode::needs_person,
            fmt::format("Workflow instance {} was resumed by a person and is left because of its "
                        "child {}: its recovery would send that a second command. Run the command "
                        "again when the child has ended, or stop the child first.",
                        id, child));
    }
    if (!run_outside_.empty()) {
        context.fail(
            ExitCode::needs_person,
            fmt::format("During this run {} moved although no living master holds {}: a process "
                        "that is not in the registry may run {}. Find it and end it, then run the "
                        "command again.",
                        workflow_instances(std::vector(run_outside_.begin(), run_outside_.end())),
                        run_outside_.size() == 1 ? "it" : "them",
                        run_outside_.size() == 1 ? "it" : "them"));
    }
    for (const auto& [master, ids] : held_idle_) {
        context.fail(
            ExitCode::needs_person,
            fmt::format("{} holds {} and nothing moves: only a restart or --fence of {} ends that, "
                        "and fails over its other workflows as well.",
                        master, workflow_instances(std::vector(ids.begin(), ids.end())), master));
    }
    if (!failed_.empty()) {
        context.fail(ExitCode::needs_person,
                     fmt::format("{} of {} could not be failed over, see the items; {} is workflow "
                                 "instance {}",
                                 counted(std::ssize(failed_), "workflow"), section_.address,
                                 failed_.size() == 1 ? "it" : "the first", failed_first_));
    }
    if (workflows.unknown > 0) {
        context.fail(
            ExitCode::failed,
            fmt::format(
                "Whether {} of {} {} failed over is unknown, because the database did not come "
                "back to be asked ({}). Run the same command again when it is back: it sees what "
                "was committed and does the rest.",
                counted(workflows.unknown, "workflow"), section_.address,
                workflows.unknown == 1 ? "was" : "were", unknown_why_));
    }
}

}  // namespace dsfailover
