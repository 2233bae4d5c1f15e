#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/option_table.h"

namespace dsfailover {

class Invocation;

/// One command of the program. Each is one file beside this one, and one line in commands.cc.
struct Command {
    std::string_view name;       ///< "failover-master"; "sandbox create" is a command of a group
    std::string_view summary{};  ///< one line, for the list of commands
    /// Paragraphs for --help and the manual, separated by an empty line; what it does, and what it
    /// does not.
    std::string_view description{};
    std::string_view argument{};  ///< "ADDRESS"; empty: takes none
    std::string_view argument_help{};
    enum class Arguments { none, one, some, any_number } arguments = Arguments::none;
    std::vector<std::string_view> argument_choices{};  ///< what it may be, where that is little
    bool uses_cluster = true;   ///< takes the options that say where registry and database are
    bool takes_options = true;  ///< false: it is about the program itself, and takes but --help
    bool has_report = true;     ///< false: it prints what it has to say while it runs
    /// Names in config/option_table.cc, beside those of every command.
    std::vector<std::string_view> options{};
    std::string_view examples{};  ///< lines for --help
    /// Checks the arguments, then does the work and fills in invocation.report(). What it throws
    /// before it asks the invocation for registry or database is a usage error.
    void (*run)(Invocation& invocation) = nullptr;
};

/// Says what the commands of the one group there is, sandbox, have in common.
inline constexpr std::string_view kGroupSummary = "A cluster in one SQLite file, to rehearse on";

/// Every command, in the order of --help.
std::span<const Command* const> all_commands();

/// All options the command takes, its own first.
std::vector<const OptionSpec*> options_of(const Command& command);

/// Whether it takes the option of that name.
bool takes(const Command& command, std::string_view option);

/// A command's name taken apart: group "sandbox" and name "create", or no group and the name.
struct CommandName {
    std::string_view group;
    std::string_view name;
};
CommandName name_of(const Command& command);

}  // namespace dsfailover
