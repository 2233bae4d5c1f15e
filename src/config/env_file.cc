#include "config/env_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "config/shell_expansion.h"
#include "config/shell_words.h"
#include "config/yaml_file.h"

namespace dsfailover {
namespace {

using Words = std::vector<ShellWord>;

template <std::size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
    return std::ranges::find(words, word) != words.end();
}

constexpr std::array<std::string_view, 5> kDeclares = {"export", "declare", "typeset", "readonly",
                                                       "local"};

/// What closes a block that this word opens; empty: it opens none.
std::string_view closer_of(std::string_view word) {
    if (word == "if") return "fi";
    if (word == "case") return "esac";
    if (word == "{") return "}";
    if (word == "(") return ")";
    constexpr std::array<std::string_view, 4> kLoops = {"for", "while", "until", "select"};
    return is_one_of(word, kLoops) ? "done" : "";
}

/// Set by a shell itself, so that the environment of this process says nothing about them.
bool is_shell_s_own(std::string_view name) {
    constexpr std::array<std::string_view, 10> kOwn = {"PWD",    "OLDPWD", "HOSTNAME", "UID",
                                                       "EUID",   "PPID",   "RANDOM",   "SECONDS",
                                                       "LINENO", "OSTYPE"};
    return name.starts_with("BASH") || is_one_of(name, kOwn);
}

/// The first word of a line, for what it looks like.
std::string_view first_word(std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.substr(0, std::min(line.find_first_of(" \t;"), line.size()));
}

template <typename OnLine>
void for_each_line(std::string_view text, const OnLine& on_line) {
    std::size_t number = 1;
    for (std::size_t start = 0; start < text.size(); ++number) {
        const auto end = std::min(text.find('\n', start), text.size());
        on_line(text.substr(start, end - start), number);
        start = end + 1;
    }
}

bool is_shell_script(std::string_view file, std::string_view text) {
    if (file.ends_with(".sh") || text.starts_with("#!")) return true;
    bool found = false;
    for_each_line(text, [&](std::string_view line, std::size_t) {
        const std::string_view word = first_word(line);
        constexpr std::array<std::string_view, 5> kOthers = {"set", "source", ".", "unset", "if"};
        found = found || is_one_of(word, kDeclares) || is_one_of(word, kOthers);
    });
    return found;
}

/// Without the carriage returns of other systems, and the mark that some editors begin a file with.
std::string unix_text(std::string text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r' || (i + 1 < text.size() && text[i + 1] != '\n')) result += text[i];
    return result;
}

}  // namespace

/// Goes through a file from its first line to its last, as who sources it would.
class EnvScript {
  public:
    EnvScript(EnvFile& result, const Environment& environment)
        : result_(result), environment_(environment) {}

    void run_shell(std::string_view text) {
        for (const ShellCommand& command : shell_commands(text, result_.file_)) run(command);
        warn_of_what_is_not_exported();
    }

    void run_list(std::string_view text) {
        dialect_ = EnvDialect::list;
        for_each_line(text, [&](std::string_view line, std::size_t number) {
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
            const auto equals = line.find('=');
            if (equals == std::string_view::npos || line.starts_with('#') || line.starts_with(';'))
                return;
            std::string_view name = line.substr(0, equals);
            name = name.substr(0, name.find_last_not_of(" \t") + 1);
            if (is_variable_name(name))
                assign(name, value_of_line(line.substr(equals + 1)), number, false);
        });
    }

  private:
    /// Without the blanks around it, and without a comment behind.
    static std::string_view value_of_line(std::string_view text) {
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        std::size_t end = 0;
        while (end < text.size()) {
            if (text[end] == '#' && (end == 0 || text[end - 1] == ' ' || text[end - 1] == '\t'))
                break;
            const std::size_t group = shell_group_length(text.substr(end));
            end += group == std::string_view::npos ? 1 : std::max<std::size_t>(group, 1);
        }
        return text.substr(0, text.substr(0, end).find_last_not_of(" \t") + 1);
    }

    void run(const ShellCommand& command) {
        using Link = ShellCommand::Link;
        if (command.link == Link::none) chain_ = Chain::only_assignments;
        // After an assignment, which succeeds, "||" is never reached.
        if (command.link == Link::if_it_failed && chain_ == Chain::only_assignments) return;
        Words words = command.words;
        while (!words.empty() && take_keyword(words)) {
        }
        if (words.empty()) return;
        may_not_run_ =
            !open_.empty() || chain_ != Chain::only_assignments || command.link == Link::pipe;
        if (!run_builtin(words)) chain_ = Chain::a_command;
    }

