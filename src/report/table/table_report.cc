#include <fmt/format.h>

#include "report/print_report.h"
#include "report/table/pages.h"

namespace dsfailover {
namespace {

Tone tone_of_end(ExitCode code) {
    switch (code) {
        case ExitCode::done:
            return Tone::good;
        case ExitCode::needs_person:
        case ExitCode::check_failed:
        case ExitCode::interrupted:
        case ExitCode::terminated:
            return Tone::caution;
        default:
            return Tone::bad;
    }
}

void print_conclusion(Page& page, const Report& report) {
    std::string subject = report.command;
    if (report.event && report.event->address) subject += ' ' + *report.event->address;
    const Tone tone = tone_of_end(report.exit_code);
    page.line(fmt::format("{}: {}{}, exit status {}, {}", subject, to_string(report.outcome),
                          report.dry_run ? " (dry run, nothing was written)" : "",
                          static_cast<int>(report.exit_code),
                          span(report.finished_at - report.started_at)),
              tone);
    const std::string summary = summary_of(report);
    if (!summary.empty()) page.line(summary, tone);
    for (const Problem& problem : report.problems) page.named("ERROR", problem.text, Tone::bad);
    for (const std::string& warning : report.warnings)
        page.named("WARNING", warning, Tone::caution);
}

void print_places(Page& page, const Report& report) {
    if (report.registry) {
        const RegistryInfo& registry = *report.registry;
        page.fact("registry",
                  fmt::format("{} {}{}{}", registry.type, registry.endpoint,
                              registry.name_space.empty() ? "" : " ", registry.name_space));
    }
    if (report.database)
        page.fact("database",
                  fmt::format("{}{}", report.database->endpoint,
                              report.database->schema_version
                                  ? " (DolphinScheduler " + *report.database->schema_version + ")"
                                  : ""));
    if (report.event) page.fact("event time", page.exact(report.event->event_time));
}

void print_next(Page& page, const Report& report) {
    const std::vector<std::string> steps = next_steps(report);
    if (steps.empty()) return;
    page.blank();
    for (const std::string& step : steps) page.named("next", step, Tone::heading);
}

}  // namespace

void print_table_report(const Report& report, const Screen& screen, std::ostream& out) {
    Page page(out, screen, report.finished_at);
    print_conclusion(page, report);
    print_places(page, report);
    print_failovers(page, report);
    if (report.marks) print_marks(page, *report.marks);
    print_workflows(page, report);
    if (report.status) print_status(page, *report.status);
    if (report.explained) print_explained(page, *report.explained);
    print_answers(page, report);
    if (report.sandbox) print_sandbox(page, *report.sandbox);
    if (report.settings) print_settings(page, *report.settings);
    print_next(page, report);
}

}  // namespace dsfailover
