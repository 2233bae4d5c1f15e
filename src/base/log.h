#pragma once

// Logs go to stderr (the report alone goes to stdout), through spdlog's default logger. What is
// logged at info is progress.
#include <spdlog/spdlog.h>

#include <string_view>

namespace dsfailover {

struct LogSettings {
    std::string_view level = "info";  ///< trace, debug, info, warn, error, off
    bool progress = true;             ///< false: what is logged at info is left out
    bool terminal = false;            ///< at level info progress is one line that is written over
    bool colour = false;
};

/// Sets up the default logger on stderr. Throws UsageError for a level that there is not. What a
/// terminal must not have is shown as '?'.
void set_up_logging(const LogSettings& settings);

/// Whether progress is one line that is written over: it can be told as often as it changes.
bool progress_is_one_line();

/// Removes that line from the terminal; to be called before anything but the logger prints there.
void clear_progress();

}  // namespace dsfailover
