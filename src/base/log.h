#pragma once

// Logs go to stderr (the report alone goes to stdout), through spdlog's default logger.
#include <spdlog/spdlog.h>

#include <string_view>

namespace dsfailover {

/// Sets up the default logger on stderr. `level`: trace, debug, info, warn, error, off; throws
/// UsageError for another. Without `progress` what is logged at info, which is progress, is left
/// out. What a terminal must not have is shown as '?'.
void set_up_logging(std::string_view level, bool progress = true);

}  // namespace dsfailover
