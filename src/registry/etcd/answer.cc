#include "registry/etcd/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/base64.h"
#include "registry/registry.h"

namespace dsfailover {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestShown = 200;
/// Longer than any lease, and short enough to be counted in milliseconds.
constexpr std::int64_t kLongestLeaseSeconds = 10'000'000'000;

/// nullptr: it is left out.
const json* field_of(const json& object, const char* field) {
    const auto found = object.find(field);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void fail(const json& found, const char* field, std::string_view expected) {
    const std::string shown = found.is_structured() ? found.type_name() : found.dump();
    throw RegistryError(RegistryError::Kind::other,
                        fmt::format("etcd answers {} for {}, which is not {}",
                                    shown.substr(0, kLongestShown), field, expected));
}

std::optional<std::int64_t> integer_in(const json& value) {
    if (value.is_number_unsigned() &&
        value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        return std::nullopt;
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (!value.is_string()) return std::nullopt;
    const std::string& text = value.get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

EtcdKey to_key(const json& object) {
    return {etcd_bytes(object, "key"), etcd_bytes(object, "value"),
            etcd_integer(object, "create_revision"), etcd_integer(object, "mod_revision"),
            etcd_integer(object, "lease")};
}

}  // namespace

std::string EtcdKey::lease_hex() const { return lease == 0 ? "" : fmt::format("{:x}", lease); }

json etcd_answer(std::string_view body) {
    json answer = json::parse(body.substr(0, body.find('\n')), nullptr, false);
    if (answer.is_object() && answer.contains("result")) return std::move(answer["result"]);
    return answer;
}

bool is_etcd_answer(const json& answer) {
    const auto absent_or = [&](const char* field, bool (json::*is_type)() const noexcept) {
        const json* found = field_of(answer, field);
        return !found || (found->*is_type)();
    };
    return answer.is_object() && absent_or("code", &json::is_number_integer) &&
           absent_or("more", &json::is_boolean) && absent_or("succeeded", &json::is_boolean) &&
           absent_or("token", &json::is_string) && absent_or("kvs", &json::is_array);
}

std::string etcd_problem(long http_status, const json& answer) {
    if (!is_etcd_answer(answer))
        return fmt::format(
            "answers HTTP status {} without JSON that is etcd's; is this the client port of etcd "
            "3.4 or later?",
            http_status);
    if (http_status == 200) return "";
    for (const char* field : {"message", "error"})
        if (const json* text = field_of(answer, field); text && text->is_string() && *text != "")
            return text->get<std::string>();
    return fmt::format("answers HTTP status {}", http_status);
}

std::int64_t etcd_code(const json& answer) {
    const json* code = answer.is_object() ? field_of(answer, "code") : nullptr;
    return code ? integer_in(*code).value_or(0) : 0;
}

std::int64_t etcd_integer(const json& object, const char* field) {
    const json* found = field_of(object, field);
    if (!found) return 0;
    const auto number = integer_in(*found);
    if (!number) fail(*found, field, "an integer");
    return *number;
}

std::string etcd_bytes(const json& object, const char* field) {
    const json* found = field_of(object, field);
    if (!found) return "";
    std::optional<std::string> bytes;
    if (found->is_string()) bytes = from_base64(found->get_ref<const std::string&>());
    if (!bytes) fail(*found, field, "Base64");
    return *std::move(bytes);
}

std::string etcd_text(const json& object, const char* field) {
    const json* found = field_of(object, field);
    if (!found) return "";
    if (!found->is_string()) fail(*found, field, "text");
    return found->get<std::string>();
}

bool etcd_flag(const json& object, const char* field) {
    const json* found = field_of(object, field);
    if (!found) return false;
    if (!found->is_boolean()) fail(*found, field, "true or false");
    return found->get<bool>();
}

Millis etcd_time_to_live(const json& answer) {
    return std::chrono::seconds(
        std::clamp<std::int64_t>(etcd_integer(answer, "TTL"), -1, kLongestLeaseSeconds));
}

std::vector<EtcdKey> etcd_keys(const json& range) {
    const json* found = field_of(range, "kvs");
    if (!found) return {};
    if (!found->is_array()) fail(*found, "kvs", "a list of keys");
    std::vector<EtcdKey> keys;
    keys.reserve(found->size());
    for (const json& object : *found) {
        if (!object.is_object()) fail(object, "kvs", "a list of keys");
        keys.push_back(to_key(object));
    }
    return keys;
}

}  // namespace dsfailover
