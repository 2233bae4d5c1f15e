#include "cli/printing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "base/terminal.h"
#include "base/terminal_text.h"
#include "cli/options.h"
#include "report/conclusion.h"
#include "report/print_report.h"

namespace dsfailover {
namespace {

constexpr std::string_view kClearTerminal = "\x1b[H\x1b[2J";

bool is_in_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

/// Whether what is printed on the descriptor is to have colours.
bool colours(const OptionValues& options, int descriptor) {
    const std::string wanted = choice_option(options, "color").value_or("auto");
    if (wanted != "auto") return wanted == "always";
    const char* terminal = std::getenv("TERM");
    return is_terminal(descriptor) && !is_in_environment("NO_COLOR") &&
           (terminal == nullptr || std::string_view(terminal) != "dumb");
}

/// Throws Error(failed) if nobody gets the report.
void deliver(const Report& report, const Printing& printing) {
    if (printing.file)
        return printing.file->replace([&](std::ostream& out) {
            print_report(report, printing.format, out, printing.screen);
        });
    print_report(report, printing.format, std::cout, printing.screen);
    std::cout.flush();
    if (!std::cout) throw Error(ExitCode::failed, "the report could not be written to stdout");
}

}  // namespace

Printing default_printing() {
    Printing printing;
    printing.format = is_terminal(STDOUT_FILENO) ? "table" : "json";
    printing.one_terminal =
        printing.format == "table" && are_one_terminal(STDOUT_FILENO, STDERR_FILENO);
    printing.screen.width = terminal_width();
    return printing;
}

void set_up_printing(Printing& printing, const Command& command, const OptionValues& options) {
    if (const OptionValue* output = find(options, "output")) {
        printing.file.emplace(output->value, named("output", *output));
        printing.format = "json";
    }
    const std::string format = choice_option(options, "format", command.name).value_or("auto");
    if (format != "auto") printing.format = format;
    printing.one_terminal = printing.one_terminal && printing.format == "table" && !printing.file;
    printing.screen.colour = colours(options, STDOUT_FILENO) && !printing.file;
    printing.screen.utc = is_set(options, "utc");
}

void set_up_log(const OptionValues& options) {
    const std::string level = choice_option(options, "log-level").value_or("info");
    set_up_logging({.level = is_set(options, "quiet") ? "error" : level,
                    .progress = !is_set(options, "no-progress"),
                    .terminal = is_terminal(STDERR_FILENO),
                    .colour = colours(options, STDERR_FILENO)});
}

void say(std::string_view kind, std::string_view message) {
    clear_progress();
    // Several lines are ours; controls may be the database's.
    std::string shown;
    for (std::size_t at = 0; at <= message.size();) {
        const std::size_t end = std::min(message.find('\n', at), message.size());
        if (at > 0) shown += '\n';
        shown += printable(message.substr(at, end - at));
        at = end + 1;
    }
    std::cerr << fmt::format("dsfailover: {}: {}\n", kind, shown);
}

void end_report(Report& report) {
    report.finished_at = now_ms();
    conclude(report);
}

void print(Report& report, const Command& command, const Printing& printing) {
    end_report(report);
    clear_progress();
    if (printing.in_place) std::cout << kClearTerminal << std::flush;
    const bool in_report = printing.one_terminal && command.has_report;
    if (!printing.quiet && !in_report)
        for (const std::string& warning : report.warnings) say("warning", warning);
    if (!in_report)
        for (const Problem& problem : report.problems) say("error", problem.text);
    std::cout.flush();
    if (!command.has_report) return;
    try {
        deliver(report, printing);
    } catch (const Error& error) {
        say("error", fmt::format("{}; what the run did is not undone", error.what()));
        report.exit_code = more_urgent(report.exit_code, error.exit_code());
    }
}

}  // namespace dsfailover
