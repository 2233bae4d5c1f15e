#include "cli/completion.h"

#include <algorithm>
#include <map>

#include "cli/version.h"

namespace dsfailover {
namespace {

constexpr std::string_view kHelp = "--help";

/// The words before the cursor, read as far as they tell what fits there.
struct Line {
    std::string_view group;              ///< "sandbox", where it was typed alone
    const Command* command = nullptr;    ///< nullptr: not typed yet
    const OptionSpec* option = nullptr;  ///< whose value stands at the cursor
    bool options_end = false;            ///< behind "--"
    std::size_t arguments = 0;
    GivenOptions options;
    std::string word;   ///< the part to complete
    std::string fixed;  ///< what stands before it in the same word: "--format="
};

const Command* command_named(std::string_view group, std::string_view name) {
    for (const Command* command : all_commands())
        if (name_of(*command).group == group && name_of(*command).name == name) return command;
    return nullptr;
}

bool is_group(std::string_view name) {
    return std::ranges::any_of(
        all_commands(), [&](const Command* command) { return name_of(*command).group == name; });
}

const OptionSpec* option_of(const Command& command, std::string_view word) {
    for (const OptionSpec* option : options_of(command))
        if (word == "--" + std::string(option->name)) return option;
    return nullptr;
}

/// Whether the option's value is the next word.
bool takes_next(const OptionSpec& option, std::string_view next) {
    return !option.is_flag() && (option.bare_value.empty() || option.takes(next));
}

void read_option(Line& line, const std::string& word, const std::string& next, bool next_is_last,
                 bool& skip) {
    const auto equals = word.find('=');
    const OptionSpec* option = option_of(*line.command, word.substr(0, equals));
    if (option == nullptr) return;
    if (equals != std::string::npos) {
        line.options[std::string(option->name)] = word.substr(equals + 1);
    } else if (option->is_flag()) {
        line.options[std::string(option->name)] = "true";
    } else if (next_is_last) {
        line.option = option;
    } else if (takes_next(*option, next)) {
        line.options[std::string(option->name)] = next;
        skip = true;
    }
}

void read_last(Line& line, const std::string& word) {
    line.word = word;
    const auto equals = word.find('=');
    if (line.command == nullptr || line.options_end || !word.starts_with("--") ||
        equals == std::string::npos)
        return;
    line.option = option_of(*line.command, word.substr(0, equals));
    if (line.option == nullptr) return;
    line.fixed = word.substr(0, equals + 1);
    line.word = word.substr(equals + 1);
}

Line read_line(const std::vector<std::string>& words) {
    Line line;
    const std::size_t last = words.size() - 1;
    for (std::size_t i = 0; i < last; ++i) {
        const std::string& word = words[i];
        bool skip = false;
        if (line.command == nullptr) {
            line.command = command_named(line.group, word);
            if (line.command == nullptr && line.group.empty() && is_group(word)) line.group = word;
        } else if (line.options_end || !word.starts_with('-')) {
            ++line.arguments;
        } else if (word == "--") {
            line.options_end = true;
        } else {
            read_option(line, word, words[i + 1], i + 1 == last, skip);
        }
        if (skip) ++i;
    }
    read_last(line, words[last]);
    return line;
}

/// The first sentence of a help text, without its full stop.
std::string first_sentence(std::string_view help) {
    for (std::size_t at = 0; (at = help.find_first_of(".:;", at)) != std::string_view::npos; ++at)
        if (at + 1 == help.size() || help[at + 1] == ' ') return std::string(help.substr(0, at));
    return std::string(help);
}

class Completer {
  public:
    explicit Completer(Line line) : line_(std::move(line)) {}

    Completion complete() && {
        if (line_.option != nullptr)
            add_value(*line_.option);
        else if (line_.command == nullptr)
            add_commands();
        else if (!line_.options_end && line_.word.starts_with('-'))
            add_options();
        else
            add_argument();
        // A choice without a value of its own may be followed by anything else.
        if (line_.option != nullptr && !line_.option->bare_value.empty() && line_.fixed.empty() &&
            line_.word.starts_with('-'))
            add_options();
        return std::move(result_);
    }

  private:
    void add(std::string word, std::string what) {
        if (word.starts_with(line_.word))
            result_.candidates.push_back({line_.fixed + std::move(word), std::move(what)});
    }

    void add_commands() {
        std::map<std::string, bool> groups;
        for (const Command* command : all_commands()) {
            const auto [group, name] = name_of(*command);
            if (group == line_.group)
                add(std::string(name), std::string(command->summary));
            else if (line_.group.empty() && groups.emplace(group, true).second)
                add(std::string(group), std::string(kGroupSummary));
        }
        if (!line_.word.starts_with('-')) return;
        add(std::string(kHelp), "Print help and exit");
        if (line_.group.empty()) add("--version", kVersionHelp);
    }

    void add_options() {
        for (const OptionSpec* option : options_of(*line_.command))
            if (!line_.options.contains(option->name))
                add("--" + std::string(option->name), first_sentence(option->help));
        add(std::string(kHelp), "Print help and exit");
    }

    void add_value(const OptionSpec& option) {
        result_.files = option.type == OptionType::file;
        for (const std::string_view choice : option.choices) add(std::string(choice), "");
        if (option.type == OptionType::address) add_live("ADDRESS");
    }

    void add_argument() {
        const Command& command = *line_.command;
        if (command.argument == "COMMAND" && line_.arguments == 0) return add_commands();
        const bool more = command.arguments == Command::Arguments::some ||
                          command.arguments == Command::Arguments::any_number;
        if (command.arguments == Command::Arguments::none || (line_.arguments > 0 && !more)) return;
        result_.files = command.argument == "FILE";
        for (const std::string_view choice : command.argument_choices) add(std::string(choice), "");
        if (command.uses_cluster) add_live(command.argument);
    }

    void add_live(std::string_view argument) {
        result_.live = LiveWish{line_.command, argument, line_.options, line_.word, line_.fixed};
    }

    Line line_;
    Completion result_;
};

}  // namespace

Completion complete(const std::vector<std::string>& words) {
    return Completer(read_line(words.empty() ? std::vector<std::string>{""} : words)).complete();
}

std::string lines_of(const Completion& completion) {
    std::string lines;
    for (const Candidate& candidate : completion.candidates) {
        lines += candidate.word;
        if (!candidate.what.empty()) lines += '\t' + candidate.what;
        lines += '\n';
    }
    if (completion.files) lines += ":files\n";
    return lines;
}

}  // namespace dsfailover
