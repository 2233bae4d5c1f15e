#include "cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/interruption.h"
#include "base/log.h"
#include "base/terminal_text.h"
#include "cli/command_line.h"
#include "cli/context.h"
#include "cli/live_candidates.h"
#include "cli/options.h"
#include "config/ask_scope.h"
#include "config/option_table.h"
#include "report/conclusion.h"
#include "report/print_report.h"
#include "report/report_file.h"

namespace dsfailover {
namespace {

constexpr std::string_view kClearTerminal = "\x1b[H\x1b[2J";
constexpr Millis kShortestPause = std::chrono::seconds(1);

void say(std::string_view kind, std::string_view message) {
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

void end_by(const Interrupted& interrupted, Report& report) {
    report.problems.push_back(
        {interrupted.exit_code(),
         "interrupted: what was committed before is in this report, the rest is untouched", true});
}

/// `wrote` as for add_end().
void add_error(Report& report, ExitCode code, const std::string& message, bool wrote) {
    add_end(report, code, message, wrote);
    try {
        // What fails after a signal is given up for its sake.
        check_interruption();
    } catch (const Interrupted& interrupted) {
        end_by(interrupted, report);
    }
}

/// Calls `part` and puts what it throws into the report. `wrote` as for add_end().
template <typename Part, typename Wrote>
void guarded(Report& report, const Part& part, const Wrote& wrote) {
    try {
        part();
    } catch (const Interrupted& interrupted) {
        end_by(interrupted, report);
    } catch (const Error& error) {
        add_error(report, error.exit_code(), error.what(), wrote());
    } catch (const std::bad_alloc&) {
        add_error(report, ExitCode::failed, "out of memory", wrote());
    } catch (const std::exception& error) {
        add_error(
            report, ExitCode::failed,
            fmt::format("this is a bug in dsfailover, please report it with the command line: "
                        "{}",
                        error.what()),
            wrote());
    }
}

void set_up_log(const OptionValues& options) {
    set_up_logging(choice_option(options, "log-level").value_or("info"),
                   !is_set(options, "no-progress"));
    if (is_set(options, "quiet")) set_up_logging("error");
}

/// A misspelt option would be as if it were not given; --dry-run, for instance.
void warn_of_unknown_variables(Report& report) {
    constexpr std::string_view kOurs = "DSFAILOVER_";
    std::set<std::string, std::less<>> known;
    for (const OptionSpec& option : all_options()) known.insert(environment_name(option.name));
    for (const char* password : {"database-password", "registry-password"})
        known.insert(environment_name(password));
    known.emplace(kAskOnlyVariable);
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        const std::string_view name = text.substr(0, text.find('='));
        if (!name.starts_with(kOurs) || name.size() + 1 >= text.size() || known.contains(name))
            continue;
        report.warnings.push_back(fmt::format(
            "the environment variable {} is the name of no option and has no effect", name));
    }
}

/// A file opened in the place of a closed stdin, stdout or stderr would get what is printed: the
/// database, for instance. /dev/full makes the loss of a report known.
void occupy_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(descriptor, F_GETFD) < 0 &&
            open(descriptor == STDOUT_FILENO ? "/dev/full" : "/dev/null", O_RDWR) != descriptor)
            throw Error(ExitCode::failed, "stdin, stdout or stderr is closed");
}

/// How and where reports are printed.
struct Printing {
    std::string format = "json";
    bool quiet = false;
    bool in_place = false;           ///< each clears the terminal first
    std::optional<ReportFile> file;  ///< none: stdout
};

/// Throws Error(failed) if nobody gets the report.
void deliver(const Report& report, const Printing& printing) {
    if (printing.file)
        return printing.file->replace(
            [&](std::ostream& out) { print_report(report, printing.format, out); });
    print_report(report, printing.format, std::cout);
    std::cout.flush();
    if (!std::cout) throw Error(ExitCode::failed, "the report could not be written to stdout");
}

