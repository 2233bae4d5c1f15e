#include "report_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsfailover {
namespace {

using Json = nlohmann::ordered_json;

/// What a type of one word is called; empty: it has a section of its own.
std::string plain_name(const std::string& type) {
    if (type == "count" || type == "count_or_null") return "number";
    if (type == "time" || type == "time_or_null") return "epoch ms";
    if (type == "rfc3339") return "time";
    if (type == "mark_value") return "number or text";
    if (type == "string") return "text";
    if (type == "integer") return "number";
    if (type == "boolean") return "true or false";
    return "";
}

std::string words(const Json& list) {
    std::string text;
    for (const Json& word : list)
        text += fmt::format("{}`{}`", text.empty() ? "" : ", ",
                            word.is_string() ? word.get<std::string>() : word.dump());
    return text;
}

/// What the field holds, as a reader calls it.
std::string type_of(const Json& field) {
    if (field.contains("anyOf")) return type_of(field["anyOf"][1]);
    if (field.contains("const")) return field["const"].dump();
    if (field.contains("enum")) return words(field["enum"]);
    if (field.contains("$ref")) {
        const std::string type = field["$ref"].get<std::string>().substr(8);
        const std::string plain = plain_name(type);
        return plain.empty() ? fmt::format("[{0}](#{0})", type) : plain;
    }
    const Json& type = field["type"];
    const std::string name = type.is_array() ? type[0] : type;
    if (name == "array") {
        const Json& items = field["items"];
        return items.contains("properties") ? "list" : "list of " + type_of(items);
    }
    if (name != "object") return plain_name(name);
    if (!field.contains("propertyNames")) return "object";
    return field["propertyNames"].contains("enum")
               ? "number for each of " + words(field["propertyNames"]["enum"])
               : "object for each key";
}

std::string row(const std::string& name, const Json& field) {
    return fmt::format("| `{}` | {} | {} |\n", name, type_of(field),
                       field.value("description", ""));
}

/// A row for each field; what stands in an object or a list without a name stands beneath it.
std::string rows(const Json& properties, const std::string& prefix = "") {
    std::string text;
    for (const auto& [name, field] : properties.items()) {
        text += row(prefix + name, field);
        const Json& inner = field.contains("items") ? field["items"] : field;
        const bool list = field.contains("items");
        if (inner.contains("properties"))
            text += rows(inner["properties"], prefix + name + (list ? "[]." : "."));
        else if (field.contains("propertyNames") && field["additionalProperties"].is_object() &&
                 field["additionalProperties"].contains("properties"))
            text += rows(field["additionalProperties"]["properties"], prefix + name + ".*.");
    }
    return text;
}

std::string table(const Json& properties) {
    return "| field | holds | |\n|---|---|---|\n" + rows(properties);
}

}  // namespace

std::string report_list(const Json& schema) {
    std::string text =
        "# Fields of the report\n\n"
        "Made by `scripts/generate-reference` from the descriptions in `src/report/fields`; do not "
        "edit. [report.schema.json](report.schema.json) says the same for programs; what the words "
        "mean, and the rules behind them, is in [behaviour.md](behaviour.md#the-report).\n\n"
        "Every field listed is always there; where there is nothing to say it is null, or an empty "
        "list. `_omitted` counts what `--items` cut off.\n\n"
        "## Every report\n\n" +
        table(schema["properties"]);
    for (const Json& rule : schema["allOf"]) {
        const Json& commands = rule["if"]["properties"].value("command", Json());
        if (!rule.contains("then") || commands.is_null()) continue;
        std::string names;
        for (const Json& name : commands["enum"])
            names += (names.empty() ? "" : ", ") + name.get<std::string>();
        text += fmt::format("\n## Of {}\n\n{}", names, table(rule["then"]["properties"]));
    }
    for (const auto& [name, type] : schema["$defs"].items())
        if (type.contains("properties"))
            text += fmt::format("\n## {}\n\n{}\n\n{}", name, type.value("description", ""),
                                table(type["properties"]));
    return text;
}

}  // namespace dsfailover
