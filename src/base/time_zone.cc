#include "base/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "base/error.h"

namespace dsfailover {

namespace {

using Micros = std::chrono::microseconds;

constexpr std::int64_t kMinuteUs = 60'000'000;
// The furthest offset that Java accepts.
constexpr int kLargestOffsetMinutes = 18 * 60;

bool number(std::string_view text, int limit, int& value) {
    if (text.empty() || text.size() > 2) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value >= 0 && value <= limit;
}

// "+8", "+08", "+0800", "+08:00" in minutes.
std::optional<int> parse_offset(std::string_view text) {
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    std::string_view hours_text = text, minutes_text = "00";
    if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        hours_text = text.substr(0, colon);
        minutes_text = text.substr(colon + 1);
    } else if (text.size() == 4) {
        hours_text = text.substr(0, 2);
        minutes_text = text.substr(2);
    }
    int hours = 0, minutes = 0;
    if (minutes_text.size() != 2 || !number(hours_text, 18, hours) ||
        !number(minutes_text, 59, minutes) || hours * 60 + minutes > kLargestOffsetMinutes) {
        return std::nullopt;
    }
    return sign * (hours * 60 + minutes);
}

// Java's short names, which mean what they meant to Java's first programmers: CST is Chicago, not
// China, and IST not Israel.
std::string_view without_short_name(std::string_view name) {
    struct Short {
        std::string_view name, meant;
    };
    constexpr Short kShort[] = {
        {"ACT", "Australia/Darwin"},
        {"AET", "Australia/Sydney"},
        {"AGT", "America/Argentina/Buenos_Aires"},
        {"ART", "Africa/Cairo"},
        {"AST", "America/Anchorage"},
        {"BET", "America/Sao_Paulo"},
        {"BST", "Asia/Dhaka"},
        {"CAT", "Africa/Harare"},
        {"CNT", "America/St_Johns"},
        {"CST", "America/Chicago"},
        {"CTT", "Asia/Shanghai"},
        {"EAT", "Africa/Addis_Ababa"},
        {"ECT", "Europe/Paris"},
        {"EST", "-05:00"},
        {"HST", "-10:00"},
        {"IET", "America/Indiana/Indianapolis"},
        {"IST", "Asia/Kolkata"},
        {"JST", "Asia/Tokyo"},
        {"MIT", "Pacific/Apia"},
        {"MST", "-07:00"},
        {"NET", "Asia/Yerevan"},
        {"NST", "Pacific/Auckland"},
        {"PLT", "Asia/Karachi"},
        {"PNT", "America/Phoenix"},
        {"PRT", "America/Puerto_Rico"},
        {"PST", "America/Los_Angeles"},
        {"SST", "Pacific/Guadalcanal"},
        {"VST", "Asia/Ho_Chi_Minh"},
    };
    const auto* const found = std::find_if(std::begin(kShort), std::end(kShort),
                                           [&](const Short& each) { return each.name == name; });
    return found == std::end(kShort) ? name : found->meant;
}

// The names that need no zone data.
std::optional<int> fixed_offset_minutes(std::string_view name) {
    constexpr std::array<std::string_view, 6> kUtc = {"UTC", "Z",       "GMT",
                                                      "UT",  "Etc/UTC", "Etc/GMT"};
    if (std::find(kUtc.begin(), kUtc.end(), name) != kUtc.end()) return 0;
    for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
        if (name.substr(0, prefix.size()) == prefix)
            return parse_offset(name.substr(prefix.size()));
    }
    return parse_offset(name);
}

const date::time_zone& zone_of(const void* zone) {
    return *static_cast<const date::time_zone*>(zone);
}

std::int64_t instant_us(date::local_time<Micros> local, std::chrono::seconds offset) {
    return (local.time_since_epoch() - offset).count();
}

}  // namespace

TimeZone::TimeZone(std::string_view name) : name_(name) {
    const std::string_view meant = without_short_name(name);
    if (const auto minutes = fixed_offset_minutes(meant)) {
        fixed_offset_us_ = *minutes * kMinuteUs;
        return;
    }
    try {
        zone_ = date::locate_zone(meant);
    } catch (const std::exception&) {
        throw UsageError(fmt::format(
            "'{}' is not a time zone this machine knows: give an IANA name such as Asia/Shanghai "
            "(package tzdata must be installed), UTC, or an offset such as +08:00",
            name));
    }
}

InstantRange TimeZone::to_instants(std::int64_t local_us) const {
    if (zone_ == nullptr) {
        const std::int64_t instant = local_us - fixed_offset_us_;
        return {instant, instant};
    }
    const date::local_time<Micros> local{Micros(local_us)};
    const auto info = zone_of(zone_).get_info(local);
    switch (info.result) {
        case date::local_info::ambiguous: {
            // The list form returns values; the other one references to what is gone by then.
            const auto [first, second] = std::minmax(
                {instant_us(local, info.first.offset), instant_us(local, info.second.offset)});
            return {first, second};
        }
        case date::local_info::nonexistent: {
            const std::int64_t gap = Micros(info.first.end.time_since_epoch()).count();
            return {gap, gap};
        }
        default: {
            const std::int64_t instant = instant_us(local, info.first.offset);
            return {instant, instant};
        }
    }
}

std::int64_t TimeZone::to_local(std::int64_t epoch_us) const {
    if (zone_ == nullptr) return epoch_us + fixed_offset_us_;
    const date::sys_time<Micros> instant{Micros(epoch_us)};
    return zone_of(zone_).to_local(instant).time_since_epoch().count();
}

}  // namespace dsfailover
