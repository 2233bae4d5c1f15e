#include "coordinator/status/unfinished_workflows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"
#include "base/plural.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/global_targets.h"
#include "coordinator/failover/one_cluster.h"
#include "coordinator/report_names.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

constexpr std::size_t kPage = 1000;

std::int64_t count_of(const AddressSelection& found, Verdict verdict) {
    const auto count = found.skipped.find(verdict);
    return count == found.skipped.end() ? 0 : count->second;
}

// Later releases: a workflow that was recovered got a restart_time of its own.
bool was_started_again(const WorkflowInstance& instance) {
    return instance.restart_time &&
           (!instance.start_time || instance.restart_time->text != instance.start_time->text);
}

}  // namespace

UnfinishedWorkflows::UnfinishedWorkflows(const RunContext& context, const Servers& servers,
                                         const std::unordered_set<std::int64_t>& with_command,
                                         StatusSection& status, StatusFindings& found)
    : context_(context),
      servers_(servers),
      with_command_(with_command),
      status_(status),
      found_(found) {}

void UnfinishedWorkflows::read(CommandWatch& watch) {
    SelectionRequest request;
    request.all_hosts = true;
    request.event_time = clock_ = latest_clock(context_.database);
    request.run_began = now_ms();
    request.watch = &watch;
    request.each = [&](const WorkflowInstance& instance) { note(instance); };
    try {
        Selection selection =
            read_selection(context_, servers_, request,
                           [&](const std::string& address, const SkippedWorkflow& skipped) {
                               note_skipped(address, skipped);
                           });
        conclude(selection);
    } catch (const EnvironmentError& error) {
        context_.fail(error.exit_code(), error.what());
        // Of each by itself something can be told all the same.
        seen_.clear();
        status_.ownerless_items = Items<OwnerlessWorkflow>(status_.ownerless_items.limit());
        status_.serial_wait = SerialWait();
        WorkflowInstanceStore(context_.store()).scan_states(kNotEndedStates, request.each);
    }
    for (const int state : kNotEndedStates)
        status_.totals.workflows.emplace(workflow_state_name(state), 0);
    std::sort(seen_.begin(), seen_.end(),
              [](const SeenWorkflow& a, const SeenWorkflow& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        SeenWorkflow& seen = seen_[i];
        index_.emplace(seen.id, i);
        ++status_.totals.workflows[std::string(workflow_state_name(seen.state))];
        seen.doubtful = doubtful_.contains(seen.id);
        seen.recovered = recovered_.contains(seen.id);
    }
}

SeenWorkflow* UnfinishedWorkflows::find(std::int64_t id) {
    const auto found = index_.find(id);
    return found == index_.end() ? nullptr : &seen_[found->second];
}

std::vector<std::int64_t> UnfinishedWorkflows::at_masters() const {
    std::vector<std::int64_t> ids;
    for (const SeenWorkflow& seen : seen_)
        if (is_unfinished(seen.state) || seen.state == kFailover) ids.push_back(seen.id);
    return ids;
}

void UnfinishedWorkflows::note(const WorkflowInstance& instance) {
    SeenWorkflow seen;
    seen.id = instance.id;
    seen.state = instance.state;
    seen.command_waits = with_command_.contains(instance.id);
    if (const auto& start = instance.last_start()) seen.since = start->epoch_ms();
    const bool at_master = is_unfinished(instance.state) || instance.state == kFailover;
    if (at_master && instance.host && is_address(*instance.host))
        seen.host = &*hosts_.insert(*instance.host).first;
    seen_.push_back(seen);
    if (is_unfinished(instance.state) && (!instance.host || instance.host->empty()))
        status_.ownerless_items.add(
            {instance.id, std::nullopt, std::string(workflow_state_name(instance.state))});
    else if (is_unfinished(instance.state) && !seen.host)
        found_.with_odd_host.push_back(instance.id);
    if (instance.state != kSerialWait) return;
    SerialWait& serial = status_.serial_wait;
    ++serial.count;
    if (seen.since)
        serial.oldest_start_time =
            std::min(serial.oldest_start_time.value_or(*seen.since), *seen.since);
}

void UnfinishedWorkflows::note_skipped(const std::string& address, const SkippedWorkflow& skipped) {
    const WorkflowInstance& instance = skipped.instance;
    const Verdict verdict = skipped.verdict;
    CheckItem& clocks = found_.clocks;
    if (std::string ahead = start_ahead(instance, clock_); clocks.ok && !ahead.empty())
        clocks = {clocks.name, false, std::move(ahead), "check --time-zone"};
    const bool in_doubt = verdict == Verdict::in_doubt || verdict == Verdict::settling ||
                          verdict == Verdict::command_pending;
    const bool uncertain = in_doubt || verdict == Verdict::running_elsewhere;
    if (in_doubt) found_.in_doubt.push_back(instance.id);
    if (uncertain) {
        restartable_.push_back(instance.id);
        status_.uncertain.add({instance.id, std::nullopt, address,
                               std::string(to_string(skip_reason(verdict))),
                               skipped.last_task_activity});
    }
    // As failover-worker, which takes these for another master's.
    if (verdict == Verdict::in_doubt || verdict == Verdict::settling ||
        verdict == Verdict::running_elsewhere || verdict == Verdict::done_before)
        doubtful_.insert(instance.id);
    const bool started_again =
        !context_.schema.recovery_leaves_host() && was_started_again(instance);
    if (uncertain || verdict == Verdict::done_before || started_again)
        recovered_.insert(instance.id);
}

void UnfinishedWorkflows::note_address(const std::string& address, AddressSelection& found) {
    const std::int64_t in_doubt = count_of(found, Verdict::in_doubt) +
                                  count_of(found, Verdict::settling) +
                                  count_of(found, Verdict::command_pending);
    const std::int64_t elsewhere = count_of(found, Verdict::running_elsewhere);
    if (found.selectable > 0 || in_doubt > 0 || elsewhere > 0 || found.impossible > 0) {
        status_.needs_failover.add({address, found.facts.lives, found.selectable, in_doubt,
                                    elsewhere, found.oldest_start});
    }
    StatusTotals& totals = status_.totals;
    totals.to_fail_over += found.selectable;
    totals.in_doubt += in_doubt;
    totals.running_elsewhere += elsewhere;
    if (found.selectable > 0 && found.oldest_start)
        totals.oldest_to_fail_over =
            std::min(totals.oldest_to_fail_over.value_or(*found.oldest_start), *found.oldest_start);
    const Server* living = servers_.master(address);
    const bool unreadable = living && !living->startup_time && found.total > 0;
    // As global, which says so with exit status 3 at least.
    if (found.selectable > 0 || found.impossible > 0 || unreadable)
        found_.to_fail_over.push_back(address);
    if (found.impossible > 0) {
        context_.warn(fmt::format(
            "{} of {}, which is gone, {} a start time that still lies ahead: a wrong --time-zone "
            "or clock. global would leave {}.",
            counted(found.impossible, "workflow"), address, found.impossible == 1 ? "has" : "have",
            found.impossible == 1 ? "it" : "them"));
    }
    for_pages(found.selected, kPage, address, [&](const auto& page) {
        for (const WorkflowInstance& instance : page) restartable_.push_back(instance.id);
    });
}

void UnfinishedWorkflows::conclude(Selection& selection) {
    warn_of_the_whole(context_, servers_, selection);
    const bool any = std::any_of(selection.addresses.begin(), selection.addresses.end(),
                                 [](const auto& entry) { return entry.second.total > 0; });
    if (servers_.masters.empty() && (any || selection.ownerless > 0)) warn_of_no_master(context_);
    found_.odd_hosts = std::move(selection.odd_hosts);
    for (auto& [address, found] : selection.addresses) note_address(address, found);
    status_.totals.hosts_to_fail_over = std::ssize(found_.to_fail_over);
}

}  // namespace dsfailover
