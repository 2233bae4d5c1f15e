#include "cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
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

namespace dsfailover {
namespace {

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

/// Prints the report, where the command has one; a report that nobody gets is a failure of its own.
void print(Report& report, const Command& command, const std::string& format, bool quiet) {
    report.finished_at = now_ms();
    conclude(report);
    if (!quiet)
        for (const std::string& warning : report.warnings) say("warning", warning);
    for (const Problem& problem : report.problems) say("error", problem.text);
    if (command.has_report) print_report(report, format, std::cout);
    std::cout.flush();
    if (std::cout || !command.has_report) return;
    say("error", "the report could not be written to stdout; what the run did is not undone");
    report.exit_code = more_urgent(report.exit_code, ExitCode::failed);
}

int run_command(const CommandLine& line) {
    Report report;
    report.command = line.command->name;
    report.started_at = now_ms();
    std::string format = "json";
    bool quiet = false;
    const auto run = [&] {
        const Environment environment = process_environment();
        OptionValues options = collect_options(line.options, environment);
        format = choice_option(options, "format").value_or(format);
        set_up_log(options);
        quiet = !spdlog::default_logger()->should_log(spdlog::level::warn);
        warn_of_unknown_variables(report);
        report.dry_run = takes(*line.command, "dry-run") && is_set(options, "dry-run");
        Context context(std::move(options), line.arguments, environment, report);
        guarded(
            report, [&] { line.command->run(context); }, [&] { return context.wrote(); });
        context.flush_audit_log();
    };
    guarded(report, run, [] { return false; });
    print(report, *line.command, format, quiet);
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
