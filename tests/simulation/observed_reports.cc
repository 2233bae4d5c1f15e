// What a run said of itself, in its report and its audit log, against what it did.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "simulation/observer.h"

namespace dsfailover {

namespace {

// Other commands than rehost write a host with the rest, and say so beside it.
std::set<std::int64_t> changed_by(const ObservedRun& run, bool rehosts) {
    std::set<std::int64_t> all = run.given;
    all.insert(run.finished.begin(), run.finished.end());
    if (rehosts) all.insert(run.rehosted.begin(), run.rehosted.end());
    return all;
}

std::set<std::int64_t> workflows_in(const std::string& audit_log, bool rehosts) {
    std::set<std::int64_t> all;
    std::ifstream lines(audit_log);
    for (std::string line; std::getline(lines, line);) {
        const auto entry = nlohmann::json::parse(line);
        if (entry.value("kind", "") == "workflow" &&
            (rehosts || entry.value("action", "") != "rehosted"))
            all.insert(entry.value("id", 0));
    }
    return all;
}

}  // namespace

// The audit log of a run that was killed says what was done. Excused: its last commit, of which it
// had not written yet, and commits without an answer, if it was killed before it knew.
void Observer::run_killed(const ObservedRun& run, const std::string& audit_log) {
    const bool rehosts = run.command.starts_with("rehost");
    const std::set<std::int64_t> did = changed_by(run, rehosts);
    const std::set<std::int64_t> audited = workflows_in(audit_log, rehosts);
    std::set<std::int64_t> missing;
    for (const std::int64_t id : did)
        if (!audited.contains(id) && !run.in_commit.contains(id) && !run.unanswered.contains(id))
            missing.insert(id);
    if (missing.empty() && std::includes(did.begin(), did.end(), audited.begin(), audited.end()))
        return;
    violated("audit log of a killed run",
             fmt::format("says {}, did {}", fmt::join(audited, " "), fmt::join(did, " ")));
}

// Report and audit log say what was done. Excused: what was in a commit without an answer, where
// the report says that it does not know, or a master has written over the stamp since, by which it
// would be known again.
void Observer::run_ended(ObservedRun& run, const TestRun& said, const std::string& audit_log) {
    run.ended = true;
    for (const Problem& problem : said.report.problems) scheduler_.tell("  " + problem.text);
    scheduler_.tell(fmt::format("{} ended: {} {}", run.command, said.outcome(), said.exit_code()));
    std::set<std::int64_t> listed, told, unknown;
    const auto take = [&](const auto& items) {
        for (const auto& item : items.kept()) {
            listed.insert(item.id);
            switch (item.outcome) {
                case WorkflowOutcome::failed_over:
                case WorkflowOutcome::requeued:
                case WorkflowOutcome::finished:
                case WorkflowOutcome::rehosted:
                    told.insert(item.id);
                    break;
                case WorkflowOutcome::unknown:
                    unknown.insert(item.id);
                    break;
                default:
                    break;
            }
        }
    };
    const Report& report = said.report;
    if (report.masters)
        for (const MasterSection& section : *report.masters) take(section.workflows.items);
    if (report.others) take(report.others->workflows.items);
    if (report.requeue) take(report.requeue->items);
    if (report.finish) take(report.finish->items);
    if (report.rehost) take(report.rehost->items);
    std::set<std::int64_t> did = changed_by(run, report.rehost.has_value());
    std::set<std::int64_t> audited = workflows_in(audit_log, report.rehost.has_value());
    for (const auto& [id, restart_time] : run.unanswered)
        if (before_.workflows.at(id).restart_time != restart_time) unknown.insert(id);
    for (const std::int64_t id : unknown) {
        told.erase(id);
        did.erase(id);
        audited.erase(id);
    }
    for (const std::int64_t id : run.left_behind)
        if (!listed.contains(id))
            violated("marked too early", fmt::format("workflow {} was left, and not a word", id));
    const auto compare = [&](const std::string& what, const std::set<std::int64_t>& its) {
        if (its != did)
            violated(what,
                     fmt::format("says {}, did {}", fmt::join(its, " "), fmt::join(did, " ")));
    };
    if (report.explained)
        for (const ExplainedWorkflow& each : report.explained->kept()) judge_explained(run, each);
    compare("report", told);
    compare("audit log", audited);
}

// What explain says of a workflow that nobody touched meanwhile is true. Excused, where the masters
// did not answer, is what they alone know (judge_held).
void Observer::judge_explained(const ObservedRun& run, const ExplainedWorkflow& said) {
    const auto touched = touched_.find(said.id);
    if (touched != touched_.end() && touched->second >= run.began) return;
    const auto wrong = [&](const std::string& truth) {
        violated("explained wrongly",
                 fmt::format("workflow {} is {}, {}, held by {}; {}", said.id, said.verdict,
                             said.answer, said.held_by.value_or("nobody"), truth));
    };
    const bool is_free = said.verdict == "selected" || said.verdict == "lost" ||
                         said.verdict == "stuck" || said.verdict == "ownerless";
    const std::size_t commands = before_.commands_of(said.id);
    if (is_free && commands > 0) wrong(fmt::format("it has {} commands", commands));
    if (said.verdict == "command_pending" && commands == 0) wrong("it has no command");
    if (said.held_by && said.answer != "held_by_two" &&
        std::none_of(cluster_->masters().begin(), cluster_->masters().end(), [&](const auto& each) {
            return each.address == said.held_by && each.model->held().contains(said.id);
        }))
        wrong("that master does not");
    for (const MasterProcess* holder : cluster_->holders(said.id)) {
        if (!cluster_->is_registered(*holder, run.saw)) continue;
        const bool answers =
            run.asks && holder->mute_until < run.began && !faults_.fate(run.name).any;
        const bool unknown = unmarked_.contains(said.id) || double_runs_.contains(said.id);
        if ((is_free && !(unknown && !answers)) || said.answer == "not_held")
            wrong(fmt::format("{} holds it", holder->name));
    }
}

}  // namespace dsfailover
