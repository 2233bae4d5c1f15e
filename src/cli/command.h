#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace dsfailover {

class Context;

/// One command of the program. Each is one file beside this one, and one line in commands.cc.
struct Command {
    std::string_view name;        ///< "failover-master"; "sandbox create" is a command of a group
    std::string_view summary{};   ///< one line, for the list of commands
    std::string_view argument{};  ///< "ADDRESS"; empty: takes none
    std::string_view argument_help{};
    enum class Arguments { none, one, some, any_number } arguments = Arguments::none;
    bool uses_cluster = true;  ///< takes the options that say where registry and database are
    /// Names in config/option_table.h, beside those of every command.
    std::vector<std::string_view> options{};
    std::string_view examples{};  ///< lines for --help
    /// Checks the arguments, then does the work and fills in context.report(). What it throws
    /// before it asks the context for registry or database is a usage error.
    void (*run)(Context& context) = nullptr;
};

/// Every command, in the order of --help.
std::span<const Command* const> all_commands();

/// The names of all options the command takes.
std::vector<std::string_view> options_of(const Command& command);

}  // namespace dsfailover
