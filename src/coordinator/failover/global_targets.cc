#include "coordinator/failover/global_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/plural.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/one_cluster.h"
#include "coordinator/failover/selection.h"
#include "coordinator/report_names.h"

namespace dsfailover {

namespace {

void report_untouched(const RunContext& context, const FirstLook& look, const std::string& address,
                      const AddressSelection& found, WorkflowsSection&& workflows) {
    MasterSection& section = context.report.masters->emplace_back();
    section.address = address;
    section.workflows = std::move(workflows);
    std::vector<WorkflowItem*> items;
    for (WorkflowItem& item : section.workflows.items.kept()) items.push_back(&item);
    add_workflow_names(context, std::move(items));
    for (const auto& [verdict, count] : found.skipped) {
        section.workflows.skipped[skip_reason(verdict)] = count;
    }
    const Server* living = look.servers.master(address);
    if (living) {
        section.alive = true;
        section.startup_time = living->startup_time;
    }
    if (living && !living->startup_time) {
        section.outcome = Outcome::refused;
        context.fail(
            ExitCode::needs_person,
            fmt::format("{}: {} is registered, and {}: it counts as alive, its workflows are left "
                        "to it.",
                        context.registry.endpoint(), address, living->problem));
    } else {
        section.deadline = found.facts.deadline;
        section.outcome = Outcome::nothing_to_do;
        report_doubts(context, address, section.workflows.skipped, found.settles_at);
    }
}

}  // namespace

std::vector<FailoverTarget> find_global_targets(const RunContext& context, const FirstLook& look,
                                                std::optional<EpochMs> event_time,
                                                const FailoverOptions& options) {
    // By default when it was seen who lives.
    const EpochMs deadline = event_time.value_or(std::max(look.at, look.activity.clock));
    SelectionRequest request = look.request(deadline, event_time.has_value());
    request.all_hosts = true;
    request.in_doubt = options.in_doubt;
    using Asking = SelectionRequest::Asking;
    request.asking = options.dry_run ? Asking::once : Asking::who_holds;
    std::map<std::string, WorkflowsSection> skipped;
    const Selection selection =
        read_selection(context, look.servers, request,
                       [&](const std::string& address, const SkippedWorkflow& workflow) {
                           skipped.try_emplace(address, options.items)
                               .first->second.items.add(skipped_item(workflow));
                       });
    warn_of_the_whole(context, look.servers, selection);
    report_odd_hosts(context, selection);

    std::vector<FailoverTarget> targets;
    for (const auto& [address, found] : selection.addresses) {
        const Server* living = look.servers.master(address);
        const bool unreadable = living && !living->startup_time && found.total > 0;
        const bool impossible = found.impossible > 0 && !event_time;
        const bool unread = found.total > 0 && !found.stamps.problem.empty();
        if (found.selectable > 0 || found.open_questions > 0 || impossible || unread) {
            targets.push_back({address, std::nullopt, std::nullopt});
        } else if (unreadable || found.doubtful() > 0 ||
                   found.skipped.contains(Verdict::command_pending)) {
            report_untouched(context, look, address, found,
                             std::move(skipped.try_emplace(address, options.items).first->second));
        }
    }
    // Otherwise the failover itself asks.
    if (targets.empty()) activity_lags(context, look.servers, look.activity);
    return targets;
}

void report_odd_hosts(const RunContext& context, const Selection& selection) {
    if (selection.odd_hosts.empty()) return;
    context.fail(
        ExitCode::needs_person,
        fmt::format("Unfinished workflows have {} not HOST:PORT, see the warnings: nothing fails "
                    "them over.",
                    counted(std::ssize(selection.odd_hosts), "host that is", "hosts that are")));
}

void warn_of_the_whole(const RunContext& context, const Servers& servers,
                       const Selection& selection) {
    if (selection.ownerless > 0) {
        context.warn(fmt::format(
            "{} no host, and global leaves that to failover-workflow.",
            counted(selection.ownerless, "unfinished workflow has", "unfinished workflows have")));
    }
    for (const std::string& host : selection.odd_hosts) {
        context.warn(
            fmt::format("Unfinished workflows have the host \"{}\", which is not HOST:PORT; they "
                        "are left alone.",
                        host));
    }
    std::int64_t unfinished = selection.ownerless;
    for (const auto& [address, found] : selection.addresses) unfinished += found.total;
    if (unfinished > 0) warn_if_two_clusters(context, servers, selection);
}

}  // namespace dsfailover
