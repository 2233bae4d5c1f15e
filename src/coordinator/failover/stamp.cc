#include "coordinator/failover/stamp.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/time_zone.h"
#include "coordinator/marks/mark_value.h"

namespace dsfailover {

namespace {

constexpr std::size_t kMostBytes = 60'000;
constexpr std::string_view kAsBefore = "=";

// Takes what stands before the first separator off the text, and the separator.
std::string_view cut(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

std::optional<SeenMaster> parse_master(std::string_view text) {
    const auto at = text.rfind('@');
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    SeenMaster master{std::string(text.substr(0, at)), std::nullopt};
    const std::string_view startup_time = text.substr(at + 1);
    if (startup_time.empty()) return master;
    master.startup_time = parse_mark_value(startup_time);
    return master.startup_time ? std::optional(master) : std::nullopt;
}

bool is_zone(std::string_view name) {
    try {
        return !TimeZone(name).name().empty();
    } catch (const UsageError&) {
        return false;
    }
}

// VALUE, VALUE|= or VALUE|ZONE|MASTER@STARTUP...
std::optional<Stamp> parse_stamp(std::string_view text, const Stamp& before) {
    const bool whole = !text.ends_with('|');
    const auto value = parse_mark_value(cut(text, '|'));
    if (!value || !whole) return std::nullopt;
    Stamp stamp{*value, "", {}};
    if (text.empty()) return stamp;
    stamp.zone = cut(text, '|');
    if (stamp.zone == kAsBefore) {
        if (!before.knows_origin() || !text.empty()) return std::nullopt;
        return Stamp{*value, before.zone, before.masters};
    }
    if (stamp.zone.empty() || (stamp.zone != before.zone && !is_zone(stamp.zone)))
        return std::nullopt;
    while (!text.empty()) {
        auto master = parse_master(cut(text, '|'));
        if (!master) return std::nullopt;
        stamp.masters.push_back(std::move(*master));
    }
    return stamp;
}

// A name with one of our separators is not an address: written so that it never counts as living.
std::string without_separators(std::string address) {
    for (char& c : address)
        if (c == ',' || c == '|') c = '?';
    return address;
}

std::string format_as_they_are(std::span<const Stamp> stamps) {
    std::string text;
    const Stamp* before = nullptr;
    for (const Stamp& stamp : stamps) {
        if (before) text += ',';
        text += std::to_string(stamp.value);
        if (stamp.knows_origin() && before && stamp.zone == before->zone &&
            stamp.masters == before->masters) {
            text += fmt::format("|{}", kAsBefore);
        } else if (stamp.knows_origin()) {
            text += '|' + stamp.zone;
            for (const SeenMaster& master : stamp.masters) {
                text += '|' + without_separators(master.address) + '@';
                if (master.startup_time) text += std::to_string(*master.startup_time);
            }
        }
        before = &stamp;
    }
    return text;
}

}  // namespace

std::optional<std::vector<Stamp>> parse_stamps(std::string_view text) {
    std::vector<Stamp> stamps;
    if (text.ends_with(',')) return std::nullopt;
    while (!text.empty()) {
        auto stamp = parse_stamp(cut(text, ','), stamps.empty() ? Stamp{} : stamps.back());
        if (!stamp) return std::nullopt;
        stamps.push_back(std::move(*stamp));
    }
    std::stable_sort(stamps.begin(), stamps.end(),
                     [](const Stamp& a, const Stamp& b) { return a.value < b.value; });
    return stamps;
}

std::string format_stamps(std::vector<Stamp> stamps) {
    std::string text = format_as_they_are(stamps);
    for (auto oldest = stamps.begin(); text.size() > kMostBytes && oldest != stamps.end();
         ++oldest) {
        if (!oldest->knows_origin()) continue;
        oldest->masters = {SeenMaster{"?", std::nullopt}};
        text = format_as_they_are(stamps);
    }
    return text;
}

bool fit(std::span<const Stamp> stamps) { return format_as_they_are(stamps).size() <= kMostBytes; }

}  // namespace dsfailover
