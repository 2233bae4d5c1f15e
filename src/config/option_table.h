#pragma once

#include <span>
#include <string_view>

namespace dsfailover {

/// One option of the program, whichever commands take it.
struct OptionSpec {
    std::string_view name;         ///< without dashes: "lock-timeout"
    std::string_view placeholder;  ///< "DURATION"; empty for a flag
    std::string_view group;        ///< heading in --help
    std::string_view help;
    std::string_view default_value;  ///< shown by --help and config; empty: none
    bool command_line_only = false;  ///< never by environment or file
    /// What it stands for without a value; empty: it must have one. With such an option the
    /// placeholder says which values there are, so that they are told from an argument behind it.
    std::string_view bare_value{};

    /// Whether `text` may be a value by the placeholder: one of those it lists, or anything but
    /// another option if it is "NAME,...".
    bool lists(std::string_view text) const;
    bool is_flag() const { return placeholder.empty(); }
};

/// Every option there is: the command line, DSFAILOVER_* and --config know the same names.
std::span<const OptionSpec> all_options();

/// nullptr if there is none of that name.
const OptionSpec* find_option(std::string_view name);

}  // namespace dsfailover
