#include "option_groups.h"

#include <algorithm>

namespace dsfailover {

std::vector<std::pair<std::string_view, std::vector<const OptionSpec*>>> grouped(
    const std::vector<const OptionSpec*>& options) {
    std::vector<std::pair<std::string_view, std::vector<const OptionSpec*>>> groups;
    for (const OptionSpec& option : all_options()) {
        const std::string_view name = option.group;
        if (std::ranges::none_of(groups, [&](const auto& group) { return group.first == name; }))
            groups.emplace_back(name, std::vector<const OptionSpec*>());
        if (std::ranges::find(options, &option) != options.end())
            std::ranges::find(groups, name, [](const auto& group) {
                return group.first;
            })->second.push_back(&option);
    }
    std::erase_if(groups, [](const auto& group) { return group.second.empty(); });
    return groups;
}

std::vector<const OptionSpec*> options_for_files() {
    std::vector<const OptionSpec*> options;
    for (const OptionSpec& option : all_options())
        if (!option.command_line_only && option.name != "config") options.push_back(&option);
    return options;
}

std::string takers_of(const OptionSpec& option) {
    std::string names;
    bool every = true;
    for (const Command* command : all_commands()) {
        const auto options = options_of(*command);
        if (std::ranges::find(options, &option) == options.end()) {
            every = every && !command->uses_cluster;
            continue;
        }
        if (!names.empty()) names += ", ";
        names += command->name;
    }
    return every ? "" : names;
}

}  // namespace dsfailover
