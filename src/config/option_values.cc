#include "config/option_values.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>

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

void read_config_file(const std::string& file, OptionValues& values) {
    for (const YAML::Node& document : load_yaml_file(file, "--config")) {
        if (document.IsNull()) continue;
        if (!document.IsMap())
            throw UsageError(fmt::format(
                "{} (--config): expected lines like \"grace: 30s\", found no option names", file));
        for (const auto& entry : document) {
            const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
            const std::string where =
                fmt::format("{}:{} (--config)", file, entry.first.Mark().line + 1);
            const OptionSpec* option = find_option(name);
            // Behind a blank or '=' a line without its colon has the value, which may be secret.
            if (option == nullptr)
                throw UsageError(fmt::format(
                    "{}: there is no option '{}'; options are written without the dashes, with a "
                    "colon and a blank behind them, for instance \"lock-timeout: 1m\"",
                    where, name.substr(0, name.find_first_of(" \t\n=:"))));
            if (!is_for_environment(name)) refuse_command_line_only(*option, where);
            if (option->name == "config")
                throw UsageError(fmt::format("{}: a --config file cannot name another", where));
            if (entry.second.IsNull()) continue;
            values.try_emplace(name,
                               OptionValue{scalar_or_list(entry.second, where), Source::config_file,
                                           fmt::format("{} (--config)", file)});
        }
    }
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

OptionValues collect_options(const GivenOptions& given, const Environment& environment) {
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
    if (const OptionValue* file = find(values, "config")) read_config_file(file->value, values);
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
