#include "coordinator/requeue/requeue_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/plural.h"
#include "coordinator/report_names.h"
#include "coordinator/requeue/stuck_workflows.h"
#include "database/batches.h"
#include "store/command_param.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

void set_state(StuckInstance& stuck, int state, std::string_view why) {
    stuck.state = state;
    stuck.why_state = why;
}

/// Of commands in the order of their workflows, those of one.
std::span<const WaitingCommand> of_workflow(const std::vector<WaitingCommand>& commands,
                                            std::int64_t id) {
    const auto workflow = &WaitingCommand::workflow_instance_id;
    return {std::ranges::lower_bound(commands, id, {}, workflow),
            std::ranges::upper_bound(commands, id, {}, workflow)};
}

}  // namespace

RequeueSelection::RequeueSelection(const RunContext& context, const RequeueOptions& options,
                                   RequeueRecord& record)
    : context_(context),
      options_(options),
      record_(record),
      workflows_(context.store()),
      commands_(context.store()) {}

void RequeueSelection::select() {
    record_.forget();
    unknown_.clear();
    not_in_failover_.clear();
    with_several_.clear();
    of_nothing_ = 0;
    found_.clear();
    without_command_.clear();
    without_command_type_.clear();
    options_.ids.empty() ? find_in_failover() : find_named();
    std::vector<std::int64_t> ids = found();
    clock_ = context_.database.clock_ms();
    looked_up_to_ = std::max<std::int64_t>(commands_.highest_id() - commands_.id_slack(), 0);
    auto waiting = look_at_commands(ids);
    std::sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) {
        return a.workflow_instance_id < b.workflow_instance_id;
    });
    if (options_.commands) {
        for (const WaitingCommand& command : waiting) {
            if (is_unclaimed(command, options_.unclaimed_after, clock_))
                ids.push_back(command.workflow_instance_id);
        }
        of_nothing_ = static_cast<std::int64_t>(std::erase(ids, 0));
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    }
    std::vector<std::int64_t> without;
    for (const std::int64_t id : ids) {
        const auto commands = of_workflow(waiting, id);
        if (commands.empty())
            without.push_back(id);
        else
            take(id, commands);
    }
    take_those_without(without);
    read_other_rows();
    found_.clear();
}

void RequeueSelection::find_in_failover() {
    workflows_.scan_in_failover([&](const WorkflowInstanceStore::InFailover& instance) {
        found_.push_back(instance.row);
        if (!instance.has_command) without_command_.insert(instance.row.id);
        if (!has_command_type(instance.command_param))
            without_command_type_.insert(instance.row.id);
    });
    std::ranges::sort(found_, {}, &WorkflowInstance::id);
}

std::vector<std::int64_t> RequeueSelection::found() const {
    std::vector<std::int64_t> ids;
    for (const WorkflowInstance& instance : found_) ids.push_back(instance.id);
    return ids;
}

// Those of `ids`, which ascend, or with options.commands all.
std::vector<WaitingCommand> RequeueSelection::look_at_commands(std::span<const std::int64_t> ids) {
    watch_ = std::make_unique<CommandWatch>();
    std::vector<WaitingCommand> found;
    watch_->look(commands_, [&](const WaitingCommand& command) {
        if (options_.commands || std::ranges::binary_search(ids, command.workflow_instance_id))
            found.push_back(command);
    });
    return found;
}

StuckInstance& RequeueSelection::put(StuckInstance::Kind kind, std::int64_t id) {
    // They come in order of id, nearly all of them.
    auto& all = record_.stuck();
    StuckInstance& stuck = all.try_emplace(all.end(), id)->second;
    stuck.kind = kind;
    const auto row = std::ranges::lower_bound(found_, id, {}, &WorkflowInstance::id);
    if (row != found_.end() && row->id == id) stuck.row = std::move(*row);
    return stuck;
}

void RequeueSelection::take(std::int64_t id, std::span<const WaitingCommand> commands) {
    if (commands.size() > 1) {
        with_several_.push_back(id);
        record_.skip(id, SkipReason::several_commands);
    } else if (is_unclaimed(commands.front(), options_.unclaimed_after, clock_)) {
        put(StuckInstance::Kind::unclaimed, id).command = commands.front();
    } else {
        record_.skip(id, SkipReason::command_pending);
    }
}

