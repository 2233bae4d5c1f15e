#include "coordinator/finish/finish_record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coordinator/report_names.h"
#include "store/command_type.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {}  // namespace

FinishRecord::FinishRecord(const RunContext& context, const FinishOptions& options)
    : context_(context),
      options_(options),
      section_(context.report.finish.emplace(options.items)) {}

FinishItem& FinishRecord::item(std::int64_t id) {
    FinishItem& kept = items_[id];
    kept.id = id;
    return kept;
}

void FinishRecord::forget() {
    items_.clear();
    skipped_.clear();
}

void FinishRecord::skip(std::int64_t id, SkipReason reason) {
    item(id).outcome = WorkflowOutcome::skipped;
    item(id).reason = to_string(reason);
    skipped_[reason].push_back(id);
}

void FinishRecord::refuse(std::int64_t id, SkipReason reason, const std::string& why) {
    item(id).outcome = WorkflowOutcome::refused;
    item(id).reason = to_string(reason);
    ++section_.refused[reason];
    context_.fail(ExitCode::refused,
                  fmt::format("Workflow instance {} was not finished: {}.", id, why));
}

void FinishRecord::fail(std::int64_t id, const std::string& problem) {
    item(id).outcome = WorkflowOutcome::failed;
    item(id).reason = problem;
    context_.fail(ExitCode::failed,
                  fmt::format("Workflow instance {} could not be finished: {}", id, problem));
}

void FinishRecord::note(const FinishTarget& target, WorkflowOutcome outcome) {
    FinishItem& noted = item(target.row.id);
    noted.outcome = outcome;
    noted.commands_deleted = target.commands;
    for (const UnfinishedTask& task : target.tasks) noted.tasks_ended.push_back(task.task.id);
    if (target.row.command_type == command_type::kBackfill) backfills_.push_back(target.row.id);
    parents_.insert(target.unfinished_parents.begin(), target.unfinished_parents.end());
}

void FinishRecord::plan(const FinishTarget& target) { note(target, WorkflowOutcome::planned); }

void FinishRecord::finished(const FinishTarget& target) {
    note(target, WorkflowOutcome::finished);
    const std::int64_t id = target.row.id;
    for (const std::int64_t command : target.commands)
        context_.audit.write({"command", "removed", "", id, command, "", ""});
    for (const UnfinishedTask& task : target.tasks) {
        const std::string host = task.task.host.value_or("");
        context_.audit.write({"task", "finished", host, task.task.id, std::nullopt, "",
                              task_state_name(task.task.state)});
    }
    const std::string host = target.row.host.value_or("");
    context_.audit.write({"workflow", "finished", host, id, std::nullopt, "",
                          workflow_state_name(target.row.state)});
}

void FinishRecord::list() {
    std::vector<std::int64_t> done;
    for (auto& [id, item] : items_) {
        const bool skipped = item.outcome == WorkflowOutcome::skipped;
        if (!skipped) ++section_.selected;
        if (item.outcome == WorkflowOutcome::finished) ++section_.done;
        if (item.outcome == WorkflowOutcome::left || item.outcome == WorkflowOutcome::failed)
            ++section_.left;
        if (item.outcome == WorkflowOutcome::finished || item.outcome == WorkflowOutcome::planned)
            done.push_back(id);
    }
    for (const auto& [reason, ids] : skipped_) {
        section_.skipped[reason] = std::ssize(ids);
        tell_of_skipped(reason, ids);
    }
    if (!done.empty()) tell_what_follows(done);
    tell_of_tasks(done);
    for (auto& [id, item] : items_) section_.items.add(std::move(item));
    std::vector<FinishItem*> listed;
    for (FinishItem& item : section_.items.kept()) listed.push_back(&item);
    add_workflow_names(context_, std::move(listed));
}

void FinishRecord::tell_of_skipped(SkipReason reason, const std::vector<std::int64_t>& ids) {
    const auto tell = [&](std::string text) {
        context_.fail(ExitCode::needs_person, std::move(text));
    };
    const bool one = ids.size() == 1;
    switch (reason) {
        case SkipReason::unknown:
            for (const std::int64_t id : ids) fail_unknown(context_, id);
            return;
        case SkipReason::not_unfinished:
            return tell(
                fmt::format("Nothing was done about {}: {} in none of the states 0, 1, 2, 4 and "
                            "18, so that there is nothing to finish.",
                            workflow_instances(ids), one ? "it is" : "they are"));
        case SkipReason::taken:
            return tell(
                fmt::format("Nothing was done about {}: a master, or another program, took {} "
                            "command meanwhile.",
                            workflow_instances(ids), one ? "its" : "their"));
        default:
            return tell(fmt::format(
                "Nothing was done about {}: somebody changed {} while {} looked at. Run "
                "the command again if {} still.",
                workflow_instances(ids), one ? "it" : "them", one ? "it was" : "they were",
                one ? "it still stands" : "they still stand"));
    }
}

void FinishRecord::tell_what_follows(const std::vector<std::int64_t>& ids) {
    const bool failed = options_.as == FinishAs::failure;
    context_.warn(fmt::format(
        "Workflows that {}: {}. In the user interface they can be {}. For DEPENDENT tasks of other "
        "workflows they {} at their end_time, the last sign of a task: a later run that succeeded "
        "still counts.",
        fmt::format(fmt::runtime(options_.dry_run ? "would be {}" : "are {} now"),
                    failed ? "FAILURE" : "STOP"),
        some_ids(ids),
        failed ? "recovered from failure, which runs what failed and what follows, or rerun, which "
                 "runs all"
               : "rerun, which runs all",
        failed ? "failed" : "were stopped"));
    if (!backfills_.empty())
        context_.warn(
            fmt::format("Workflows {} are backfills: their next dates begin only after a success, "
                        "so recover or rerun them, or start the backfill of the dates left.",
                        some_ids(backfills_)));
    for (const std::int64_t id : ids) parents_.erase(id);
    if (!parents_.empty())
        context_.warn(
            fmt::format("Workflows {} are unfinished parents of some of them: where a master runs "
                        "the parent its task fails, and is tried again as its retries say.",
                        fmt::join(parents_, ", ")));
}

void FinishRecord::tell_of_tasks(const std::vector<std::int64_t>& ids) {
    std::vector<std::string> tasks;
    for (const std::int64_t id : ids) {
        for (const LivingTask& task : items_.at(id).tasks_alive)
            tasks.push_back(fmt::format(
                "{} ({}) of {} on {}{}{}{}", task.id, task.name, id, task.worker,
                task.alive ? "" : " (not known whether it lives)",
                task.process_id ? fmt::format(", process {}", *task.process_id) : "",
                task.applications ? fmt::format(", applications {}", *task.applications) : ""));
    }
    if (tasks.empty()) return;
    constexpr std::size_t kShown = 10;
    const auto shown = std::span(tasks).first(std::min(tasks.size(), kShown));
    context_.warn(fmt::format(
        "Tasks whose processes and applications are not ended by this, and run on beside what is "
        "started anew: {}{}. Kill them there.",
        fmt::join(shown, "; "),
        shown.size() < tasks.size() ? fmt::format("; and {} more", tasks.size() - shown.size())
                                    : ""));
}

}  // namespace dsfailover
