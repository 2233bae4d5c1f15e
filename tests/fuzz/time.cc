#include "base/time.h"

#include <array>

#include "base/digits.h"
#include "base/error.h"
#include "base/stored_time.h"
#include "base/time_zone.h"
#include "fuzz.h"

namespace dsfailover {
namespace {

void try_time(std::string_view text) {
    const auto time = unless_refused<UsageError>([&] { return parse_time(text, "--event-time"); });
    unless_refused<UsageError>([&] { return parse_time(text, "--startup-time", true); });
    if (time)
        require(parse_time(format_rfc3339(*time), "") == *time,
                "a time that was accepted is printed as one");
    if (const auto digits = parse_digits(text)) format_rfc3339(*digits);
}

void try_duration(std::string_view text) {
    const auto duration =
        unless_refused<UsageError>([&] { return parse_duration(text, "--wait"); });
    if (!duration) return;
    require(*duration >= Millis(0), "a duration is not negative");
    require(parse_duration(format_duration(*duration), "") == *duration,
            "a duration is printed as one");
}

void try_stored_time(std::string_view text, const TimeZone& zone) {
    for (const std::int64_t precision : {1, 1000, 1'000'000}) {
        const auto time = unless_refused<EnvironmentError>(
            [&] { return parse_stored_time(text, zone, precision); });
        if (!time) return;
        require(time->text == text, "a stored time keeps its text");
        require(time->instants.earliest_us <= time->instant_us &&
                    time->instant_us <= time->instants.latest_us,
                "what a text says lies in its range");
        require(!time->certainly_before(0) || time->possibly_before(0), "certain is possible");
        const EpochMs written = round_up(time->epoch_ms(), precision);
        const std::string again = format_stored_time(written, zone, precision);
        const auto read = unless_refused<EnvironmentError>(
            [&] { return parse_stored_time(again, zone, precision); });
        // Rounding, or the zone, may lead out of the four digits of a year.
        require(again.find('-') != 4 || (read && read->was_written_as(written, zone)),
                "what was written is known again");
    }
}

}  // namespace

void try_input(std::string_view text) {
    static const std::array kZones = {TimeZone("UTC"), TimeZone("-11:30"),
                                      TimeZone("Europe/Berlin"), TimeZone("America/St_Johns")};
    try_time(text);
    try_duration(text);
    for (const TimeZone& zone : kZones) try_stored_time(text, zone);
    if (const auto zone = unless_refused<UsageError>([&] { return TimeZone(text); })) {
        require(zone->name() == text, "a zone keeps its name");
        try_stored_time("2026-03-29 02:30:00.123", *zone);
        try_stored_time("0000-01-01 00:00:00", *zone);
        try_stored_time("9999-12-31 23:59:59.999999", *zone);
    }
}

}  // namespace dsfailover