// Instances and commands were not read at one moment: what had a command when it was read, and has
// none now, a master took, or put away. In one statement the two are told apart: what it took would
// seem stuck, and be held.
void RequeueSelection::take_those_without(std::span<const std::int64_t> ids) {
    std::vector<std::int64_t> doubtful;
    std::ranges::copy_if(ids, std::back_inserter(doubtful),
                         [&](std::int64_t id) { return !without_command_.contains(id); });
    const auto found = workflows_.in_failover_without_command(doubtful);
    without_command_.insert(found.begin(), found.end());
    for (const std::int64_t id : ids) {
        if (without_command_.contains(id))
            put(StuckInstance::Kind::no_command, id);
        else
            record_.skip(id, not_in_failover_.contains(id) ? SkipReason::not_in_failover
                                                           : SkipReason::state_changed);
    }
}

// Those of the commands of --commands.
void RequeueSelection::read_other_rows() {
    std::vector<std::int64_t> ids;
    for (const auto& [id, stuck] : record_.stuck())
        if (stuck.row.id == 0) ids.push_back(id);
    for (WorkflowInstance& row : workflows_.by_ids(ids, false))
        record_.at(row.id).row = std::move(row);
    note_without_command_type(ids);
    const bool any_state = options_.commands || !options_.ids.empty();
    std::vector<std::int64_t> changed, unknown;
    for (const auto& [id, stuck] : record_.stuck()) {
        if (stuck.row.id == 0 && stuck.kind == StuckInstance::Kind::unclaimed)
            unknown.push_back(id);
        else if (!stuck.in_failover() &&
                 (stuck.kind == StuckInstance::Kind::no_command || !any_state))
            changed.push_back(id);
    }
    record_.leave_out(changed, SkipReason::state_changed);
    record_.leave_out(unknown, SkipReason::unknown);
    of_nothing_ += std::ssize(unknown);
}

void RequeueSelection::tell() {
    for (const std::int64_t id : unknown_) fail_unknown(context_, id);
    if (of_nothing_ > 0) {
        context_.warn(
            fmt::format("{} can only move it to t_ds_error_command.",
                        counted(of_nothing_,
                                "command that no master takes is for a workflow instance that does "
                                "not exist; it was left: the master that takes it",
                                "commands that no master takes are for workflow instances that do "
                                "not exist; they were left: the master that takes one")));
    }
    if (with_several_.empty()) return;
    const bool alone = with_several_.size() == 1;
    context_.fail(
        ExitCode::needs_person,
        fmt::format("{} more than one command in t_ds_command: the master that takes a second one "
                    "hangs, and the workflow with it. Delete all but one{} before a master takes "
                    "them. {} {}.",
                    counted(std::ssize(with_several_), "workflow has", "workflows have"),
                    alone ? "" : " of each", alone ? "The workflow is" : "They are",
                    some_ids(with_several_)));
}

void RequeueSelection::find_named() {
    unknown_.insert(options_.ids.begin(), options_.ids.end());
    const std::vector<std::int64_t> named(unknown_.begin(), unknown_.end());
    for (const WorkflowInstance& instance : workflows_.by_ids(named, false)) {
        unknown_.erase(instance.id);
        found_.push_back(instance);
        if (instance.state != kFailover) not_in_failover_.insert(instance.id);
    }
    note_without_command_type(named);
    for (const std::int64_t id : unknown_) record_.skip(id, SkipReason::unknown);
}

void RequeueSelection::note_without_command_type(std::span<const std::int64_t> ids) {
    const auto found = workflows_.without_command_type(ids);
    without_command_type_.insert(found.begin(), found.end());
}

void RequeueSelection::leave_out_hopeless() {
    signs_ = TaskInstanceStore(context_.store()).signs(record_.ids());
    leave_out_duplicates();
    leave_out_unreadable();
    const auto failed = commands_.failed_for_workflows(record_.ids());
    if (options_.ids.empty()) leave_out_failing_again(failed);
    told_states_.clear();
    for (const auto& [id, command] : newest_of_each(failed))
        if (const auto state = state_of_command_param(command.command_param))
            told_states_[id] = *state;
}

