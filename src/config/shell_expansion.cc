#include "config/shell_expansion.h"

#include <fmt/format.h>

#include "config/shell_words.h"

namespace dsfailover {
namespace {

constexpr auto kNever = std::string_view::npos;

class Expander {
  public:
    Expander(EnvDialect dialect, const ShellVariables& variables)
        : is_list_(dialect == EnvDialect::list), variables_(variables) {}

    /// `in_quotes`: what stands between double quotes.
    std::string expand(std::string_view text, bool in_quotes) const {
        std::string result;
        while (!text.empty()) {
            const std::size_t used = expand_one(text, in_quotes, result);
            text.remove_prefix(used);
        }
        return result;
    }

  private:
    /// Adds what stands at the beginning of `text` to `result`; how many characters it was.
    std::size_t expand_one(std::string_view text, bool in_quotes, std::string& result) const {
        switch (text.front()) {
            case '\\':
                return escaped(text, in_quotes, result);
            case '$':
                return dollar(text, in_quotes, result);
            case '`': {
                const std::size_t length = shell_group_length(text);
                if (length == kNever && is_list_) break;
                throw NeedsShell("`...` runs a command");
            }
            case '\'':
            case '"': {
                if (in_quotes) break;
                const std::size_t length = shell_group_length(text);
                if (length == kNever) break;  // of a list alone: "it's"
                const std::string_view inner = text.substr(1, length - 2);
                result += text.front() == '"' ? expand(inner, true) : std::string(inner);
                return length;
            }
            default:
                break;
        }
        result += text.front();
        return 1;
    }

    std::size_t escaped(std::string_view text, bool in_quotes, std::string& result) const {
        constexpr std::string_view kInQuotes = "$`\"\\\n", kInLists = "\"'$\\ \n";
        const bool special = text.size() > 1 && (in_quotes  ? kInQuotes.find(text[1]) != kNever
                                                 : is_list_ ? kInLists.find(text[1]) != kNever
                                                            : true);
        if (!special) {
            result += '\\';
            return 1;
        }
        if (text[1] != '\n') result += text[1];
        return 2;
    }

    std::size_t dollar(std::string_view text, bool in_quotes, std::string& result) const {
        const std::size_t length = shell_group_length(text);
        if (length == kNever) {
            if (!is_list_) throw NeedsShell("a bracket is not closed");
            result += '$';
            return 1;
        }
        if (text.starts_with("$((")) throw NeedsShell("$((...)) is arithmetic");
        if (text.starts_with("$(")) throw NeedsShell("$(...) runs a command");
        if (length > 0) {
            result += braced(text.substr(2, length - 3));
            return length;
        }
        return bare(text, in_quotes, result);
    }

    /// $NAME, and a '$' with nothing behind it.
    std::size_t bare(std::string_view text, bool in_quotes, std::string& result) const {
        const std::string_view name = text.substr(1, variable_name_length(text.substr(1)));
        const char next = text.size() > 1 ? text[1] : ' ';
        constexpr std::string_view kSpecial = "0123456789@*#?$!-[";
        if (name.empty() && !is_list_) {
            if (kSpecial.find(next) != kNever)
                throw NeedsShell(fmt::format("${} is known to a shell alone", next));
            if (!in_quotes && (next == '\'' || next == '"'))
                throw NeedsShell(fmt::format("$ before {} is for a shell", next));
        }
        const auto value = name.empty() ? std::nullopt : variables_.get(name);
        if (name.empty() || (is_list_ && !value)) {
            result += '$';
            return 1;
        }
        result += value.value_or("");
        return 1 + name.size();
    }

    /// The inside of ${...}.
    std::string braced(std::string_view body) const {
        const std::string_view name = body.substr(0, variable_name_length(body));
        std::string_view rest = body.substr(name.size());
        const bool empty_too = rest.starts_with(':');
        if (empty_too) rest.remove_prefix(1);
        constexpr std::string_view kOperators = "-=+?";
        if (name.empty() || (rest.empty() ? empty_too : kOperators.find(rest.front()) == kNever))
            throw NeedsShell(fmt::format("${{{}...}} is for a shell", name));
        const auto value = variables_.get(name);
        if (rest.empty()) return value.value_or("");
        const bool is_there = value && !(empty_too && value->empty());
        const std::string_view word = rest.substr(1);
        switch (rest.front()) {
            case '+':
                return is_there ? expand(word, false) : "";
            case '?':
                if (!is_there) throw NeedsShell(fmt::format("{} must be set", name));
                return *value;
            case '=':
                if (!is_there) variables_.set(name, expand(word, false));
                return variables_.get(name).value_or("");
            default:
                return is_there ? *value : expand(word, false);
        }
    }

    bool is_list_;
    const ShellVariables& variables_;
};

}  // namespace

std::string expand(std::string_view raw, EnvDialect dialect, const ShellVariables& variables) {
    if (dialect == EnvDialect::shell) {
        if (raw.starts_with('(')) throw NeedsShell("(...) is an array");
        if (raw.starts_with('~')) throw NeedsShell("~ is a folder that a shell knows");
    }
    return Expander(dialect, variables).expand(raw, false);
}

}  // namespace dsfailover
