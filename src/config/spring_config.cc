#include "config/spring_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/error.h"
#include "config/yaml_file.h"

namespace dsfailover {
namespace {

constexpr int kMostPlaceholders = 100;  // of one value

/// Spring compares names in lower case and without dashes and underscores.
std::string canonical(std::string_view name) {
    std::string result;
    for (const char c : name)
        if (c != '-' && c != '_')
            result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

std::vector<std::string> split_names(std::string_view text) {
    std::vector<std::string> names;
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find(',', start), text.size());
        std::string_view name = text.substr(start, end - start);
        const auto first = std::min(name.find_first_not_of(" \t"), name.size());
        const auto last = name.find_last_not_of(" \t");
        if (first < name.size()) names.emplace_back(name.substr(first, last - first + 1));
        start = end + 1;
    }
    return names;
}

struct FlatProperty {
    std::string name;  ///< as written
    std::string value;
    std::size_t line = 0;
};
using Flat = std::vector<FlatProperty>;

/// {a: {b-c: 1}} and {a.b-c: 1} are the same: "a.b-c" -> "1". A list of scalars is joined by
/// commas, as Spring splits such a text into a list.
void flatten(const YAML::Node& node, const std::string& name, Flat& flat) {
    const auto line = static_cast<std::size_t>(node.Mark().line) + 1;
    if (node.IsScalar()) {
        flat.push_back({name, node.Scalar(), line});
    } else if (node.IsMap()) {
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) continue;
            const std::string& key = entry.first.Scalar();
            flatten(entry.second, name.empty() ? key : name + "." + key, flat);
        }
    } else if (node.IsSequence()) {
        std::string joined;
        for (const auto& part : node) {
            if (!part.IsScalar()) return;
            if (!joined.empty()) joined += ',';
            joined += part.Scalar();
        }
        flat.push_back({name, joined, line});
    } else if (node.IsNull()) {
        flat.push_back({name, "", line});
    }
}

/// The value of a property of one document; empty if there is none.
std::string value_of(const Flat& flat, std::string_view name) {
    for (const FlatProperty& property : flat)
        if (canonical(property.name) == canonical(name)) return property.value;
    return "";
}

std::string wanted_profile(const Flat& document) {
    const std::string modern = value_of(document, "spring.config.activate.on-profile");
    return modern.empty() ? value_of(document, "spring.profiles") : modern;
}

}  // namespace

SpringConfig::SpringConfig(const std::string& file, std::string_view profiles,
                           DsVariables variables)
    : variables_(std::move(variables)), file_(file) {
    std::vector<Flat> documents;
    for (const YAML::Node& document : load_yaml_file(file, "--ds-config")) {
        if (!document.IsMap() && !document.IsNull())
            throw UsageError(
                fmt::format("--ds-config {}: expected DolphinScheduler's application.yaml, found "
                            "no property names",
                            file));
        flatten(document, "", documents.emplace_back());
    }
    std::string active(profiles);
    const auto by_variable = variables_.profiles();
    if (active.empty() && by_variable) active = by_variable->value;
    const auto named_by_file = [&] {
        std::vector<std::string> named;
        for (const Flat& document : documents)
            if (named.empty() && wanted_profile(document).empty())
                named = split_names(resolved(value_of(document, "spring.profiles.active"),
                                             file + ": spring.profiles.active"));
        return named;
    };
    std::vector<std::string> names = active.empty() ? named_by_file() : split_names(active);
    if (names.empty()) names.emplace_back("default");

    std::vector<std::string> passed_over;
    bool one_holds = false;
    for (const Flat& document : documents) {
        const std::string wanted = wanted_profile(document);
        if (!wanted.empty() && !profile_expression_holds(wanted, names)) {
            passed_over.push_back(wanted);
            continue;
        }
        one_holds = one_holds || !wanted.empty();
        for (const auto& [name, value, line] : document)
            properties_.insert_or_assign(canonical(name), Property{value, name, line});
    }
    // Without its document another database would be used than the one that was meant.
    if (one_holds || passed_over.empty()) return;
    const std::vector<std::string> its_own = named_by_file();
    const bool are_its_own = std::all_of(names.begin(), names.end(), [&](const auto& name) {
        return std::find(its_own.begin(), its_own.end(), name) != its_own.end();
    });
    if (are_its_own) return;
    const std::string found = fmt::format(
        "{} has documents for {} alone{}", file, fmt::join(passed_over, ", "),
        its_own.empty()
            ? ""
            : fmt::format("; its own spring.profiles.active is {}", fmt::join(its_own, ", ")));
    if (!profiles.empty()) throw UsageError(fmt::format("--profile {}: {}", profiles, found));
    if (by_variable) warn(fmt::format("{} is {}: {}", by_variable->origin, active, found));
}

std::optional<OptionValue> SpringConfig::variable(std::string_view property) const {
    for (const bool dashes_dropped : {false, true}) {
        std::string name;
        for (const char c : property) {
            if (c == '-' && dashes_dropped) continue;
            name += c == '.' || c == '-'
                        ? '_'
                        : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        if (auto value = variables_.get(name)) return value;
    }
    return std::nullopt;
}

std::optional<OptionValue> SpringConfig::get(std::string_view property) const {
    if (auto value = variable(property)) return value;
    const auto found = properties_.find(canonical(property));
    if (found == properties_.end()) return std::nullopt;
    const std::string where =
        fmt::format("{}:{}: {}", file_, found->second.line, found->second.name);
    std::string value = resolved(found->second.value, where);
    if (value.empty()) return std::nullopt;
    return OptionValue{std::move(value), Source::ds_config, where};
}

std::string SpringConfig::resolved(std::string_view text, const std::string& where) const {
    int left = kMostPlaceholders;
    return resolve(text, where, left);
}

std::string SpringConfig::resolve(std::string_view text, const std::string& where,
                                  int& left) const {
    std::string result;
    while (!text.empty()) {
        const auto start = text.find("${");
        result += text.substr(0, start);
        if (start == std::string_view::npos) break;
        text.remove_prefix(start + 2);
        std::size_t end = 0;
        for (int open = 1; end < text.size(); ++end) {
            if (text.substr(end).starts_with("${")) ++open;
            if (text[end] == '}' && --open == 0) break;
        }
        if (end == text.size())
            throw UsageError(fmt::format("{}: a placeholder lacks its closing '}}'", where));
        result += placeholder(text.substr(0, end), where, left);
        text.remove_prefix(end + 1);
    }
    return result;
}

/// The value for the inside of ${...}: NAME or NAME:default, both of which may hold placeholders.
std::string SpringConfig::placeholder(std::string_view body, const std::string& where,
                                      int& left) const {
    if (--left < 0)
        throw UsageError(
            fmt::format("{}: its placeholders refer to each other, or are more than {}", where,
                        kMostPlaceholders));
    std::size_t colon = 0;
    for (int open = 0; colon < body.size(); ++colon) {
        if (body.substr(colon).starts_with("${")) ++open;
        if (body[colon] == '}') --open;
        if (body[colon] == ':' && open == 0) break;
    }
    const std::string name = resolve(body.substr(0, colon), where, left);
    if (auto value = variables_.get(name)) return value->value;
    if (auto value = variable(name)) return value->value;
    if (const auto found = properties_.find(canonical(name)); found != properties_.end())
        return resolve(found->second.value, where, left);
    if (colon < body.size()) return resolve(body.substr(colon + 1), where, left);
    throw UsageError(fmt::format(
        "{}: the placeholder ${{{}}} has no value; set the environment variable {} as for the "
        "masters, or give the setting as an option",
        where, name, name));
}

}  // namespace dsfailover
