#include "config_example.h"

#include <fmt/format.h>

#include "option_groups.h"

namespace dsfailover {
namespace {

constexpr std::size_t kWidth = 80;

/// `text` as lines of a comment.
std::string comment(std::string_view text) {
    std::string lines = "#";
    std::size_t column = 1;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (column + 1 + end > kWidth) {
            lines += "\n#";
            column = 1;
        }
        lines += ' ';
        lines += text.substr(0, end);
        column += 1 + end;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines + "\n";
}

std::string line(const OptionSpec& option) {
    std::string value = option.default_text();
    if (option.is_flag()) value = "true";
    if (value.empty()) value = option.placeholder();
    const std::string takers = takers_of(option);
    return "\n" + comment(std::string(option.help) + (takers.empty() ? "" : " (" + takers + ")")) +
           fmt::format("#{}: {}\n", option.name, value);
}

}  // namespace

std::string config_example() {
    std::string text =
        "# Options of dsfailover for every run on this machine, see dsfailover.conf(5).\n"
        "# Remove the # in front of a name to set it; what is behind a name is its default,\n"
        "# or says what it takes. No passwords here: give the name of a file that holds one.\n";
    for (const auto& [group, options] : grouped(options_for_files())) {
        text += fmt::format("\n# == {}\n", group);
        for (const OptionSpec* option : options) text += line(*option);
    }
    return text;
}

}  // namespace dsfailover
