#include "coordinator/failover/named_workflows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/address.h"
#include "coordinator/asking/asked_in_report.h"
#include "coordinator/failover/hostless_failover.h"
#include "coordinator/failover/master_failover.h"
#include "coordinator/report_names.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

// What a living host has, or may have, is its own.
bool is_held_or_unanswered(const WorkflowItem& item) {
    return item.held_by || item.reason == to_string(SkipReason::unanswered);
}

std::string why_left(const RunContext& context, const WorkflowItem& item) {
    std::string reason = item.reason.value_or("");
    const auto is = [&](SkipReason named) { return reason == to_string(named); };
    if (item.held_by) return fmt::format("{} holds it", *item.held_by);
    if (is(SkipReason::unanswered) && !context.servers)
        return "its host lives, and the masters were not asked";
    if (is(SkipReason::unanswered))
        return fmt::format("not every living master said whether it holds it: {}",
                           why_unanswered(context.report));
    if (is(SkipReason::not_unfinished)) return fmt::format("its state is {}", *item.previous_state);
    if (is(SkipReason::in_failover))
        return "it is in state FAILOVER: a master takes its command, or, if it has none, see "
               "requeue";
    if (is(SkipReason::unknown)) return "there is no such workflow instance";
    if (is(SkipReason::no_master)) return "it has no host, and no master lives to become it";
    if (is(SkipReason::in_doubt))
        return "it is in doubt: another master may be running it (see explain)";
    if (is(SkipReason::odd_hosts)) return "its host is not HOST:PORT (see explain)";
    if (is(SkipReason::command_pending)) return "a command for it waits in t_ds_command";
    if (is(SkipReason::child_running))
        return "its child runs, and its recovery would send that a second command";
    if (is(SkipReason::by_parent))
        return "its parent, which a person resumed, gives it its command once it is recovered";
    if (is(SkipReason::state_changed)) return "it changed while we looked";
    if (is(SkipReason::settling))
        return "it moved too recently to tell whether it goes on: look again in some minutes";
    return reason;
}

}  // namespace

NamedWorkflows::NamedWorkflows(const RunContext& context, const FailoverOptions& options,
                               FirstLook look)
    : context_(context), options_(options), items_(options.items), look_(std::move(look)) {}

void NamedWorkflows::fail_over(const std::set<std::int64_t>& ids) {
    // Of each that is left it is said why, however short the lists are.
    options_.items = std::max(items_, ids.size());
    context_.report.others.emplace().workflows = WorkflowsSection(options_.items);
    try {
        sort(ids);
        work();
        say_what_was_left();
    } catch (...) {
        finish();
        throw;
    }
    finish();
}

void NamedWorkflows::sort(const std::set<std::int64_t>& ids) {
    std::set<std::int64_t> unknown = ids;
    std::map<std::string, std::set<std::int64_t>> by_host;
    const std::vector<std::int64_t> all(ids.begin(), ids.end());
    for (WorkflowInstance& row : WorkflowInstanceStore(context_.store()).by_ids(all, false)) {
        unknown.erase(row.id);
        if (row.state == workflow_state::kFailover)
            skip(row.id, row.state, SkipReason::in_failover);
        else if (!is_unfinished(row.state))
            skip(row.id, row.state, SkipReason::not_unfinished);
        else if (row.host.value_or("").empty())
            hostless_.push_back(std::move(row));
        else if (!is_address(*row.host))
            skip(row.id, row.state, SkipReason::odd_hosts);
        else
            by_host[*row.host].insert(row.id);
    }
    for (const std::int64_t id : unknown) {
        WorkflowItem item;
        item.id = id;
        item.reason = to_string(SkipReason::unknown);
        ++context_.report.others->workflows.skipped[SkipReason::unknown];
        context_.report.others->workflows.items.add(std::move(item));
    }
    for (auto& [host, those] : by_host)
        targets_.push_back({host, std::nullopt, std::nullopt, nullptr, std::move(those)});
}

void NamedWorkflows::skip(std::int64_t id, int state, SkipReason reason) {
    WorkflowItem item = workflow_item(id, state, WorkflowOutcome::skipped);
    item.reason = to_string(reason);
    ++context_.report.others->workflows.skipped[reason];
    context_.report.others->workflows.items.add(std::move(item));
}

void NamedWorkflows::work() {
    HostlessFailover hostless(context_, options_, look_);
    MasterFailover masters(context_, options_, look_);
    if (!targets_.empty()) masters.run(targets_, std::nullopt, false);
    if (!hostless_.empty()) hostless.run(std::move(hostless_));
    const EpochMs until = now_ms() + options_.wait.value_or(Millis(0)).count();
    masters.wait_for_recovery(until);
    hostless.wait_for_recovery(until);
}

void NamedWorkflows::finish() {
    OthersSection& others = *context_.report.others;
    std::vector<WorkflowItem*> items;
    for (WorkflowItem& item : others.workflows.items.kept()) items.push_back(&item);
    add_workflow_names(context_, std::move(items));
    others.workflows.items.shorten(items_);
    for (MasterSection& section : *context_.report.masters) section.workflows.items.shorten(items_);
}

void NamedWorkflows::say_what_was_left() {
    for (const FailoverTarget& target : targets_) {
        for (MasterSection& section : *context_.report.masters)
            if (section.address == target.address) say_what_was_left(section, target);
    }
    for (const WorkflowItem& item : context_.report.others->workflows.items.kept())
        if (item.outcome == WorkflowOutcome::skipped) say_left(item, false);
}

// Where the whole host was refused, or its lock could not be acquired, that is said already.
void NamedWorkflows::say_what_was_left(MasterSection& section, const FailoverTarget& target) {
    if (section.outcome == Outcome::refused || section.outcome == Outcome::failed) return;
    std::set<std::int64_t> unseen = *target.only;
    bool any_refused = false;
    for (const WorkflowItem& item : section.workflows.items.kept()) {
        unseen.erase(item.id);
        if (item.outcome != WorkflowOutcome::skipped) continue;
        const bool refused = section.alive && is_held_or_unanswered(item);
        any_refused = any_refused || refused;
        say_left(item, refused);
    }
    // What is left is told of by the failover.
    if (section.workflows.left > 0) unseen.clear();
    for (const std::int64_t id : unseen) {
        WorkflowItem item;
        item.id = id;
        item.reason = to_string(SkipReason::state_changed);
        ++section.workflows.skipped[SkipReason::state_changed];
        say_left(item, false);
        section.workflows.items.add(std::move(item));
    }
    if (any_refused)
        section.outcome = section.workflows.done > 0 ? Outcome::partial : Outcome::refused;
}

void NamedWorkflows::say_left(const WorkflowItem& item, bool refused) {
    context_.fail(refused ? ExitCode::refused : ExitCode::needs_person,
                  fmt::format("Nothing was done about workflow instance {}: {}.", item.id,
                              why_left(context_, item)));
}

}  // namespace dsfailover
