#include "registry/jdbc/row.h"

#include <fmt/format.h>

#include "base/json.h"

namespace dsfailover {
namespace {

constexpr std::int64_t kMillisUs = 1000;

/// DolphinScheduler writes these times without fraction.
std::string whole_seconds(const std::string& time) {
    std::string text = time.substr(0, std::min<std::size_t>(time.size(), 19));
    if (text.size() > 10) text[10] = ' ';
    return text;
}

/// As a string of JSON. Thousands of rows are written at a time, and hardly any text needs an
/// escape.
std::string quoted(const std::string& text) {
    return is_plain_json(text) ? '"' + text + '"' : json_string(text);
}

}  // namespace

std::string JdbcRow::version() const {
    return fmt::format("{}|{}|{}", id, last_update_time, value);
}

std::string JdbcRow::event_json() const {
    return fmt::format(R"({{"id":{},"dataKey":{},"dataValue":{},"dataType":{},"clientId":{},)"
                       R"("createTime":{},"lastUpdateTime":{}}})",
                       id, quoted(key), quoted(value), quoted(type), client_id,
                       quoted(whole_seconds(create_time)), quoted(whole_seconds(last_update_time)));
}

JdbcRow to_row(const Row& cells) {
    JdbcRow row;
    row.id = cells.integer(0);
    row.key = cells.text(1);
    row.value = cells.text(2);
    row.type = cells.text(3);
    row.client_id = cells.integer(4);
    row.create_time = cells.text(5);
    row.last_update_time = cells.text(6);
    return row;
}

std::int64_t id_of_version(const std::string& version) {
    std::int64_t id = 0;
    for (const char c : version) {
        if (c == '|') return id;
        if (c < '0' || c > '9' || id > INT64_MAX / 10 - 1) return 0;
        id = id * 10 + (c - '0');
    }
    return 0;
}

StoredTime JdbcTimes::parse(const std::string& text) const {
    // A column with a precision of its own keeps milliseconds, as this program writes them.
    const bool has_fraction = text.find('.') != std::string::npos;
    try {
        return parse_stored_time(text, zone_,
                                 has_fraction ? std::min(precision_us_, kMillisUs) : precision_us_);
    } catch (const Error& error) {
        throw RegistryError(RegistryError::Kind::other,
                            fmt::format("JDBC registry: {}", error.what()));
    }
}

std::string JdbcTimes::format(EpochMs time) const {
    return format_stored_time(time / step_ms() * step_ms(), zone_, step_ms() * kMillisUs);
}

Node to_node(const JdbcRow& row, const JdbcTimes& times) {
    Node node;
    node.name = row.key.substr(row.key.rfind('/') + 1);
    node.value = row.value;
    node.version = row.version();
    node.created_at = times.parse(row.create_time).epoch_ms();
    node.modified_at = times.parse(row.last_update_time).epoch_ms();
    node.modified_order = node.modified_at;
    if (row.ephemeral()) node.owner = std::to_string(row.client_id);
    return node;
}

}  // namespace dsfailover
