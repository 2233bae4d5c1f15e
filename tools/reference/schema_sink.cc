#include "schema_sink.h"

namespace dsfailover {
namespace {

using Json = nlohmann::ordered_json;

Json reference(const std::string& type) { return {{"$ref", "#/$defs/" + type}}; }

Json typed(const char* name, bool nullable) {
    return {{"type", nullable ? Json{name, "null"} : Json(name)}};
}

Json words(std::span<const std::string_view> texts, bool nullable) {
    Json list = texts;
    if (nullable) list.push_back(nullptr);
    return {{"enum", list}};
}

Json of_value(const FieldType& type) {
    switch (type.kind) {
        case FieldKind::flag:
            return typed("boolean", type.nullable);
        case FieldKind::number:
            return typed("integer", type.nullable);
        case FieldKind::count:
            return reference(type.nullable ? "count_or_null" : "count");
        case FieldKind::time:
            return reference(type.nullable ? "time_or_null" : "time");
        case FieldKind::instant:
            return reference("rfc3339");
        case FieldKind::mark_value:
            return reference("mark_value");
        case FieldKind::text:
            if (!type.words.empty()) return words(type.words, type.nullable);
            return typed("string", type.nullable);
        case FieldKind::sentence:
            break;
    }
    Json sentence = typed("string", type.nullable);
    sentence["minLength"] = 1;
    return sentence;
}

}  // namespace

Json SchemaSink::take() {
    Json taken = {{"required", open_.back().required}, {"properties", open_.back().properties}};
    open_.back() = Container();
    return taken;
}

void SchemaSink::type(std::string_view name, std::string_view about) {
    open_.back().type = name;
    open_.back().type_about = about;
}

void SchemaSink::value(std::string_view name, std::string_view about, const FieldType& type,
                       const FieldValue& /*value*/) {
    FieldType wanted = type;
    wanted.nullable = type.nullable || open_.back().fields_nullable;
    add(std::string(name), about, of_value(wanted));
}

void SchemaSink::begin(Kind kind, std::string_view name, std::string_view about,
                       Presence presence) {
    Container container;
    container.kind = kind;
    container.name = name;
    container.about = about;
    container.nullable = presence != Presence::always || open_.back().fields_nullable;
    open_.push_back(std::move(container));
}

bool SchemaSink::begin_object(std::string_view name, std::string_view about, Presence presence,
                              Layout /*layout*/) {
    begin(Kind::object, name, about, presence);
    return true;
}

bool SchemaSink::begin_map(std::string_view name, std::string_view about,
                           std::span<const std::string_view> keys, Layout /*layout*/) {
    begin(Kind::map, name, about, Presence::always);
    open_.back().keys = keys.empty() ? Json{{"pattern", "^-?[0-9]+$"}} : words(keys, false);
    return true;
}

bool SchemaSink::begin_list(std::string_view name, std::string_view about, Presence presence,
                            Layout /*layout*/) {
    begin(Kind::list, name, about, presence);
    return true;
}

void SchemaSink::end_object() { end(); }

void SchemaSink::end() {
    const Container container = std::move(open_.back());
    open_.pop_back();
    Json schema = typed(container.kind == Kind::list ? "array" : "object",
                        container.nullable && container.type.empty());
    if (container.kind == Kind::list) {
        schema["items"] = container.each;
    } else if (container.kind == Kind::map) {
        schema["propertyNames"] = container.keys;
        schema["additionalProperties"] = container.each;
    } else {
        schema["required"] = container.required;
        schema["properties"] = container.properties;
        schema["additionalProperties"] = false;
    }
    if (!container.type.empty()) {
        Json named = {{"description", container.type_about}};
        named.update(schema);
        types_[container.type] = named;
        schema = reference(container.type);
        if (container.nullable) schema = {{"anyOf", {{{"type", "null"}}, schema}}};
    }
    add(container.name, container.about, std::move(schema));
}

void SchemaSink::add(const std::string& name, std::string_view about, Json schema) {
    Json described = Json::object();
    if (!about.empty()) described["description"] = about;
    described.update(schema);
    Container& container = open_.back();
    if (container.kind != Kind::object) {
        container.each = std::move(described);
        return;
    }
    container.required.push_back(name);
    container.properties[name] = std::move(described);
}

void SchemaSink::begin_section(bool /*present*/) {
    outer_sections_.push_back(open_.back().fields_nullable);
    open_.back().fields_nullable = true;
}

void SchemaSink::end_section() {
    open_.back().fields_nullable = outer_sections_.back();
    outer_sections_.pop_back();
}

}  // namespace dsfailover