    /// Takes a word of the shell's grammar off the beginning.
    bool take_keyword(Words& words) {
        const std::string first = words.front().raw;
        constexpr std::array<std::string_view, 6> kInside = {"then", "else", "elif",
                                                             "do",   "!",    "time"};
        if (!open_.empty() && first == open_.back()) {
            open_.pop_back();
        } else if (const std::string_view closer = closer_of(first); !closer.empty()) {
            open_.emplace_back(closer);
            // What follows is not a command.
            if (first == "for" || first == "case" || first == "select") words.clear();
        } else if (first == "function") {
            const bool opens = words.back().raw == "{";
            words.clear();
            if (opens) open_.emplace_back("}");
        } else if (!is_one_of(first, kInside)) {
            return false;
        }
        if (!words.empty()) words.erase(words.begin());
        return !words.empty();
    }

    /// False: it is not an assignment and no built-in command that concerns variables.
    bool run_builtin(const Words& words) {
        const std::string& first = words.front().raw;
        if (is_assignment(first)) return assign_all(words);
        if (is_one_of(first, kDeclares)) return declare(words);
        if (first == "unset") return unset(words);
        if (first == "set") return set(words);
        if (first == ":") return run_colon(words);
        if (first == "source" || first == "." || first == "eval")
            warn(words.front().line, "",
                 fmt::format("'{}' runs something else, which may set variables as well", first));
        if (first == "read")
            for (const ShellWord& word : words)
                if (is_variable_name(word.raw)) leave(word.raw, word.line, "'read' asks for it");
        return false;
    }

    bool assign_all(const Words& words) {
        const bool before_command = !std::ranges::all_of(
            words, [](const ShellWord& word) { return is_assignment(word.raw); });
        for (const ShellWord& word : words) {
            if (!is_assignment(word.raw)) break;
            const auto [name, append, value] = parts_of(word.raw);
            if (before_command && EnvFile::is_read(name))
                warn(word.line, name,
                     "it stands before a command (or the value is cut off at a blank), so that it "
                     "is no assignment");
            else if (!before_command)
                assign(name, value, word.line, append);
        }
        return !before_command;
    }

    struct Parts {
        std::string_view name;
        bool append;
        std::string_view value;
    };
    static Parts parts_of(std::string_view raw) {
        const auto equals = raw.find('=');
        const bool append = raw[equals - 1] == '+';
        return {raw.substr(0, equals - (append ? 1 : 0)), append, raw.substr(equals + 1)};
    }

    bool declare(const Words& words) {
        const std::string& first = words.front().raw;
        bool exports = first == "export";
        for (const ShellWord& word : words) {
            if (&word == &words.front()) continue;
            if (word.raw.starts_with('-')) {
                constexpr std::string_view kNothingIsSet = "npfF";
                if (word.raw.find_first_of(kNothingIsSet) != std::string::npos) return true;
                exports = exports || word.raw.find('x') != std::string::npos;
            } else if (is_assignment(word.raw)) {
                const auto [name, append, value] = parts_of(word.raw);
                assign(name, value, word.line, append);
                if (exports) exported_.emplace(name);
            } else if (is_variable_name(word.raw)) {
                if (exports) exported_.emplace(word.raw);
            } else if (word.raw.find_first_not_of("0123456789") != std::string::npos) {
                warn(word.line, "", fmt::format("only a shell knows what '{}' gets here", first));
            }
        }
        exports_some_ = exports_some_ || exports;
        return true;
    }

    bool unset(const Words& words) {
        for (const ShellWord& word : words) {
            if (word.raw == "-f") return true;
            if (&word == &words.front() || !is_variable_name(word.raw)) continue;
            if (may_not_run_)
                leave(word.raw, word.line, "it stands in a condition or block");
            else
                result_.assignments_.insert_or_assign(word.raw, EnvFile::Assignment{"", word.line});
        }
        return true;
    }

    bool set(const Words& words) {
        for (const ShellWord& word : words)
            if (word.raw == "allexport" ||
                (word.raw.starts_with('-') && !word.raw.starts_with("--") &&
                 word.raw.find('a') != std::string::npos))
                exports_all_ = true;
        return true;
    }

    /// `: ${NAME:=value}` sets a default.
    bool run_colon(const Words& words) {
        for (const ShellWord& word : words) {
            try {
                if (!may_not_run_) expand(word.raw, dialect_, variables_at(word.line));
            } catch (const NeedsShell& reason) {
                warn(word.line, "", reason.what());
            }
        }
        return true;
    }

