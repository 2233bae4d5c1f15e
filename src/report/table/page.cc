#include "report/table/page.h"

#include <fmt/format.h>

#include <ctime>

#include "base/terminal_text.h"

namespace dsfailover {
namespace {

constexpr std::size_t kFactName = 12;

/// "-03:30"; "Z" for UTC.
std::string offset_text(long seconds) {
    if (seconds == 0) return "Z";
    const long minutes = std::abs(seconds) / 60;
    return fmt::format("{}{:02}:{:02}", seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

std::string wall_clock(EpochMs at, bool utc, bool with_milliseconds) {
    // Rounded down also before 1970.
    const std::int64_t ms = (at % 1000 + 1000) % 1000;
    const std::time_t seconds = (at - ms) / 1000;
    std::tm parts{};
    if ((utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) == nullptr)
        return std::to_string(at);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} {}", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       with_milliseconds ? fmt::format(".{:03}", ms) : "",
                       offset_text(parts.tm_gmtoff));
}

/// "3d 4h": two units at most, since nobody needs the seconds of an hour ago.
std::string rough(std::int64_t seconds) {
    const std::int64_t minutes = seconds / 60;
    if (minutes < 1) return fmt::format("{}s", seconds);
    if (minutes < 60) return fmt::format("{}m", minutes);
    if (minutes < 24 * 60) return fmt::format("{}h {}m", minutes / 60, minutes % 60);
    return fmt::format("{}d {}h", minutes / 1440, minutes / 60 % 24);
}

}  // namespace

std::string span(std::int64_t ms) {
    if (ms < 1000) return fmt::format("{} ms", ms);
    if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
    const std::int64_t minutes = ms / 60'000;
    if (minutes < 60) return fmt::format("{}m {}s", minutes, ms / 1000 % 60);
    if (minutes < 48 * 60) return fmt::format("{}h {}m", minutes / 60, minutes % 60);
    return fmt::format("{}d {}h", minutes / 1440, minutes / 60 % 24);
}

void Page::line(const std::string& text, Tone tone, std::size_t indent) {
    const std::size_t room = screen_.width > indent + 4 ? screen_.width - indent - 4 : 1;
    std::size_t blanks = indent;
    for (const std::string& each : wrapped(printable(text), room)) {
        out_ << std::string(blanks, ' ') << coloured(each, tone, screen_.colour) << '\n';
        blanks = indent + 4;
    }
}

void Page::named(const std::string& name, const std::string& text, Tone tone) {
    const std::size_t indent = name.size() + 2;
    const std::size_t room = screen_.width > indent ? screen_.width - indent : 1;
    std::string begin = coloured(name, tone, screen_.colour) + ": ";
    for (const std::string& each : wrapped(printable(text), room)) {
        out_ << begin << each << '\n';
        begin = std::string(indent, ' ');
    }
}

void Page::heading(const std::string& text, Tone tone) {
    blank();
    line(text, tone);
}

void Page::fact(std::string_view name, const std::string& value, Tone tone) {
    if (value.empty()) return;
    const std::size_t indent = 2 + kFactName + 1;
    const std::size_t room = screen_.width > indent ? screen_.width - indent : 1;
    std::string begin = fmt::format("  {:<{}} ", name, kFactName);
    for (const std::string& each : wrapped(printable(value), room)) {
        out_ << begin << coloured(each, tone, screen_.colour) << '\n';
        begin = std::string(indent, ' ');
    }
}

void Page::table(const TextTable& content) {
    if (!content.empty()) out_ << content.print(4, screen_.width, screen_.colour);
}

void Page::titled(const std::string& title, const TextTable& content) {
    if (content.empty()) return;
    heading(title);
    table(content);
}

void Page::part(const std::string& title, const TextTable& content) {
    if (content.empty()) return;
    line(title, Tone::heading, 2);
    table(content);
}

void Page::omitted(std::int64_t count) {
    if (count > 0) line(fmt::format("... and {} more (--items lists more)", count), Tone::plain, 4);
}

std::string Page::time(const std::optional<EpochMs>& at) const {
    return at ? wall_clock(*at, screen_.utc, false) : std::string();
}

std::string Page::exact(const std::optional<EpochMs>& at) const {
    return at ? wall_clock(*at, screen_.utc, true) : std::string();
}

std::string Page::age(const std::optional<EpochMs>& at) const {
    if (!at) return {};
    const std::int64_t ms = now_ - *at;
    const std::string length = rough(std::abs(ms) / 1000);
    return ms < 0 ? "in " + length : length + " ago";
}

std::string Page::since(const std::optional<EpochMs>& at) const {
    return at ? fmt::format("{} ({})", time(at), age(at)) : std::string();
}

}  // namespace dsfailover
