#include "manual.h"

#include <fmt/format.h>

#include <regex>
#include <stdexcept>

#include "option_groups.h"

namespace dsfailover {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

/// Plain text as roff, options in it in bold.
std::string roff(std::string_view plain) {
    std::string text = replaced(replaced(std::string(plain), "\\", "\\e"), "-", "\\-");
    text = std::regex_replace(text, std::regex(R"(\\-\\-[a-z]([a-z]|\\-)*)"), "\\fB$&\\fR");
    if (text.starts_with('.') || text.starts_with('\'')) text.insert(0, "\\&");
    return replaced(std::move(text), "\n.", "\n\\&.");
}

std::string paragraphs(std::string_view text) { return replaced(roff(text), "\n\n", "\n.PP\n"); }

std::string value_of(const OptionSpec& option) {
    if (option.is_flag()) return "";
    std::string value = option.type == OptionType::choice
                            ? "\\fB" + replaced(option.placeholder(), "|", "\\fR|\\fB") + "\\fR"
                            : "\\fI" + option.placeholder() + "\\fR";
    if (!option.bare_value.empty()) value = "[" + value + "]";
    return " " + value;
}

/// `name` as it is typed: "--grace", or "grace:" in a file.
std::string entry(const OptionSpec& option, const std::string& name, const std::string& value,
                  const std::string& takers) {
    std::string text(option.help);
    if (option.command_line_only) text += " Command line only.";
    if (const std::string standing = option.default_text(); !standing.empty())
        text += fmt::format(" Default: {}.", standing);
    if (!takers.empty()) text += fmt::format(" ({})", takers);
    return fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", replaced(name, "-", "\\-"), value, roff(text));
}

std::string entry(const OptionSpec& option, const std::string& takers) {
    return entry(option, "--" + std::string(option.name), value_of(option), takers);
}

std::string argument_of(const Command& command) {
    const std::string name = fmt::format("\\fI{}\\fR", command.argument);
    switch (command.arguments) {
        case Command::Arguments::none:
            return "";
        case Command::Arguments::one:
            return " " + name;
        case Command::Arguments::some:
            return " " + name + "...";
        case Command::Arguments::any_number:
            return " [" + name + "...]";
    }
    return "";
}

/// The frame with `text` in the place of `mark`.
std::string filled(std::string frame, std::string_view mark, std::string_view text) {
    if (frame.find(mark) == std::string::npos)
        throw std::runtime_error(fmt::format("the frame of the page has no {}", mark));
    return replaced(std::move(frame), mark, text);
}

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

}  // namespace

std::string page_name(const Command& command) {
    return replaced("dsfailover-" + std::string(command.name), " ", "-") + ".1";
}

std::string command_page(const Command& command) {
    const std::string name = page_name(command).substr(0, page_name(command).size() - 2);
    std::string summary(command.summary);
    summary[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(summary[0])));
    std::string page = fmt::format(
        ".TH {} 1 \"\" \"dsfailover\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\n{} \\- {}\n"
        ".SH SYNOPSIS\n\\fBdsfailover {}\\fR{}{}\n.SH DESCRIPTION\n{}.\n",
        upper(replaced(name, "-", "\\-")), replaced(name, "-", "\\-"), roff(summary),
        replaced(std::string(command.name), "-", "\\-"), argument_of(command),
        command.takes_options ? " [\\fIOPTION\\fR...]" : "", roff(command.summary));
    if (!command.description.empty()) page += ".PP\n" + paragraphs(command.description) + "\n";
    if (!command.argument.empty())
        page += fmt::format(".SH ARGUMENTS\n.TP\n\\fI{}\\fR\n{}.\n", command.argument,
                            roff(command.argument_help));
    if (command.takes_options) page += ".SH OPTIONS\n";
    for (const auto& [group, options] : grouped(options_of(command))) {
        page += fmt::format(".SS {}\n", group);
        for (const OptionSpec* option : options) page += entry(*option, "");
    }
    page +=
        fmt::format(".SH EXAMPLES\n.nf\n{}.fi\n",
                    roff(replaced(std::string(command.examples), "  dsfailover", "dsfailover")));
    page +=
        ".SH SEE ALSO\n.BR dsfailover (1)\nfor what TIME, DURATION and ADDRESS are, where settings "
        "come from, and the exit status.\n";
    return page;
}

std::string config_page(std::string_view frame) {
    std::string options;
    for (const auto& [group, members] : grouped(options_for_files())) {
        options += fmt::format(".SS {}\n", group);
        for (const OptionSpec* option : members)
            options += entry(*option, std::string(option->name) + ":",
                             option->is_flag() ? " \\fBtrue\\fR|\\fBfalse\\fR" : value_of(*option),
                             takers_of(*option));
    }
    return filled(std::string(frame), "@OPTIONS@\n", options);
}

std::string main_page(std::string_view frame) {
    std::string commands, options;
    for (const Command* command : all_commands())
        commands += fmt::format(".TP\n\\fB{}\\fR{}\n{}.\n",
                                replaced(std::string(command->name), "-", "\\-"),
                                argument_of(*command), roff(command->summary));
    std::vector<const OptionSpec*> all;
    for (const OptionSpec& option : all_options()) all.push_back(&option);
    for (const auto& [group, members] : grouped(all)) {
        options += fmt::format(".SS {}\n", group);
        for (const OptionSpec* option : members) options += entry(*option, takers_of(*option));
    }
    return filled(filled(std::string(frame), "@COMMANDS@\n", commands), "@OPTIONS@\n", options);
}

}  // namespace dsfailover
