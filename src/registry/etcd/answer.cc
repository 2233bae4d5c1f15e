#include "registry/etcd/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/base64.h"
#include "registry/registry.h"

namespace dsfailover {
namespace {

constexpr std::size_t kLongestShown = 200;
/// Longer than any lease, and short enough to be counted in milliseconds.
constexpr std::int64_t kLongestLeaseSeconds = 10'000'000'000;

/// nullptr: it is left out.
const Json* field_of(const Json& object, const char* field) {
    const Json* const found = object.find(field);
    return found && found->is_null() ? nullptr : found;
}

[[noreturn]] void fail(const Json& found, const char* field, std::string_view expected) {
    const std::string shown = found.is_object()  ? "an object"
                              : found.is_array() ? "a list"
                                                 : found.dump();
    throw RegistryError(RegistryError::Kind::other,
                        fmt::format("etcd answers {} for {}, which is not {}",
                                    shown.substr(0, kLongestShown), field, expected));
}

std::optional<std::int64_t> integer_in(const Json& value) {
    const std::string* const text = value.text();
    if (!text) return value.integer();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    const bool whole = error == std::errc() && end == text->data() + text->size();
    return whole ? std::optional(number) : std::nullopt;
}

EtcdKey to_key(const Json& object) {
    return {etcd_bytes(object, "key"), etcd_bytes(object, "value"),
            etcd_integer(object, "create_revision"), etcd_integer(object, "mod_revision"),
            etcd_integer(object, "lease")};
}

}  // namespace

std::string EtcdKey::lease_hex() const { return lease == 0 ? "" : fmt::format("{:x}", lease); }

Json etcd_answer(std::string_view body) {
    Json answer = Json::parse_object(body.substr(0, body.find('\n')));
    if (answer.find("result")) return std::move(answer["result"]);
    return answer;
}

bool is_etcd_answer(const Json& answer) {
    const auto absent_or = [&](const char* field, auto is_type) {
        const Json* found = field_of(answer, field);
        return !found || is_type(*found);
    };
    const auto is_integer = [](const Json& value) { return value.integer().has_value(); };
    const auto is_flag = [](const Json& value) { return value.flag().has_value(); };
    const auto is_text = [](const Json& value) { return value.text() != nullptr; };
    const auto is_list = [](const Json& value) { return value.is_array(); };
    return answer.is_object() && absent_or("code", is_integer) && absent_or("more", is_flag) &&
           absent_or("succeeded", is_flag) && absent_or("token", is_text) &&
           absent_or("kvs", is_list);
}

std::string etcd_problem(long http_status, const Json& answer) {
    if (!is_etcd_answer(answer))
        return fmt::format(
            "answers HTTP status {} without JSON that is etcd's; is this the client port of etcd "
            "3.4 or later?",
            http_status);
    if (http_status == 200) return "";
    for (const char* field : {"message", "error"})
        if (const std::string* text = answer.text(field); text && !text->empty()) return *text;
    return fmt::format("answers HTTP status {}", http_status);
}

std::int64_t etcd_code(const Json& answer) { return answer.integer("code").value_or(0); }

std::int64_t etcd_integer(const Json& object, const char* field) {
    const Json* found = field_of(object, field);
    if (!found) return 0;
    const auto number = integer_in(*found);
    if (!number) fail(*found, field, "an integer");
    return *number;
}

std::string etcd_bytes(const Json& object, const char* field) {
    const Json* found = field_of(object, field);
    if (!found) return "";
    std::optional<std::string> bytes;
    if (const std::string* text = found->text()) bytes = from_base64(*text);
    if (!bytes) fail(*found, field, "Base64");
    return *std::move(bytes);
}

std::string etcd_text(const Json& object, const char* field) {
    const Json* found = field_of(object, field);
    if (!found) return "";
    if (!found->text()) fail(*found, field, "text");
    return *found->text();
}

bool etcd_flag(const Json& object, const char* field) {
    const Json* found = field_of(object, field);
    if (!found) return false;
    const auto flag = found->flag();
    if (!flag) fail(*found, field, "true or false");
    return *flag;
}

Millis etcd_time_to_live(const Json& answer) {
    return std::chrono::seconds(
        std::clamp<std::int64_t>(etcd_integer(answer, "TTL"), -1, kLongestLeaseSeconds));
}

std::vector<EtcdKey> etcd_keys(const Json& range) {
    const Json* found = field_of(range, "kvs");
    if (!found) return {};
    if (!found->is_array()) fail(*found, "kvs", "a list of keys");
    std::vector<EtcdKey> keys;
    keys.reserve(found->elements().size());
    for (const Json& object : found->elements()) {
        if (!object.is_object()) fail(object, "kvs", "a list of keys");
        keys.push_back(to_key(object));
    }
    return keys;
}

}  // namespace dsfailover
