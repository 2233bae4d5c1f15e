#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "config/option_values.h"
#include "report/report.h"
#include "report/report_file.h"
#include "report/table/screen.h"

namespace dsfailover {

/// How and where reports are printed.
struct Printing {
    std::string format;  ///< as print_report() takes it; never "auto"
    bool quiet = false;
    bool in_place = false;           ///< each report clears the terminal first
    bool one_terminal = false;       ///< what the report says need not be said on stderr as well
    std::optional<ReportFile> file;  ///< none: stdout
    Screen screen;
};

/// What holds where no option can be read: a table on a terminal, JSON elsewhere.
Printing default_printing();

/// Sets up --output, --format, --color and --utc, in this order; what an option that cannot be read
/// leaves unset stays at its default. Throws UsageError.
void set_up_printing(Printing& printing, const Command& command, const OptionValues& options);

/// Sets up the log as --log-level, --quiet, --no-progress and --color say. Throws UsageError.
void set_up_log(const OptionValues& options);

/// "dsfailover: KIND: message" on stderr.
void say(std::string_view kind, std::string_view message);

/// Makes the report one of a run that ends now: its time and its conclusion.
void end_report(Report& report);

/// Ends the report, says warnings and errors on stderr, and prints the report where the
/// command has one; a report that nobody gets is a failure of its own.
void print(Report& report, const Command& command, const Printing& printing);

}  // namespace dsfailover
