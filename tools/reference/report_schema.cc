#include "report_schema.h"

#include <algorithm>

#include "cli/command.h"
#include "report/fields/describe.h"
#include "schema_sink.h"

namespace dsfailover {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAbout =
    "What every command prints on stdout with --format json. This schema is strict: it names every "
    "field this version prints, so that the project's tests notice a field that drifts. Later "
    "versions may add fields within schema_version 1, and no field changes its meaning; a consumer "
    "must tolerate fields it does not know. Times are epoch milliseconds, as in the registry, "
    "except those named *_at (RFC 3339, UTC).";

Json command_is(const Json& commands) {
    return {{"properties", {{"command", {{"enum", commands}}}}}};
}

struct Sections {
    Json fields;
    Json commands;  ///< that have just these
};

/// A rule for the sections of each command; commands with equal ones share it.
Json sections_by_command(SchemaSink& sink) {
    std::vector<Sections> all;
    for (const Command* command : all_commands()) {
        if (!command->has_report) continue;
        Report report;
        report.command = command->name;
        describe_sections(sink, report);
        Sections sections{sink.take(), Json::array()};
        if (sections.fields["required"].empty()) continue;
        auto found = std::find_if(all.begin(), all.end(), [&](const Sections& other) {
            return other.fields == sections.fields;
        });
        if (found == all.end()) found = all.insert(found, std::move(sections));
        found->commands.push_back(command->name);
    }
    Json rules = Json::array();
    for (const Sections& each : all)
        rules.push_back({{"if", command_is(each.commands)}, {"then", each.fields}});
    return rules;
}

/// What holds between fields of every report.
void add_rules(Json& rules) {
    rules.push_back({{"if", command_is({"failover-master", "failover-worker", "global"})},
                     {"else", {{"properties", {{"event", {{"type", "null"}}}}}}}});
    const auto where_status_is = [](const Json& statuses) -> Json {
        return {{"properties", {{"exit_code", {{"enum", statuses}}}}}};
    };
    rules.push_back({{"if", where_status_is({130, 143})},
                     {"then", {{"properties", {{"outcome", {{"const", "interrupted"}}}}}}}});
    rules.push_back({{"if", where_status_is({1, 2, 3, 4, 5, 6})},
                     {"then", {{"properties", {{"errors", {{"minItems", 1}}}}}}}});
}

Json commands_with_a_report() {
    Json names = Json::array();
    for (const Command* command : all_commands())
        if (command->has_report) names.push_back(command->name);
    return names;
}

void add_simple_types(Json& types) {
    types["count"] = {{"type", "integer"}, {"minimum", 0}};
    types["count_or_null"] = {{"type", {"integer", "null"}}, {"minimum", 0}};
    types["time"] = {{"description", "Epoch milliseconds."}, {"type", "integer"}};
    types["time_or_null"] = {{"description", "Epoch milliseconds."}, {"type", {"integer", "null"}}};
    types["rfc3339"] = {
        {"type", "string"},
        {"pattern", R"(^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$)"}};
    types["mark_value"] = {{"type", {"integer", "string", "null"}}};
}

}  // namespace

Json report_schema() {
    SchemaSink sink;
    describe_general(sink, Report());
    Json general = sink.take();
    general["properties"]["schema_version"] = {{"const", 1}};
    general["properties"]["command"].update({{"enum", commands_with_a_report()}});
    general["properties"]["exit_code"].update({{"enum", {0, 1, 2, 3, 4, 5, 6, 7, 130, 143}}});
    Json rules = sections_by_command(sink);
    add_rules(rules);
    Json types = sink.types();
    add_simple_types(types);
    return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
            {"$id", "urn:dsfailover:report:1"},
            {"title", "Report of dsfailover, schema_version 1"},
            {"description", kAbout},
            {"type", "object"},
            {"required", general["required"]},
            {"properties", general["properties"]},
            {"allOf", rules},
            {"unevaluatedProperties", false},
            {"$defs", types}};
}

}  // namespace dsfailover
