#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/error.h"

namespace dsfailover {

namespace {

// 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can write, and 0000-01-01T00:00:00Z.
constexpr EpochMs kLastWritable = 253'402'300'799'999;
constexpr EpochMs kFirstWritable = -62'167'219'200'000;
// Anything smaller is taken for seconds: in milliseconds it would lie before March 1973.
constexpr EpochMs kSmallestMillis = 100'000'000'000;

bool is_writable(EpochMs time) { return time >= kFirstWritable && time <= kLastWritable; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads a text from its front; every function says whether what it expects was there.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }

    bool one_of(std::string_view characters) {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
        last_ = rest_.front();
        rest_.remove_prefix(1);
        return true;
    }
    char last() const { return last_; }

    /// Exactly `count` digits, with a value of at most `limit`.
    bool digits(std::size_t count, int limit, int& value) {
        if (rest_.size() < count || !std::all_of(rest_.begin(), rest_.begin() + count, is_digit)) {
            return false;
        }
        std::from_chars(rest_.data(), rest_.data() + count, value);
        rest_.remove_prefix(count);
        return value <= limit;
    }

    /// One to nine digits after the point; what is finer than a millisecond is cut off.
    bool fraction_as_millis(int& millis) {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_digit);
        const auto count = static_cast<std::size_t>(end - rest_.begin());
        if (count < 1 || count > 9) return false;
        millis = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            millis = millis * 10 + (i < count ? rest_[i] - '0' : 0);
        }
        rest_.remove_prefix(count);
        return true;
    }

  private:
    std::string_view rest_;
    char last_ = 0;
};

struct ParsedTime {
    EpochMs time = 0;
    bool has_fraction = false;
};

bool read_date(Reader& reader, std::chrono::sys_days& day) {
    int year = 0, month = 0, day_of_month = 0;
    if (!reader.digits(4, 9999, year) || !reader.one_of("-") || !reader.digits(2, 12, month) ||
        !reader.one_of("-") || !reader.digits(2, 31, day_of_month)) {
        return false;
    }
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day_of_month))};
    day = date;
    return date.ok();
}

bool read_offset(Reader& reader, std::chrono::minutes& offset) {
    if (reader.one_of("Zz")) {
        offset = std::chrono::minutes(0);
        return true;
    }
    if (!reader.one_of("+-")) return false;
    const int sign = reader.last() == '-' ? -1 : 1;
    int hours = 0, minutes = 0;
    if (!reader.digits(2, 23, hours) || !reader.one_of(":") || !reader.digits(2, 59, minutes)) {
        return false;
    }
    offset = std::chrono::minutes(sign * (hours * 60 + minutes));
    return true;
}

std::optional<ParsedTime> parse_rfc3339(std::string_view text) {
    Reader reader(text);
    std::chrono::sys_days day;
    int hour = 0, minute = 0, second = 0, millis = 0;
    if (!read_date(reader, day) || !reader.one_of("Tt ") || !reader.digits(2, 23, hour) ||
        !reader.one_of(":") || !reader.digits(2, 59, minute) || !reader.one_of(":") ||
        !reader.digits(2, 59, second)) {
        return std::nullopt;
    }
    ParsedTime parsed;
    parsed.has_fraction = reader.one_of(".");
    if (parsed.has_fraction && !reader.fraction_as_millis(millis)) return std::nullopt;
    std::chrono::minutes offset{};
    if (!read_offset(reader, offset) || !reader.at_end()) return std::nullopt;
    const Millis since_epoch = day.time_since_epoch() + std::chrono::hours(hour) +
                               std::chrono::minutes(minute) + std::chrono::seconds(second) +
                               Millis(millis) - offset;
    parsed.time = since_epoch.count();
    // An offset may lead out of the years that can be written.
    return is_writable(parsed.time) ? std::optional(parsed) : std::nullopt;
}

EpochMs parse_epoch_ms(std::string_view text, std::string_view what) {
    EpochMs time = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
    if (error == std::errc() && time < kSmallestMillis) {
        throw UsageError(fmt::format(
            "{}: '{}' looks like seconds; epoch times are given in milliseconds (13 digits today, "
            "for example 1795331879415), or as 2026-11-22T07:27:59.415Z",
            what, text));
    }
    if (error != std::errc() || time > kLastWritable) {
        throw UsageError(fmt::format(
            "{}: '{}' lies after the year 9999; epoch times are given in milliseconds (13 digits "
            "today, for example 1795331879415)",
            what, text));
    }
    return time;
}

struct Unit {
    std::string_view name;
    Millis::rep millis;
};
constexpr std::array kUnits = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                               Unit{"s", 1'000}, Unit{"ms", 1}};            // the largest first
constexpr Millis::rep kLongestDuration = 36'525 * Millis::rep{86'400'000};  // 100 years

}  // namespace

std::string format_rfc3339(EpochMs time) {
    if (!is_writable(time)) return fmt::format("{} ms", time);
    const std::chrono::sys_time<Millis> instant{Millis(time)};
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(instant - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

EpochMs parse_time(std::string_view text, std::string_view what, bool needs_millis) {
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_digit)) {
        return parse_epoch_ms(text, what);
    }
    const auto parsed = parse_rfc3339(text);
    if (!parsed) {
        throw UsageError(fmt::format(
            "{}: '{}' is not a time: give epoch milliseconds such as 1795331879415, or a date, a "
            "time "
            "and an offset such as 2026-11-22T07:27:59.415Z or 2026-11-22T15:27:59.415+08:00",
            what, text));
    }
    if (needs_millis && !parsed->has_fraction) {
        throw UsageError(fmt::format(
            "{}: '{}' has no milliseconds; a process is known by its startup time to the "
            "millisecond: take startupTime from its heartbeat or the name of its mark",
            what, text));
    }
    return parsed->time;
}

Millis parse_duration(std::string_view text, std::string_view what) {
    Millis::rep count = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, count);
    const std::string_view suffix(end, static_cast<std::size_t>(last - end));
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& known) { return known.name == suffix; });
    if (text.empty() || !is_digit(text.front()) || unit == kUnits.end()) {
        throw UsageError(fmt::format(
            "{}: '{}' is not a duration: give an integer and its unit, such as 500ms, 90s, 15m, "
            "12h or 7d",
            what, text));
    }
    if (error != std::errc() || count > kLongestDuration / unit->millis) {
        throw UsageError(fmt::format("{}: '{}' is over 100 years", what, text));
    }
    return Millis(count * unit->millis);
}

std::string format_duration(Millis duration) {
    if (duration == Millis(0)) return "0s";
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& known) {
        return duration.count() % known.millis == 0;
    });
    return fmt::format("{}{}", duration.count() / unit->millis, unit->name);
}

}  // namespace dsfailover
