#include "report/conclusion.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dsfailover {

namespace {

bool anything_done(const Report& report) {
    if (report.masters) {
        for (const MasterSection& master : *report.masters)
            if (master.outcome == Outcome::completed || master.workflows.done > 0) return true;
    }
    return (report.others && report.others->workflows.done > 0) ||
           (report.worker && report.worker->outcome == Outcome::completed) ||
           (report.marks && report.marks->removed > 0) ||
           (report.requeue && report.requeue->done > 0) ||
           (report.finish && report.finish->done > 0) || (report.rehost && report.rehost->done > 0);
}

bool anything_already_done(const Report& report) {
    return report.masters && std::any_of(report.masters->begin(), report.masters->end(),
                                         [](const MasterSection& master) {
                                             return master.outcome == Outcome::already_failed_over;
                                         });
}

// Commands that show something, or make a sandbox, have done their work where nothing went wrong.
bool has_shown(const Report& report) {
    const bool listed =
        report.command == "list-marks" && report.marks && report.marks->examined > 0;
    return report.status || report.explained || report.sandbox || report.settings || listed ||
           report.command == "sandbox create";
}

Outcome outcome_without_problems(const Report& report) {
    if (report.dry_run) return Outcome::planned;
    if (has_shown(report) || anything_done(report)) return Outcome::completed;
    return anything_already_done(report) ? Outcome::already_failed_over : Outcome::nothing_to_do;
}

// Of a run that came to its end.
Outcome outcome_with_problems(const Report& report) {
    if (report.status) return Outcome::failed;
    if (report.requeue) return report.dry_run ? Outcome::planned : Outcome::partial;
    if (report.finish && report.dry_run) return Outcome::planned;
    const bool done = anything_done(report);
    switch (report.exit_code) {
        case ExitCode::needs_person:
            return report.dry_run ? Outcome::planned : Outcome::partial;
        case ExitCode::refused:
            return done ? Outcome::partial : Outcome::refused;
        case ExitCode::lock_unavailable:
            return done ? Outcome::partial : Outcome::failed;
        default:
            return Outcome::failed;
    }
}

Outcome outcome_of(const Report& report) {
    for (const Problem& problem : report.problems) {
        if (problem.code == ExitCode::interrupted || problem.code == ExitCode::terminated)
            return Outcome::interrupted;
    }
    for (const Problem& problem : report.problems) {
        if (problem.ended_run)
            return problem.code == ExitCode::refused ? Outcome::refused : Outcome::failed;
    }
    return report.problems.empty() ? outcome_without_problems(report)
                                   : outcome_with_problems(report);
}

}  // namespace

ExitCode more_urgent(ExitCode a, ExitCode b) {
    static constexpr std::array kOrder = {ExitCode::interrupted,  ExitCode::terminated,
                                          ExitCode::usage,        ExitCode::environment,
                                          ExitCode::failed,       ExitCode::lock_unavailable,
                                          ExitCode::refused,      ExitCode::needs_person,
                                          ExitCode::check_failed, ExitCode::done};
    if (a == ExitCode::terminated && b == ExitCode::interrupted) return a;
    const auto place = [](ExitCode of) { return std::find(kOrder.begin(), kOrder.end(), of); };
    return place(b) < place(a) ? b : a;
}

void add_end(Report& report, ExitCode code, std::string why, bool wrote) {
    if (code == ExitCode::environment && wrote) code = ExitCode::failed;
    report.problems.push_back({code, std::move(why), true});
}

void conclude(Report& report) {
    ExitCode code = report.check_failed ? ExitCode::check_failed : ExitCode::done;
    for (const Problem& problem : report.problems) code = more_urgent(code, problem.code);
    report.exit_code = code;
    report.outcome = outcome_of(report);
}

bool plans_anything(const Report& report) {
    if (!report.dry_run) return false;
    const auto selects = [](const auto& section) { return section && section->selected > 0; };
    if (selects(report.worker) || selects(report.requeue) || selects(report.finish) ||
        selects(report.rehost) || (report.marks && report.marks->removed > 0) ||
        (report.others && report.others->workflows.selected > 0))
        return true;
    // A mark alone fences an exact process.
    return report.masters && std::ranges::any_of(*report.masters, [](const MasterSection& each) {
               return each.workflows.selected > 0 || (each.mark && each.mark->value);
           });
}

}  // namespace dsfailover
