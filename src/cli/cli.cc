#include "cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <optional>
#include <set>
#include <span>

#include "base/error.h"
#include "base/interruption.h"
#include "base/log.h"
#include "base/terminal.h"
#include "cli/command_line.h"
#include "cli/confirm.h"
#include "cli/invocation.h"
#include "cli/live_candidates.h"
#include "cli/options.h"
#include "cli/printing.h"
#include "config/ask_scope.h"
#include "config/option_table.h"
#include "report/conclusion.h"
#include "report/print_report.h"

namespace dsfailover {
namespace {

constexpr Millis kShortestPause = std::chrono::seconds(1);

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
void report_errors_of(Report& report, const Part& part, const Wrote& wrote) {
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

Report new_report(const Command& command) {
    Report report;
    report.command = command.name;
    report.started_at = now_ms();
    return report;
}

void perform(const CommandLine& line, const OptionValues& options, Report& report) {
    report_errors_of(
        report,
        [&] {
            warn_of_unknown_variables(report);
            report.dry_run = takes(*line.command, "dry-run") && is_set(options, "dry-run");
            Invocation invocation(options, line.arguments, process_environment(), report);
            report_errors_of(
                report, [&] { line.command->run(invocation); }, [&] { return invocation.wrote(); });
            conclude(report);
            invocation.end_audit_log();
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
    printing.in_place = !printing.file && is_terminal(STDOUT_FILENO) && printing.format == "table";
    if (!printing.in_place && !printing.file && printing.format == "json")
        printing.format = "json-line";
    return pause;
}

/// --confirm: a dry run, what it would do, and a question. Returns whether to go on; if not, `plan`
/// was printed as the report of the whole run.
bool plan_is_confirmed(const CommandLine& line, const OptionValues& options,
                       const Printing& printing, Report& plan) {
    OptionValues dry = options;
    dry["dry-run"] = {"true", Source::command_line, "option --confirm"};
    perform(line, dry, plan);
    end_report(plan);
    if (plans_anything(plan)) {
        clear_progress();
        print_report(plan, "table", std::cerr, printing.screen);
        if (is_confirmed()) return true;
        say("note", "not confirmed: nothing was done");
        if (printing.format == "table") return false;
    }
    print(plan, *line.command, printing);
    return false;
}

int run_command(const CommandLine& line) {
    Report report = new_report(*line.command);
    OptionValues options;
    Printing printing = default_printing();
    std::optional<Millis> pause;
    bool confirm = false;
    const auto prepare = [&] {
        options = collect_options(line.options, process_environment());
        set_up_printing(printing, *line.command, options);
        set_up_log(options);
        printing.quiet = !is_logged(LogLevel::warn);
        pause = watch_option(options, printing);
        confirm = takes(*line.command, "confirm") && is_confirmation_wanted(options);
    };
    report_errors_of(report, prepare, [] { return false; });
    if (report.problems.empty() && confirm) {
        bool confirmed = false;
        Report plan = new_report(*line.command);
        report_errors_of(
            report, [&] { confirmed = plan_is_confirmed(line, options, printing, plan); },
            [] { return false; });
        if (!confirmed && report.problems.empty()) return static_cast<int>(plan.exit_code);
    }
    if (report.problems.empty()) {
        if (pause) return static_cast<int>(watch(line, options, printing, *pause));
        perform(line, options, report);
    }
    print(report, *line.command, printing);
    return static_cast<int>(report.exit_code);
}

/// --format, or DSFAILOVER_FORMAT, of a command line that was not understood; "": neither.
std::string wanted_format(std::span<char* const> arguments) {
    constexpr std::string_view kOption = "--format";
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (argument == kOption && i + 1 < arguments.size()) return arguments[i + 1];
        if (argument.starts_with(kOption) && argument.substr(kOption.size()).starts_with('='))
            return std::string(argument.substr(kOption.size() + 1));
    }
    return process_environment()(environment_name("format")).value_or("");
}

/// An error of the command line is text on stderr; a script that gets JSON finds it there as well.
void report_mistake(const CommandLineError& error, std::span<char* const> arguments) {
    Printing printing = default_printing();
    const std::string format = wanted_format(arguments);
    const bool json =
        format.empty() || format == "auto" ? printing.format == "json" : format == "json";
    if (error.command() == nullptr || !error.command()->has_report || !json) {
        say("error", error.what());
        return;
    }
    printing.format = "json";
    Report report = new_report(*error.command());
    report.problems.push_back({error.exit_code(), error.what(), true});
    print(report, *error.command(), printing);
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
    } catch (const CommandLineError& error) {
        report_mistake(error, {argv + std::min(argc, 1), argv + argc});
        return static_cast<int>(error.exit_code());
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
