#include "cli/command.h"
#include "cli/invocation.h"
#include "cli/options.h"
#include "config/option_table.h"

namespace dsfailover {
namespace {

/// Which options are no settings but say where settings are, or were resolved into others.
bool is_shown_already(const std::vector<SettingItem>& shown, const OptionSpec& option) {
    for (const SettingItem& item : shown)
        if (item.name == option.name) return true;
    return option.group == "The event" || option.command_line_only || option.name == "check" ||
           option.name == "address" || option.name == "dry-run";
}

/// Shows what there is before it says what is wrong with it.
void run(Invocation& invocation) {
    std::vector<SettingItem>& shown = invocation.report().settings.emplace();
    for (const SettingOrigin& setting : invocation.settings().origins)
        shown.push_back({setting.name, setting.value, setting.origin});
    for (const OptionSpec& option : all_options()) {
        if (is_shown_already(shown, option)) continue;
        const std::string standing = option.default_text();
        if (const OptionValue* given = find(invocation.options(), option.name))
            shown.push_back({std::string(option.name), given->value, given->origin});
        else if (!standing.empty())
            shown.push_back({std::string(option.name), standing, "default"});
    }
    invocation.zone();
    failover_options(invocation.options());
}

}  // namespace

extern const Command kConfig;
const Command kConfig{
    .name = "config",
    .summary = "Show the effective configuration and where each value came from",
    .description = "Secrets are hidden. Contacts nothing.",
    .options = {"grace", "fence-timeout", "lock-timeout", "limit", "wait", "unclaimed-after",
                "older-than", "items", "audit-log"},
    .examples =
        "  dsfailover config --format table\n"
        "  dsfailover config --format table --ds-home /opt/dolphinscheduler\n"
        "  dsfailover config --ds-config application.yaml --profile mysql\n",
    .run = run,
};

}  // namespace dsfailover
