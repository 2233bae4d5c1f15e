#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/command.h"
#include "config/option_values.h"

namespace dsfailover {

/// The command line taken apart, values unchecked.
struct CommandLine {
    const Command* command = nullptr;
    std::vector<std::string> arguments;
    GivenOptions options;
    std::optional<std::string> text;  ///< --help or --version: print this instead of running
};

/// Throws UsageError for an unknown command or option, and for a missing or superfluous argument.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace dsfailover
