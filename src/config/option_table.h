#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace dsfailover {

/// What the value of an option is.
enum class OptionType {
    flag,      ///< true or false; on the command line its name alone
    text,      ///< anything; the placeholder says what
    integer,   ///< at least `least`
    duration,  ///< 90s, 15m, 12h, 7d
    time,      ///< epoch milliseconds or RFC 3339
    address,   ///< HOST:PORT of a server
    ids,       ///< workflow instance ids, or "all"
    file,      ///< a file's name
    choice,    ///< one of `choices`
};

/// What an option is when it is not given; text is told as it is, and nothing reads it.
using OptionDefault = std::variant<std::monostate, Millis, std::int64_t, std::string_view>;

/// One option of the program, whichever commands take it. Parsing, --help, completion, the manual
/// pages and docs/options.md are made of these.
struct OptionSpec {
    std::string_view name;  ///< without dashes: "lock-timeout"
    OptionType type = OptionType::flag;
    std::string_view group;  ///< heading in --help and the manual
    std::string_view help;   ///< whole sentences, the first of which says what it does
    OptionDefault default_value{};
    std::vector<std::string_view> choices{};  ///< of a choice; of another type: suggested
    std::string_view what{};                  ///< the placeholder, where the type does not tell it
    std::int64_t least = 0;                   ///< of an integer
    std::int64_t most = INT64_MAX;            ///< of an integer
    /// The command whose option this is, where another command has another one of that name.
    std::string_view command{};
    bool command_line_only = false;  ///< never by environment or file
    /// What it stands for without a value; empty: it must have one.
    std::string_view bare_value{};

    bool is_flag() const { return type == OptionType::flag; }
    /// Whether `text` is one of the choices.
    bool offers(std::string_view text) const;
    /// Whether `text`, behind an option that needs no value, is one all the same: one of the
    /// choices, or for a text anything but another option.
    bool takes(std::string_view text) const;
    /// "DURATION", "json|table"; empty for a flag.
    std::string placeholder() const;
    /// "30s", "1000"; empty: none.
    std::string default_text() const;
};

/// Every option there is: the command line, DSFAILOVER_* and --config know the same names.
std::span<const OptionSpec> all_options();

/// The option of that name: that of `command` if it has one of its own, else the one that others
/// take; nullptr if there is none.
const OptionSpec* find_option(std::string_view name, std::string_view command = {});

/// Whether environment and files may give the option to any command.
bool is_for_environment(std::string_view name);

}  // namespace dsfailover
