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

/// What is wrong with the command line of a command that there is; nullptr: of none.
class CommandLineError : public UsageError {
  public:
    CommandLineError(const std::string& message, const Command* command)
        : UsageError(message), command_(command) {}
    const Command* command() const { return command_; }

  private:
    const Command* command_;
};

/// Throws UsageError for an unknown command, CommandLineError for an unknown option, and for a
/// missing or superfluous argument.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace dsfailover
