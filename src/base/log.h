#pragma once

// Logs go to stderr (the report alone goes to stdout), through spdlog's default logger, whose
// header takes longer to compile than most of our files. What is logged at info is progress.
#include <fmt/core.h>

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

enum class LogLevel { debug, info, warn, error };

/// Whether a line of this level is shown.
bool is_logged(LogLevel level);

/// Logs a line; usually by one of the functions below.
void log(LogLevel level, fmt::string_view format, fmt::format_args arguments);

template <class... Arguments>
void log_debug(fmt::format_string<const Arguments&...> format, const Arguments&... arguments) {
    log(LogLevel::debug, format, fmt::make_format_args(arguments...));
}
template <class... Arguments>
void log_info(fmt::format_string<const Arguments&...> format, const Arguments&... arguments) {
    log(LogLevel::info, format, fmt::make_format_args(arguments...));
}
template <class... Arguments>
void log_warn(fmt::format_string<const Arguments&...> format, const Arguments&... arguments) {
    log(LogLevel::warn, format, fmt::make_format_args(arguments...));
}
template <class... Arguments>
void log_error(fmt::format_string<const Arguments&...> format, const Arguments&... arguments) {
    log(LogLevel::error, format, fmt::make_format_args(arguments...));
}

/// Whether progress is one line that is written over: it can be told as often as it changes.
bool progress_is_one_line();

/// Removes that line from the terminal; to be called before anything but the logger prints there.
void clear_progress();

}  // namespace dsfailover
