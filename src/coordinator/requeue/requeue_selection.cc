#include "coordinator/requeue/requeue_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "coordinator/report_names.h"
#include "coordinator/requeue/stuck_workflows.h"
#include "store/command_param.h"
#include "store/task_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

void set_state(StuckInstance& one, int state, std::string_view why) {
    one.state = state;
    one.reason = fmt::format("no_command: back to {} {}", workflow_state_name(state), why);
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
    with_several_.clear();
    auto& stuck = record_.stuck();
    std::vector<std::int64_t> ids;
    if (options_.ids.empty()) {
        constexpr int kStates[] = {kFailover};
        workflows_.scan_states(
            kStates, [&](const WorkflowInstance& instance) { ids.push_back(instance.id); });
        std::sort(ids.begin(), ids.end());
    } else {
        ids = find_named();
    }
    const EpochMs clock = context_.database.clock_ms();
    std::unordered_map<std::int64_t, std::vector<WaitingCommand>> waiting;
    for (WaitingCommand& command : commands_.for_workflows(ids)) {
        waiting[command.workflow_instance_id].push_back(command);
    }
    std::vector<std::int64_t> without;
    for (const std::int64_t id : ids) {
        const auto its = waiting.find(id);
        if (its == waiting.end()) {
            without.push_back(id);
        } else if (its->second.size() > 1) {
            with_several_.push_back(id);
            record_.skip(id, SkipReason::several_commands);
        } else if (is_unclaimed(its->second.front(), options_.unclaimed_after, clock)) {
            stuck[id] = {StuckInstance::Kind::unclaimed,
                         its->second.front().id,
                         {},
                         0,
                         WorkflowOutcome::left,
                         "unclaimed"};
        } else {
            record_.skip(id, SkipReason::command_pending);
        }
    }
    // Instances and commands were not read at one moment.
    for (const std::int64_t id : workflows_.in_failover_without_command(without)) {
        stuck[id] = {StuckInstance::Kind::no_command, 0,           {}, 0,
                     WorkflowOutcome::left,           "no_command"};
    }
    for (const std::int64_t id : without) {
        if (!stuck.contains(id)) record_.skip(id, SkipReason::state_changed);
    }
    read_rows();
}

void RequeueSelection::read_rows() {
    for (WorkflowInstance& row : workflows_.by_ids(record_.ids(), false))
        record_.at(row.id).row = std::move(row);
    std::erase_if(record_.stuck(), [&](const auto& one) {
        const bool changed = one.second.row.state != kFailover;
        if (changed) record_.skip(one.first, SkipReason::state_changed);
        return changed;
    });
}

void RequeueSelection::tell() {
    for (const std::int64_t id : unknown_) {
        context_.fail(ExitCode::needs_person, fmt::format("There is no workflow instance {} in {}.",
                                                          id, context_.database.endpoint()));
    }
    if (with_several_.empty()) return;
    context_.fail(ExitCode::needs_person,
                  fmt::format("{} workflows have more than one command in t_ds_command: the master "
                              "that takes a second one hangs, and the workflow with it. Delete all "
                              "but one of each before a master takes them. They are {}.",
                              with_several_.size(), some_ids(with_several_)));
}

std::vector<std::int64_t> RequeueSelection::find_named() {
    unknown_.insert(options_.ids.begin(), options_.ids.end());
    std::vector<std::int64_t> ids;
    const std::vector<std::int64_t> named(unknown_.begin(), unknown_.end());
    for (const WorkflowInstance& instance : workflows_.by_ids(named, false)) {
        unknown_.erase(instance.id);
        if (instance.state == kFailover) {
            ids.push_back(instance.id);
        } else {
            record_.skip(instance.id, SkipReason::not_in_failover);
        }
    }
    for (const std::int64_t id : unknown_) record_.skip(id, SkipReason::unknown);
    return ids;
}

void RequeueSelection::leave_out_duplicates() {
    auto found = TaskInstanceStore(context_.store()).with_duplicate_tasks(record_.ids());
    if (found.empty()) return;
    std::sort(found.begin(), found.end());
    for (const std::int64_t id : found) {
        record_.stuck().erase(id);
        record_.skip(id, SkipReason::duplicate_tasks);
    }
    context_.fail(
        ExitCode::needs_person,
        fmt::format("{} workflows have two valid rows (flag 1) of one task name, with which "
                    "recovery fails; they were not requeued: {}. Set flag to 0 in the row of "
                    "each pair in t_ds_task_instance that must not count, then requeue them.",
                    found.size(), some_ids(found)));
}

void RequeueSelection::choose_states() {
    const std::vector<std::int64_t> ids = record_.without_command();
    const auto lost = commands_.last_failed(ids);
    const auto signs = TaskInstanceStore(context_.store()).stop_signs(ids);
    std::vector<std::int64_t> guessed, overruled;
    for (const std::int64_t id : ids) {
        StuckInstance& one = record_.at(id);
        const auto command = lost.find(id);
        const auto sign = signs.find(id);
        const auto told = command == lost.end()
                              ? std::nullopt
                              : state_of_command_param(command->second.command_param);
        if (told) {
            set_state(one, *told, "as the lost command says");
            if (options_.as && *options_.as != *told) overruled.push_back(id);
        } else if (options_.as) {
            set_state(one, *options_.as, "as --as says");
        } else if (sign != signs.end() && sign->second.killed) {
            set_state(one, kReadyStop, "because a task of it was killed");
        } else if (sign != signs.end() && sign->second.paused) {
            set_state(one, kReadyPause, "because a task of it was paused");
        } else {
            set_state(one, kRunning, "because nothing tells another state");
            guessed.push_back(id);
        }
    }
    if (!overruled.empty()) {
        context_.warn(fmt::format(
            "--as was not used for {} workflows, whose lost command says another state: {}.",
            overruled.size(), some_ids(overruled)));
    }
    if (guessed.empty()) return;
    context_.warn(fmt::format(
        "Nothing tells in which state {} workflows were (no lost command, no task killed or "
        "paused): {} is taken, which goes on with workflows that were to be "
        "stopped or paused; --as says otherwise. They are {}.",
        guessed.size(), workflow_state_name(kRunning), some_ids(guessed)));
}

}  // namespace dsfailover
