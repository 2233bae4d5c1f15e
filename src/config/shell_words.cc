#include "config/shell_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace dsfailover {
namespace {

constexpr auto kNever = std::string_view::npos;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_in_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

constexpr int kDeepest = 100;  // groups in groups, more than anybody writes

std::size_t group_length(std::string_view text, int depth);

/// The length of a group whose opening has `start` characters, to `close`; `depth`: in how many it
/// stands.
std::size_t group_until(std::string_view text, std::size_t start, char close, bool in_quotes,
                        int depth) {
    if (depth > kDeepest) return kNever;
    for (std::size_t at = start; at < text.size();) {
        if (text[at] == close) return at + 1;
        if (text[at] == '\\') {
            at += 2;
            continue;
        }
        // Between double quotes an apostrophe is a character like others.
        const std::size_t inner =
            in_quotes && text[at] == '\'' ? 0 : group_length(text.substr(at), depth + 1);
        if (inner == kNever) return kNever;
        if (inner == 0 && close == ')' && text[at] == '(') {
            const std::size_t nested = group_until(text.substr(at), 1, ')', false, depth + 1);
            if (nested == kNever) return kNever;
            at += nested;
            continue;
        }
        at += std::max<std::size_t>(inner, 1);
    }
    return kNever;
}

/// As shell_group_length().
std::size_t group_length(std::string_view text, int depth) {
    if (text.empty()) return 0;
    switch (text.front()) {
        case '\'': {
            const auto end = text.find('\'', 1);
            return end == kNever ? kNever : end + 1;
        }
        case '"':
            return group_until(text, 1, '"', true, depth);
        case '`':
            return group_until(text, 1, '`', true, depth);
        case '$':
            if (text.starts_with("${")) return group_until(text, 2, '}', false, depth);
            if (text.starts_with("$(")) return group_until(text, 2, ')', false, depth);
            return 0;
        default:
            return 0;
    }
}

class Lexer {
  public:
    Lexer(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    std::vector<ShellCommand> commands() {
        while (at_ < text_.size()) step();
        end_command(ShellCommand::Link::none);
        return std::move(commands_);
    }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
    }
    bool sees(std::string_view text) const { return text_.substr(at_).starts_with(text); }

    void move(std::size_t count) {
        for (; count > 0 && at_ < text_.size(); --count)
            if (text_[at_++] == '\n') ++line_;
    }

    void step() {
        const char c = peek();
        if (is_blank(c)) return move(1);
        if (sees("\\\n")) return move(2);
        if (c == '#') return move(std::min(text_.find('\n', at_), text_.size()) - at_);
        if (c == '\n') {
            move(1);
            end_command(ShellCommand::Link::none);
            return skip_here_documents();
        }
        if (sees("&&")) return operate(2, ShellCommand::Link::if_it_succeeded);
        if (sees("||")) return operate(2, ShellCommand::Link::if_it_failed);
        if (c == ';' || c == '&') return operate(1, ShellCommand::Link::none);
        if (c == '|') return operate(1, ShellCommand::Link::pipe);
        if (c == '(' || c == ')') return bracket();
        if (c == '<' || c == '>') return redirect();
        take_word();
    }

    void operate(std::size_t length, ShellCommand::Link next) {
        move(length);
        if (next == ShellCommand::Link::pipe) current_.link = next;
        end_command(next);
    }

    void end_command(ShellCommand::Link next) {
        if (current_.words.empty()) {
            // A line end behind "&&" goes on with the command.
            if (next != ShellCommand::Link::none) current_.link = next;
            return;
        }
        commands_.push_back(std::move(current_));
        current_ = {};
        current_.link = next;
    }

    void bracket() {
        end_command(ShellCommand::Link::none);
        current_.words.push_back({std::string(1, peek()), line_});
        move(1);
        end_command(ShellCommand::Link::none);
    }

    void redirect() {
        if (sees("<<") && !sees("<<<")) {
            move(sees("<<-") ? 3 : 2);
            while (is_blank(peek())) move(1);
            std::string word = word_at();
            std::erase_if(word, [](char c) { return c == '\'' || c == '"' || c == '\\'; });
            here_documents_.push_back(word);
            return;
        }
        while (peek() == '<' || peek() == '>' || peek() == '&') move(1);
        while (is_blank(peek())) move(1);
        word_at();
    }

    void skip_here_documents() {
        for (const std::string& end : here_documents_)
            while (at_ < text_.size()) {
                const auto line_end = std::min(text_.find('\n', at_), text_.size());
                std::string_view part = text_.substr(at_, line_end - at_);
                move(line_end - at_ + 1);
                part.remove_prefix(std::min(part.find_first_not_of('\t'), part.size()));
                if (part == end) break;
            }
        here_documents_.clear();
    }

    void take_word() {
        ShellWord word;
        word.line = line_;
        word.raw = word_at();
        current_.words.push_back(std::move(word));
    }

    std::string word_at() {
        std::string raw;
        while (at_ < text_.size()) {
            const char c = peek();
            if (is_blank(c) || c == '\n' || c == '|' || c == ';' || c == '<' || c == '>') break;
            if (c == '&') {
                const char next = peek(1);
                const bool is_of_the_value = !is_blank(next) && next != '\n' && next != '&';
                if (!is_assignment(raw) || !is_of_the_value) break;
            }
            std::size_t length = shell_group_length(text_.substr(at_));
            if ((c == '(' || c == ')') && length == 0) {
                if (c == ')' || !is_assignment(raw)) break;
                length = group_until(text_.substr(at_), 1, ')', false, 0);
            }
            if (length == kNever)
                throw UsageError(
                    fmt::format("{}:{}: what begins here with {} is never closed, or "
                                "nests deeper than {}",
                                file_, line_, c, kDeepest));
            if (c == '\\') length = 2;
            length = std::max<std::size_t>(length, 1);
            raw += text_.substr(at_, length);
            move(length);
        }
        return raw;
    }

    std::string_view text_;
    std::string_view file_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    ShellCommand current_;
    std::vector<ShellCommand> commands_;
    std::vector<std::string> here_documents_;
};

}  // namespace

std::vector<ShellCommand> shell_commands(std::string_view text, std::string_view file) {
    return Lexer(text, file).commands();
}

std::size_t shell_group_length(std::string_view text) { return group_length(text, 0); }

std::size_t variable_name_length(std::string_view text) {
    if (text.empty() || !begins_name(text.front())) return 0;
    std::size_t length = 1;
    while (length < text.size() && is_in_name(text[length])) ++length;
    return length;
}

bool is_assignment(std::string_view raw) {
    const std::size_t length = variable_name_length(raw);
    const std::string_view rest = raw.substr(length);
    return length > 0 && (rest.starts_with('=') || rest.starts_with("+="));
}

bool is_variable_name(std::string_view text) {
    return !text.empty() && variable_name_length(text) == text.size();
}

}  // namespace dsfailover
