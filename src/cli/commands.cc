#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "cli/command.h"

namespace dsfailover {

extern const Command kFailoverMaster;
extern const Command kFailoverWorker;
extern const Command kFailoverWorkflow;
extern const Command kGlobal;
extern const Command kCleanMarks;
extern const Command kListMarks;
extern const Command kStatus;
extern const Command kExplain;
extern const Command kRequeue;
extern const Command kFinish;
extern const Command kRehost;
extern const Command kConfig;
extern const Command kHelp;
extern const Command kCompletion;
extern const Command kSandboxCreate;
extern const Command kSandboxShow;
extern const Command kSandboxServe;

std::span<const Command* const> all_commands() {
    static constexpr std::array commands = {
        &kFailoverMaster, &kFailoverWorker, &kFailoverWorkflow, &kGlobal,      &kCleanMarks,
        &kListMarks,      &kStatus,         &kExplain,          &kRequeue,     &kFinish,
        &kRehost,         &kSandboxCreate,  &kSandboxServe,     &kSandboxShow, &kConfig,
        &kCompletion,     &kHelp,
    };
    return commands;
}

std::vector<const OptionSpec*> options_of(const Command& command) {
    std::vector<std::string_view> names = command.options;
    // What can be planned can be confirmed.
    if (std::ranges::find(names, "dry-run") != names.end()) {
        names.emplace_back("confirm");
        names.emplace_back("yes");
    }
    if (command.uses_cluster)
        for (const std::string_view name :
             {"registry", "database", "database-password-file", "ds-home", "ds-env", "ds-config",
              "no-ds-env", "profile", "registry-user", "registry-password-file", "registry-ca",
              "registry-cert", "registry-key", "time-zone"})
            names.push_back(name);
    if (!command.takes_options) return {};
    for (const std::string_view name :
         {"config", "format", "output", "utc", "color", "log-level", "quiet", "no-progress"})
        if (command.has_report || (name != "format" && name != "output" && name != "utc"))
            names.push_back(name);
    std::vector<const OptionSpec*> options;
    for (const std::string_view name : names) {
        options.push_back(find_option(name, command.name));
        if (options.back() == nullptr)
            throw std::logic_error(
                fmt::format("{}: there is no option '{}' in option_table.cc", command.name, name));
    }
    return options;
}

bool takes(const Command& command, std::string_view option) {
    return std::ranges::any_of(options_of(command),
                               [&](const OptionSpec* each) { return each->name == option; });
}

CommandName name_of(const Command& command) {
    const auto space = command.name.find(' ');
    if (space == std::string_view::npos) return {"", command.name};
    return {command.name.substr(0, space), command.name.substr(space + 1)};
}

}  // namespace dsfailover
