#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/conclusion.h"
#include "report/table/pages.h"

namespace dsfailover {
namespace {

constexpr std::size_t kNamed = 10;  // ids in a command line

// Those that wait for a person, or for a later run.
constexpr std::array kDoubtful = {SkipReason::in_doubt, SkipReason::settling, SkipReason::held_idle,
                                  SkipReason::child_running, SkipReason::command_pending};

/// Calls `use` with the workflows of each section of a failover.
template <typename Use>
void for_each_section(const Report& report, Use use) {
    if (report.masters)
        for (const MasterSection& each : *report.masters) use(each.workflows);
    if (report.others) use(report.others->workflows);
}

struct Totals {
    std::int64_t selected = 0, done = 0;
    std::map<SkipReason, std::int64_t> skipped;
};

void add(Totals& totals, const WorkflowsSection& workflows) {
    totals.selected += workflows.selected;
    totals.done += workflows.done;
    for (const auto& [reason, count] : workflows.skipped) totals.skipped[reason] += count;
}

std::string failed_over(const Report& report) {
    Totals totals;
    for_each_section(report, [&](const WorkflowsSection& each) { add(totals, each); });
    std::string text = report.dry_run
                           ? fmt::format("{} to fail over", counted(totals.selected, "workflow"))
                           : fmt::format("{} of {} failed over", totals.done,
                                         counted(totals.selected, "workflow"));
    if (!totals.skipped.empty()) text += ", skipped: " + counts(totals.skipped);
    return text;
}

std::string checks_of(const StatusSection& status) {
    std::string failing;
    std::int64_t count = 0;
    bool others = false;
    for (const CheckItem& check : status.checks) {
        others = others || (!check.ok && !check.counts);
        if (check.ok || !check.counts) continue;
        failing += (count++ == 0 ? "" : ", ") + std::string(to_string(check.name));
    }
    if (status.checks.empty()) return {};
    return count == 0
               ? (others ? "every check that counts passes" : "every check passes")
               : fmt::format("{}: {}", counted(count, "check fails", "checks fail"), failing);
}

template <typename Section>
std::string workflows_of(const Section& section, std::string_view done_name, bool dry_run) {
    if (dry_run) return counted(section.selected, "workflow") + " selected";
    return fmt::format("{} of {} {}", section.done, counted(section.selected, "workflow"),
                       done_name);
}

bool is_doubtful(const WorkflowItem& item) {
    return item.outcome == WorkflowOutcome::skipped &&
           std::ranges::any_of(kDoubtful,
                               [&](SkipReason reason) { return item.reason == to_string(reason); });
}

std::string command_line(std::string_view command, std::vector<std::int64_t> ids) {
    std::ranges::sort(ids);
    if (ids.size() > kNamed) ids.resize(kNamed);
    return fmt::format("dsfailover {} {}", command, fmt::join(ids, " "));
}

void add_after_failover(const Report& report, std::vector<std::string>& steps) {
    std::vector<std::int64_t> doubtful;
    Totals totals;
    for_each_section(report, [&](const WorkflowsSection& each) {
        add(totals, each);
        for (const WorkflowItem& item : each.items.kept())
            if (is_doubtful(item)) doubtful.push_back(item.id);
    });
    if (!doubtful.empty()) steps.push_back(command_line("explain", doubtful));
    const bool followed =
        report.masters && std::ranges::any_of(*report.masters, [](const MasterSection& each) {
            return each.recovery.has_value();
        });
    if (totals.done > 0 && !followed) steps.emplace_back("dsfailover status --check");
}

}  // namespace

std::string summary_of(const Report& report) {
    if (report.status) return checks_of(*report.status);
    if (report.requeue) return workflows_of(*report.requeue, "requeued", report.dry_run);
    if (report.finish) return workflows_of(*report.finish, "finished", report.dry_run);
    if (report.rehost) return workflows_of(*report.rehost, "rehosted", report.dry_run);
    if (report.worker)
        return fmt::format("{}, {}", counted(report.worker->selected, "task"),
                           report.worker->routes.empty() ? "nothing to do for them"
                                                         : counts(report.worker->routes));
    if (report.masters && !report.masters->empty()) return failed_over(report);
    if (report.marks && report.command == "clean-marks")
        return fmt::format("{} of {} {}", report.marks->removed,
                           counted(report.marks->examined, "mark"),
                           report.dry_run ? "to be removed" : "removed");
    return {};
}

std::vector<std::string> next_steps(const Report& report) {
    std::vector<std::string> steps;
    if (plans_anything(report)) steps.emplace_back("the same command without --dry-run");
    if (report.status)
        for (const CheckItem& check : report.status->checks)
            if (!check.ok && check.counts && check.hint && check.hint->starts_with("dsfailover ") &&
                std::ranges::find(steps, *check.hint) == steps.end())
                steps.push_back(*check.hint);
    add_after_failover(report, steps);
    if (report.requeue && report.requeue->done > 0 && !report.recovery)
        steps.emplace_back("dsfailover status --check");
    return steps;
}

}  // namespace dsfailover
