#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dsfailover {

/// A word of a shell script as it is written, with its quotes.
struct ShellWord {
    std::string raw;
    std::size_t line = 0;  ///< of its first character, from 1
};

/// A command: words up to a line end or an operator. '(' and ')' are commands of their own.
struct ShellCommand {
    std::vector<ShellWord> words;
    /// How it hangs on the command before it; a pipe is one of either side.
    enum class Link { none, if_it_succeeded, if_it_failed, pipe } link = Link::none;
};

/// The text of a shell script taken apart into commands, without its comments and here documents.
/// Nothing is expanded. A '&' that stands inside an assignment is part of the word: written
/// `URL=h?a=1&b=2`, the address is meant. Throws UsageError beginning with "FILE:LINE" for a quote
/// or bracket that is never closed.
std::vector<ShellCommand> shell_commands(std::string_view text, std::string_view file);

/// How many characters of `text` a '...', "...", `...`, ${...} or $(...) at its beginning takes,
/// with what is nested in it; 0: it begins with none of these, npos: it is never closed, or nests
/// too deep.
std::size_t shell_group_length(std::string_view text);

/// Whether a word is NAME=... or NAME+=...
bool is_assignment(std::string_view raw);

/// How many characters the name of a variable at the beginning of `text` has; 0: there is none.
std::size_t variable_name_length(std::string_view text);

/// Whether the text is a name a variable can have.
bool is_variable_name(std::string_view text);

}  // namespace dsfailover
