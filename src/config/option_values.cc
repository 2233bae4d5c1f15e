#include "config/option_values.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "config/option_table.h"
#include "config/yaml_file.h"

namespace dsfailover {
namespace {

void refuse_command_line_only(const OptionSpec& option, std::string_view where) {
    throw UsageError(
        fmt::format("{}: --{} can only be given on the command line, for the one run it is meant "
                    "for; remove it there",
                    where, option.name));
}

std::string scalar_or_list(const YAML::Node& node, std::string_view where) {
    if (node.IsScalar()) return node.Scalar();
    std::string joined;
    bool all_scalars = node.IsSequence();
    for (const auto& part : node) {
        if (!all_scalars || !part.IsScalar()) {
            all_scalars = false;
            break;
        }
        if (!joined.empty()) joined += ',';
        joined += part.Scalar();
    }
    if (!all_scalars)
        throw UsageError(fmt::format("{}: expected one value, found a nested structure", where));
    return joined;
}

/// Adds what the file has and `values` have not. `named_by` is what named the file, for messages;
/// `label` follows its name in them.
void read_config_file(const std::string& file, std::string_view named_by, std::string_view label,
                      OptionValues& values) {
    for (const YAML::Node& document : load_yaml_file(file, named_by)) {
        if (document.IsNull()) continue;
        if (!document.IsMap())
            throw UsageError(fmt::format(
                "{}{}: expected lines like \"grace: 30s\", found no option names", file, label));
        for (const auto& entry : document) {
            const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
            const std::string where =
                fmt::format("{}:{}{}", file, entry.first.Mark().line + 1, label);
            const OptionSpec* option = find_option(name);
            // Behind a blank or '=' a line without its colon has the value, which may be secret.
            if (option == nullptr)
                throw UsageError(fmt::format(
                    "{}: there is no option '{}'; options are written without the dashes, with a "
                    "colon and a blank behind them, for instance \"lock-timeout: 1m\"",
                    where, name.substr(0, name.find_first_of(" \t\n=:"))));
            if (!is_for_environment(name)) refuse_command_line_only(*option, where);
            if (option->name == "config")
                throw UsageError(fmt::format("{}: a file of options cannot name another", where));
            if (entry.second.IsNull()) continue;
            values.try_emplace(
                name, OptionValue{scalar_or_list(entry.second, where), Source::config_file, where});
        }
    }
}

void read_if_there(const std::filesystem::path& file, OptionValues& values) {
    std::error_code ignored;  // under `sudo -u` HOME may be somebody else's
    if (std::filesystem::exists(file, ignored))
        read_config_file(file, "the configuration file", "", values);
}

/// The user's own folder of settings, by the XDG rules, which know absolute paths alone; empty:
/// there is none.
std::filesystem::path user_folder(const Environment& environment) {
    const std::filesystem::path xdg = environment("XDG_CONFIG_HOME").value_or("");
    if (xdg.is_absolute()) return xdg / "dsfailover";
    const std::filesystem::path home = environment("HOME").value_or("");
    return home.is_absolute() ? home / ".config" / "dsfailover" : std::filesystem::path();
}

}  // namespace

Environment process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
}

std::string environment_name(std::string_view option) {
    std::string name = "DSFAILOVER_";
    for (const char c : option) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return name;
}

OptionValues collect_options(const GivenOptions& given, const Environment& environment,
                             std::string_view system_folder) {
    OptionValues values;
    for (const auto& [name, value] : given)
        values.emplace(name, OptionValue{value, Source::command_line, "option --" + name});
    for (const OptionSpec& option : all_options()) {
        const std::string variable = environment_name(option.name);
        const std::optional<std::string> value = environment(variable);
        if (!value) continue;
        if (!is_for_environment(option.name)) refuse_command_line_only(option, variable);
        values.try_emplace(std::string(option.name),
                           OptionValue{*value, Source::environment, variable});
    }
    if (const OptionValue* file = find(values, "config"))
        read_config_file(file->value, "--config", " (--config)", values);
    constexpr const char* kName = "config.yaml";
    if (const auto folder = user_folder(environment); !folder.empty())
        read_if_there(folder / kName, values);
    read_if_there(std::filesystem::path(system_folder) / kName, values);
    return values;
}

const OptionValue* find(const OptionValues& values, std::string_view name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
}

std::string named(std::string_view option, const OptionValue& value) {
    switch (value.source) {
        case Source::command_line:
            return fmt::format("--{}", option);
        case Source::environment:
        case Source::config_file:
            return fmt::format("{} (--{})", value.origin, option);
        default:
            return value.origin;
    }
}

bool is_set(const OptionValues& values, std::string_view flag) {
    const OptionValue* given = find(values, flag);
    if (given == nullptr) return false;
    std::string value = given->value;
    std::ranges::transform(value, value.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const std::string_view yes : {"true", "yes", "on", "1"})
        if (value == yes) return true;
    for (const std::string_view no : {"false", "no", "off", "0"})
        if (value == no) return false;
    throw UsageError(fmt::format("{}: '{}' is neither true nor false (--{})", given->origin,
                                 given->value, flag));
}

}  // namespace dsfailover