void RequeueSelection::leave_out_duplicates() {
    std::vector<std::int64_t> found;
    for (const auto& [id, signs] : signs_)
        if (signs.duplicates) found.push_back(id);
    if (found.empty()) return;
    std::sort(found.begin(), found.end());
    record_.leave_out(found, SkipReason::duplicate_tasks);
    context_.fail(
        ExitCode::needs_person,
        fmt::format("{} two valid rows (flag 1) of one task name, with which recovery fails; not "
                    "requeued: {}. Set flag to 0 in the row of each pair in t_ds_task_instance "
                    "that must not count, then requeue.",
                    counted(std::ssize(found), "workflow has", "workflows have"), some_ids(found)));
}

void RequeueSelection::leave_out_unreadable() {
    std::vector<std::int64_t> found;
    std::ranges::copy_if(record_.ids(), std::back_inserter(found),
                         [&](std::int64_t id) { return without_command_type_.contains(id); });
    if (found.empty()) return;
    record_.leave_out(found, SkipReason::unreadable_command_param);
    const bool alone = found.size() == 1;
    context_.fail(
        ExitCode::needs_person,
        fmt::format(
            "{} row in t_ds_workflow_instance, as one upgraded from 2.x has, with which "
            "every recovery fails; {} not requeued: {}. {}",
            counted(std::ssize(found), "workflow has no commandType in the command_param of its",
                    "workflows have no commandType in the command_param of their"),
            alone ? "it was" : "they were", some_ids(found),
            alone ? "End it with finish, and start its workflow anew."
                  : "End them with finish, and start their workflows anew."));
}

void RequeueSelection::leave_out_failing_again(std::span<const ErrorCommand> failed) {
    const auto found = failed_twice(failed);
    if (found.empty()) return;
    std::vector<std::int64_t> ids;
    for (const auto& [id, cause] : found) ids.push_back(id);
    record_.leave_out(ids, SkipReason::fails_again);
    const bool alone = ids.size() == 1;
    context_.fail(
        ExitCode::needs_person,
        fmt::format("The commands of {} failed twice for one cause ({}: {}); {} not requeued: {}. "
                    "Remove the cause, then requeue {}.",
                    counted(std::ssize(ids), "workflow"), ids.front(), found.at(ids.front()),
                    alone ? "it was" : "they were", some_ids(ids),
                    alone ? "it by its id" : "them by their ids"));
}

void RequeueSelection::choose_states() {
    const std::vector<std::int64_t> ids = record_.without_command();
    std::vector<std::int64_t> guessed, overruled;
    for (const std::int64_t id : ids) {
        StuckInstance& stuck = record_.at(id);
        const auto told = told_states_.find(id);
        const auto sign = signs_.find(id);
        if (told != told_states_.end()) {
            set_state(stuck, told->second, "as the lost command says");
            if (options_.as && *options_.as != told->second) overruled.push_back(id);
        } else if (options_.as) {
            set_state(stuck, *options_.as, "as --as says");
        } else if (sign != signs_.end() && sign->second.killed) {
            set_state(stuck, kReadyStop, "because a task of it was killed");
        } else if (sign != signs_.end() && sign->second.paused) {
            set_state(stuck, kReadyPause, "because a task of it was paused");
        } else {
            set_state(stuck, kRunning, "because nothing tells another state");
            guessed.push_back(id);
        }
    }
    if (!overruled.empty()) {
        context_.warn(
            fmt::format("--as was not used for {}, whose lost command says another state: {}.",
                        counted(std::ssize(overruled), "workflow"), some_ids(overruled)));
    }
    if (guessed.empty()) return;
    context_.warn(fmt::format(
        "Nothing tells in which state {} (no lost command, no task killed or paused): {} is taken, "
        "which goes on with workflows that were to be stopped or paused; --as says otherwise. {} "
        "{}.",
        counted(std::ssize(guessed), "workflow was", "workflows were"),
        workflow_state_name(kRunning), guessed.size() == 1 ? "The workflow is" : "They are",
        some_ids(guessed)));
}

}  // namespace dsfailover
