#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dsfailover {

/// What of a value only a shell could tell; what() says it: "`...` runs a command".
struct NeedsShell : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Whose rules a file's values follow: those of a shell that sources it; or those of a list of
/// NAME=VALUE lines, in which a '$' or quote that leads to nothing is a character like others.
enum class EnvDialect { shell, list };

/// The variables an expansion sees.
struct ShellVariables {
    /// nullopt: it is not set. May throw NeedsShell.
    std::function<std::optional<std::string>(std::string_view name)> get;
    /// ${NAME:=word} sets it.
    std::function<void(std::string_view name, const std::string& value)> set;
};

/// The value that a raw word stands for: quotes and backslashes removed; $NAME, ${NAME} and
/// ${NAME:-word}, with -, =, + and ? as well, replaced. Nothing is run. Throws NeedsShell for
/// commands, arithmetic and expansions that are none of these.
std::string expand(std::string_view raw, EnvDialect dialect, const ShellVariables& variables);

}  // namespace dsfailover