    ShellVariables variables_at(std::size_t line) {
        return {[this](std::string_view name) { return value_of(name); },
                [this, line](std::string_view name, const std::string& value) {
                    result_.assignments_.insert_or_assign(std::string(name),
                                                          EnvFile::Assignment{value, line});
                }};
    }

    std::optional<std::string> value_of(std::string_view name) const {
        if (const auto left = left_.find(name); left != left_.end())
            throw NeedsShell(fmt::format("{} of line {} is not known", name, left->second));
        if (const auto found = result_.assignments_.find(name); found != result_.assignments_.end())
            return found->second.value;
        if (dialect_ == EnvDialect::shell && is_shell_s_own(name))
            throw NeedsShell(fmt::format("${} is known to a shell alone", name));
        return environment_(name);
    }

    void assign(std::string_view name, std::string_view raw, std::size_t line, bool append) {
        if (may_not_run_) return leave(name, line, "it stands in a condition, block or pipe");
        try {
            const std::string before = append ? value_of(name).value_or("") : "";
            const std::string value = before + expand(raw, dialect_, variables_at(line));
            result_.assignments_.insert_or_assign(std::string(name),
                                                  EnvFile::Assignment{value, line});
        } catch (const NeedsShell& reason) {
            return leave(name, line, reason.what());
        }
        if (const auto left = left_.find(name); left != left_.end()) left_.erase(left);
        if (dialect_ == EnvDialect::shell && has_bare_ampersand(raw) && EnvFile::is_read(name))
            warn(line, name,
                 "a shell ends the value at its '&', which stands outside of quotes; all of it is "
                 "used here");
    }

    static bool has_bare_ampersand(std::string_view raw) {
        for (std::size_t at = 0; at < raw.size();) {
            if (raw[at] == '&') return true;
            const std::size_t group = shell_group_length(raw.substr(at));
            at += group == std::string_view::npos || group == 0 ? (raw[at] == '\\' ? 2 : 1) : group;
        }
        return false;
    }

    /// Does as if the assignment were not there; who uses the variable is left, too.
    void leave(std::string_view name, std::size_t line, std::string_view why) {
        left_.insert_or_assign(std::string(name), line);
        if (EnvFile::is_read(name))
            warn(line, name,
                 fmt::format("{}, and nothing is run here: the line is passed over; give the value "
                             "as an option or in the environment",
                             why));
    }

    void warn(std::size_t line, std::string_view name, std::string_view what) {
        result_.warnings_.push_back(fmt::format("{}:{}: {}{}{}", result_.file_, line, name,
                                                name.empty() ? "" : ": ", what));
    }

    void warn_of_what_is_not_exported() {
        if (exports_all_ || !exports_some_) return;
        for (const auto& [name, assignment] : result_.assignments_)
            // DATABASE is for other lines of the script.
            if (EnvFile::is_read(name) && name != "DATABASE" && !exported_.contains(name) &&
                !environment_(name))
                warn(assignment.line, name,
                     "it is never exported, so that a start script does not hand it to the "
                     "masters; it is used here");
    }

    EnvFile& result_;
    const Environment& environment_;
    EnvDialect dialect_ = EnvDialect::shell;
    std::vector<std::string> open_;                         ///< what closes the blocks we are in
    std::map<std::string, std::size_t, std::less<>> left_;  ///< passed over, by their lines
    std::set<std::string, std::less<>> exported_;
    enum class Chain { only_assignments, a_command } chain_ = Chain::only_assignments;
    bool may_not_run_ = false;
    bool exports_some_ = false;
    bool exports_all_ = false;
};

EnvFile::EnvFile(const std::string& file, const Environment& environment, std::string_view option)
    : file_(file) {
    const std::string text = unix_text(read_text_file(file, option));
    EnvScript script(*this, environment);
    if (is_shell_script(file, text))
        script.run_shell(text);
    else
        script.run_list(text);
}

const EnvFile::Assignment* EnvFile::find(std::string_view name) const {
    const auto found = assignments_.find(name);
    return found == assignments_.end() ? nullptr : &found->second;
}

bool EnvFile::is_read(std::string_view name) {
    constexpr std::array<std::string_view, 4> kOthers = {"DATABASE", "SPRING_PROFILES_ACTIVE",
                                                         "SPRING_JACKSON_TIME_ZONE",
                                                         "SPRING_JACKSON_TIMEZONE"};
    return name.starts_with("REGISTRY_") || name.starts_with("SPRING_DATASOURCE_") ||
           is_one_of(name, kOthers);
}

std::vector<std::string> EnvFile::read_names() const {
    std::vector<std::string> names;
    for (const auto& [name, assignment] : assignments_)
        if (is_read(name)) names.push_back(name);
    return names;
}

}  // namespace dsfailover