/// Prints the report, where the command has one; a report that nobody gets is a failure of its own.
void print(Report& report, const Command& command, const Printing& printing) {
    report.finished_at = now_ms();
    conclude(report);
    if (printing.in_place) std::cout << kClearTerminal << std::flush;
    if (!printing.quiet)
        for (const std::string& warning : report.warnings) say("warning", warning);
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

Report new_report(const Command& command) {
    Report report;
    report.command = command.name;
    report.started_at = now_ms();
    return report;
}

void perform(const CommandLine& line, const OptionValues& options, Report& report) {
    guarded(
        report,
        [&] {
            warn_of_unknown_variables(report);
            report.dry_run = takes(*line.command, "dry-run") && is_set(options, "dry-run");
            Context context(options, line.arguments, process_environment(), report);
            guarded(
                report, [&] { line.command->run(context); }, [&] { return context.wrote(); });
            context.flush_audit_log();
        },
        [] { return false; });
}

/// --watch: performs and prints the command until a signal comes. A round that fails is followed by
/// the next; not so a first one that never can go right, and a report that nobody reads any more.
ExitCode watch(const CommandLine& line, const OptionValues& options, Printing printing,
               Millis pause) {
    for (bool first = true;; first = false) {
        Report report = new_report(*line.command);
        perform(line, options, report);
        if (interruption_requested()) return ExitCode::done;
        print(report, *line.command, printing);
        if (!std::cout || (first && report.exit_code == ExitCode::usage)) return report.exit_code;
        // On a terminal that is cleared they are said again; elsewhere the reports have them.
        printing.quiet = printing.quiet || !printing.in_place;
        try {
            wait_for(pause);
        } catch (const Interrupted&) {
            return ExitCode::done;
        }
    }
}

/// --watch; none: one report is all.
std::optional<Millis> watch_option(const OptionValues& options, Printing& printing) {
    const auto pause = duration_option(options, "watch");
    if (!pause) return std::nullopt;
    if (*pause < kShortestPause)
        throw UsageError(fmt::format("{}: must be at least {}",
                                     named("watch", *find(options, "watch")),
                                     format_duration(kShortestPause)));
    printing.in_place = !printing.file && isatty(STDOUT_FILENO) == 1;
    if (printing.in_place && find(options, "format") == nullptr) printing.format = "table";
    if (!printing.in_place && !printing.file && printing.format == "json")
        printing.format = "json-line";
    return pause;
}

int run_command(const CommandLine& line) {
    Report report = new_report(*line.command);
    OptionValues options;
    Printing printing;
    std::optional<Millis> pause;
    const auto prepare = [&] {
        options = collect_options(line.options, process_environment());
        if (const OptionValue* output = find(options, "output"))
            printing.file.emplace(output->value, named("output", *output));
        printing.format =
            choice_option(options, "format", line.command->name).value_or(printing.format);
        set_up_log(options);
        printing.quiet = !spdlog::default_logger()->should_log(spdlog::level::warn);
        pause = watch_option(options, printing);
    };
    guarded(report, prepare, [] { return false; });
    if (report.problems.empty()) {
        if (pause) return static_cast<int>(watch(line, options, printing, *pause));
        perform(line, options, report);
    }
    print(report, *line.command, printing);
    return static_cast<int>(report.exit_code);
}

}  // namespace

int run_command_line(int argc, char** argv) {
    try {
        occupy_standard_descriptors();
        if (argc > 1 && std::string_view(argv[1]) == "__complete")
            return answer_shell({argv + 2, argv + argc});
        const CommandLine line = parse_command_line(argc, argv);
        if (!line.text) return run_command(line);
        std::cout << *line.text << std::flush;
        if (std::cout) return static_cast<int>(ExitCode::done);
        say("error", "stdout cannot be written");
    } catch (const Error& error) {
        say("error", error.what());
        return static_cast<int>(error.exit_code());
    } catch (const std::exception& error) {
        say("error",
            fmt::format("this is a bug in dsfailover, please report it: {}", error.what()));
    }
    return static_cast<int>(ExitCode::failed);
}

}  // namespace dsfailover
