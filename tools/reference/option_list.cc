#include "option_list.h"

#include <fmt/format.h>

#include "option_groups.h"

namespace dsfailover {
namespace {

std::string cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
        text.insert(at, 1, '\\');
    return text;
}

std::string line(const OptionSpec& option) {
    std::string name = "--" + std::string(option.name);
    const std::string value = option.placeholder();
    if (!value.empty()) name += option.bare_value.empty() ? " " + value : " [" + value + "]";
    std::string help(option.help);
    if (option.command_line_only) help += " Command line only.";
    const std::string standing = option.default_text();
    const std::string takers = takers_of(option);
    return fmt::format("| `{}` | {} | {} | {} |\n", cell(name),
                       standing.empty() ? "" : fmt::format("`{}`", standing),
                       takers.empty() ? "all" : takers, cell(help));
}

}  // namespace

std::string option_list() {
    std::string text =
        "# Options\n\n"
        "Made by `scripts/generate-reference` from the table of options in "
        "`src/config/option_table.cc`; do not edit. What they are for, and the rules behind them, "
        "is in [behaviour.md](behaviour.md).\n\n"
        "Options can also be given in the environment (`DSFAILOVER_GRACE=1m`) or in a `--config` "
        "file (`grace: 1m`), but those for the command line only. *all*: every command, or, where "
        "the cluster is, every command that looks at one.\n";
    std::vector<const OptionSpec*> all;
    for (const OptionSpec& option : all_options()) all.push_back(&option);
    for (const auto& [group, options] : grouped(all)) {
        text +=
            fmt::format("\n## {}\n\n| option | default | commands | |\n|---|---|---|---|\n", group);
        for (const OptionSpec* option : options) text += line(*option);
    }
    return text;
}

}  // namespace dsfailover
