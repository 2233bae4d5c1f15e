#include "base/stored_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace dsfailover {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

// Reads digits and separators from the left; `ok` turns false at the first that does not fit.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    int digits(std::size_t count) {
        int number = 0;
        for (std::size_t i = 0; i < count; ++i) number = number * 10 + digit();
        return number;
    }
    void separator(char a, char b) {
        ok_ = ok_ && !text_.empty() && (text_.front() == a || text_.front() == b);
        if (ok_) text_.remove_prefix(1);
    }
    // Nothing, or a point and one to nine digits.
    std::int64_t fraction_us() {
        if (text_.empty()) return 0;
        separator('.', '.');
        ok_ = ok_ && !text_.empty() && text_.size() <= 9;
        std::int64_t fraction = 0;
        for (std::int64_t unit = kSecondUs / 10; ok_ && !text_.empty(); unit /= 10) {
            fraction += unit * digit();
        }
        return fraction;
    }
    bool read_all() const { return ok_ && text_.empty(); }

  private:
    int digit() {
        ok_ = ok_ && !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
        if (!ok_) return 0;
        const int value = text_.front() - '0';
        text_.remove_prefix(1);
        return value;
    }

    std::string_view text_;
    bool ok_ = true;
};

std::optional<std::int64_t> parse_local_us(std::string_view text) {
    Reader reader(text);
    const std::chrono::year year{reader.digits(4)};
    reader.separator('-', '-');
    const std::chrono::month month{static_cast<unsigned>(reader.digits(2))};
    reader.separator('-', '-');
    const std::chrono::day day{static_cast<unsigned>(reader.digits(2))};
    reader.separator(' ', 'T');
    const int hour = reader.digits(2);
    reader.separator(':', ':');
    const int minute = reader.digits(2);
    reader.separator(':', ':');
    const int second = reader.digits(2);
    const std::int64_t fraction = reader.fraction_us();
    const std::chrono::year_month_day date{year, month, day};
    if (!reader.read_all() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * kSecondUs + fraction;
}

}  // namespace

StoredTime parse_stored_time(std::string_view text, const TimeZone& zone,
                             std::int64_t precision_us) {
    const auto local_us = parse_local_us(text);
    if (!local_us) {
        throw EnvironmentError(
            fmt::format("'{}' is not a timestamp of the form YYYY-MM-DD HH:MM:SS.mmm", text));
    }
    StoredTime time{std::string(text), zone.to_instants(*local_us), *local_us, 0};
    time.instant_us =
        time.instants.earliest_us + (time.instants.latest_us - time.instants.earliest_us) / 2;
    if (precision_us > 1000) {
        time.instants.earliest_us -= precision_us / 2;
        time.instants.latest_us += precision_us - 1;
    }
    return time;
}

std::string format_stored_time(EpochMs time, const TimeZone& zone, std::int64_t precision_us) {
    const std::chrono::sys_time<std::chrono::microseconds> local{
        std::chrono::microseconds(zone.to_local(time * 1000))};
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date{day};
    const std::int64_t ms = (local - day).count() / 1000;
    std::string text =
        fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", int{date.year()}, unsigned{date.month()},
                    unsigned{date.day()}, ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60);
    if (precision_us < kSecondUs) text += fmt::format(".{:03}", ms % 1000);
    return text;
}

EpochMs round_up(EpochMs time, std::int64_t precision_us) {
    const std::int64_t unit = std::max<std::int64_t>(1, precision_us / 1000);
    const std::int64_t beyond = ((time % unit) + unit) % unit;
    return beyond == 0 ? time : time + unit - beyond;
}

}  // namespace dsfailover
