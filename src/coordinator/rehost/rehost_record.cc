#include "coordinator/rehost/rehost_record.h"

#include <fmt/format.h>

#include "base/plural.h"
#include "coordinator/report_names.h"

namespace dsfailover {

namespace {

SkipReason why_not_misplaced(const HeldBy& held) {
    if (held.masters > 1) return SkipReason::held_by_two;
    if (!held.complete) return SkipReason::unanswered;
    return held.masters == 1 ? SkipReason::in_place : SkipReason::not_held;
}

}  // namespace

RehostRecord::RehostRecord(const RunContext& context, const RehostOptions& options)
    : context_(context),
      options_(options),
      section_(context.report.rehost.emplace(options.items)) {}

void RehostRecord::forget() {
    items_.clear();
    skipped_.clear();
}

void RehostRecord::skip(std::int64_t id, SkipReason reason) {
    skipped_[reason].push_back(id);
    RehostItem& item = items_[id];
    item.id = id;
    item.outcome = WorkflowOutcome::skipped;
    item.reason = to_string(reason);
}

// Without ids every unfinished workflow is looked at: most are where they belong.
void RehostRecord::skip(const WorkflowInstance& row, const HeldBy& held) {
    const SkipReason reason = why_not_misplaced(held);
    const bool in_order = reason == SkipReason::in_place || reason == SkipReason::not_held;
    if (!is_named() && in_order) return;
    if (!is_named() && reason == SkipReason::unanswered) {
        skipped_[reason].push_back(row.id);
        return;
    }
    skip(row.id, reason);
    items_[row.id].host = row.host;
    if (!held.holder.empty()) items_[row.id].holder = held.holder;
}

void RehostRecord::select(const MisplacedInstance& instance) {
    RehostItem& item = items_[instance.row.id];
    item.id = instance.row.id;
    item.host = instance.row.host;
    item.holder = instance.holder;
}

void RehostRecord::leave(std::span<const MisplacedInstance> instances) {
    for (const MisplacedInstance& misplaced : instances) items_[misplaced.row.id].reason = "limit";
    context_.fail(ExitCode::needs_person,
                  fmt::format("--limit: {} left for another run.",
                              counted(std::ssize(instances), "workflow is", "workflows are")));
}

void RehostRecord::plan(const MisplacedInstance& instance) {
    items_[instance.row.id].outcome = WorkflowOutcome::planned;
}

void RehostRecord::note(const MisplacedInstance& instance, const RehostResult& result) {
    const std::int64_t id = instance.row.id;
    switch (result.kind) {
        case RehostResult::Kind::rehosted:
            items_[id].outcome = WorkflowOutcome::rehosted;
            return;
        case RehostResult::Kind::changed:
            return skip(id, SkipReason::state_changed);
        case RehostResult::Kind::failed:
            items_[id].outcome = WorkflowOutcome::failed;
            items_[id].reason = result.problem;
            context_.fail(ExitCode::failed, fmt::format("Workflow instance {} could not be "
                                                        "rehosted: {}",
                                                        id, result.problem));
            return;
    }
}

void RehostRecord::list() {
    for (const auto& [id, item] : items_) {
        if (item.outcome != WorkflowOutcome::skipped) ++section_.selected;
        if (item.outcome == WorkflowOutcome::rehosted) ++section_.done;
        if (item.outcome == WorkflowOutcome::left || item.outcome == WorkflowOutcome::failed)
            ++section_.left;
    }
    for (const auto& [reason, ids] : skipped_) {
        section_.skipped[reason] = std::ssize(ids);
        tell_of_skipped(reason, ids);
    }
    if (not_asked_about_ > 0)
        context_.warn(fmt::format(
            "{} not asked about: --ask-limit {} asks about those with the lowest ids.",
            counted(not_asked_about_, "unfinished workflow was", "unfinished workflows were"),
            options_.ask.limit));
    for (auto& [id, item] : items_) section_.items.add(std::move(item));
    std::vector<RehostItem*> listed;
    for (RehostItem& item : section_.items.kept()) listed.push_back(&item);
    add_workflow_names(context_, std::move(listed));
}

void RehostRecord::tell_of_skipped(SkipReason reason, const std::vector<std::int64_t>& ids) {
    const auto tell = [&](std::string text) {
        context_.fail(ExitCode::needs_person, std::move(text));
    };
    const std::string which = workflow_instances(ids);
    const bool one = ids.size() == 1;
    const auto left_alone = [&](std::string_view why) {
        tell(fmt::format("Left alone: {}. {}", which, why));
    };
    switch (reason) {
        case SkipReason::in_place:
            return tell(
                fmt::format("Nothing was done about {}: the master that holds {} is its "
                            "host already.",
                            which, one ? "it" : "each"));
        case SkipReason::unknown:
            for (const std::int64_t id : ids) fail_unknown(context_, id);
            return;
        case SkipReason::not_unfinished:
            return left_alone(one ? "It is in none of the states 1, 2 and 4."
                                  : "They are in none of the states 1, 2 and 4.");
        case SkipReason::not_held:
            return left_alone(one ? "No living master holds it. Fail it over, or finish it."
                                  : "No living master holds them. Fail them over, or finish them.");
        case SkipReason::held_by_two:
            return left_alone(one ? "Two masters hold it, and one of the two stands still."
                                  : "Two masters hold each, and one of the two stands still.");
        case SkipReason::unanswered:
            return tell(
                fmt::format("Of {} it is not known which master holds {}, since not every "
                            "living master answered: {}.",
                            which, one ? "it" : "them", problems_));
        default:
            return left_alone(one ? "It changed while it was looked at. Run the command again."
                                  : "They changed while they were looked at. Run the command "
                                    "again.");
    }
}

}  // namespace dsfailover
