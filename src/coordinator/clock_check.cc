#include "coordinator/clock_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

constexpr EpochMs kWarnSkewMs = 5'000;
constexpr EpochMs kRefuseSkewMs = 60'000;
constexpr EpochMs kQuietMs = 15 * 60'000;
// In the message about a start_time ahead, and in no other.
constexpr std::string_view kNotTheirZone = ": --time-zone is not the zone ";
constexpr EpochMs kOfNowMs = 5 * 60'000;

void judge_skew(const RunContext& context, EpochMs skew_ms, const std::string& what) {
    if (skew_ms > kRefuseSkewMs) {
        throw EnvironmentError(
            what +
            " Deadlines and marks cannot be right with such clocks; set them right "
            "first (NTP) and run the command again.");
    }
    if (skew_ms > kWarnSkewMs) context.warn(what);
}

// Zones that clusters run in, then every offset there is.
std::vector<std::string> zones_to_try() {
    std::vector<std::string> zones = {"UTC",
                                      "Asia/Shanghai",
                                      "Asia/Kolkata",
                                      "Asia/Tokyo",
                                      "Europe/London",
                                      "Europe/Berlin",
                                      "Europe/Moscow",
                                      "America/New_York",
                                      "America/Chicago",
                                      "America/Denver",
                                      "America/Los_Angeles",
                                      "America/Sao_Paulo"};
    for (int minutes = -12 * 60; minutes <= 14 * 60; minutes += 15) {
        zones.push_back(fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+',
                                    std::abs(minutes) / 60, std::abs(minutes) % 60));
    }
    return zones;
}

bool is_of_now(EpochMs age) { return age >= -kRefuseSkewMs && age <= kOfNowMs; }

std::string old(EpochMs age) {
    const EpochMs seconds = std::max<EpochMs>(0, age / 1000);
    return seconds < 60 ? fmt::format("{} s old", seconds)
                        : fmt::format("{} min old", seconds / 60);
}

std::string as_zone(std::string_view zone, EpochMs age) {
    return fmt::format("as {} the newest row is {}: give --time-zone {}", zone, old(age), zone);
}

// The zone in which the row is of now; empty if there is none.
std::string fitting_zone(const StoredTime& newest, EpochMs clock) {
    for (const std::string& name : zones_to_try()) {
        try {
            const EpochMs age =
                clock - TimeZone(name).to_instants(newest.local_us).latest_us / 1000;
            if (is_of_now(age)) return as_zone(name, age);
        } catch (const UsageError&) {
            // This machine has no zone data; the offsets need none.
        }
    }
    return "";
}

std::string distance(EpochMs time) {
    const EpochMs minutes = time / 60'000;
    if (minutes < 2) return fmt::format("{} s", time / 1000);
    if (minutes < 120) return fmt::format("{} min", minutes);
    return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

ClockFault rows_ahead(const RunContext& context, const StoredTime& newest, EpochMs clock) {
    std::string hint = fitting_zone(newest, clock);
    if (hint.empty()) hint = "check --time-zone and the clocks";
    return {fmt::format("The newest workflow or task is dated {} in the zone {}, {} ahead of the "
                        "clock of {}: the masters write in another zone, or a clock is wrong.",
                        newest.text, context.zone.name(),
                        distance(newest.instants.earliest_us / 1000 - clock),
                        context.database.endpoint()),
            std::move(hint)};
}

// The setting does not bind the masters: their start script passes it on unexpanded.
std::optional<ClockFault> rows_in_utc(const RunContext& context, const StoredTime& newest,
                                      EpochMs clock) {
    const EpochMs offset = (context.zone.to_local(clock * 1000) - clock * 1000) / 1000;
    const EpochMs age_as_utc = clock - newest.local_us / 1000;
    if (offset < kQuietMs || std::abs(age_as_utc) > kOfNowMs) return std::nullopt;
    return ClockFault{
        fmt::format("The zone {} is DolphinScheduler's own setting, and in it the newest workflow "
                    "or task lies {} before the database's clock, by as much as the zone differs "
                    "from UTC: the masters seem to write UTC all the same.",
                    context.zone.name(), distance(offset + age_as_utc)),
        as_zone("UTC", age_as_utc) +
            fmt::format("; if the cluster was quiet for so long, --time-zone {}",
                        context.zone.name())};
}

}  // namespace

EpochMs latest_clock(Database& database) { return std::max(now_ms(), database.clock_ms()); }

EpochMs check_clocks(const RunContext& context, const Servers& servers) {
    const EpochMs before = now_ms();
    const EpochMs database = context.database.clock_ms();
    const EpochMs ours = before + (now_ms() - before) / 2;
    judge_skew(context, std::abs(database - ours),
               fmt::format("The clock of this machine ({}) and that of {} ({}) differ by {} s.",
                           format_rfc3339(ours), context.database.endpoint(),
                           format_rfc3339(database), std::abs(database - ours) / 1000));
    const EpochMs latest = std::max(ours, database);
    EpochMs largest = std::abs(database - ours);
    for (const auto* folder : {&servers.masters, &servers.workers}) {
        for (const Server& server : *folder) {
            const EpochMs ahead = server.report_time.value_or(0) - latest;
            largest = std::max(largest, ahead);
            judge_skew(
                context, ahead,
                fmt::format(
                    "The last heartbeat of {} is dated {}, {} s ahead of our clock and that of {}.",
                    server.address, format_rfc3339(server.report_time.value_or(0)), ahead / 1000,
                    context.database.endpoint()));
        }
    }
    return largest;
}

Activity read_activity(const RunContext& context) {
    return {WorkflowInstanceStore(context.store()).latest_activity(), context.database.clock_ms()};
}

std::optional<ClockFault> zone_fault(const RunContext& context, const Servers& servers,
                                     const Activity& activity) {
    const auto& [newest, clock] = activity;
    if (!newest) return std::nullopt;
    if (newest->instants.earliest_us / 1000 > clock + kRefuseSkewMs)
        return rows_ahead(context, *newest, clock);
    if (context.zone_is_own || servers.masters.empty()) return std::nullopt;
    return rows_in_utc(context, *newest, clock);
}

void check_zone(const RunContext& context, const Servers& servers, const Activity& activity) {
    const auto fault = zone_fault(context, servers, activity);
    if (!fault) return;
    const std::string text = fmt::format("{} Way out: {}.", fault->what, fault->hint);
    if (!context.only_looks()) throw EnvironmentError(text);
    context.warn(text);
}

bool activity_lags(const RunContext& context, const Servers& servers, const Activity& activity) {
    if (servers.masters.empty()) return false;
    const auto& [latest, clock] = activity;
    if (!latest || latest->instants.latest_us / 1000 >= clock - kQuietMs) return false;
    const std::string fitting = fitting_zone(*latest, clock);
    context.warn(fmt::format(
        "The latest workflow or task is dated {}, {} before the database's clock, although masters "
        "live. Either the cluster is quiet, or the timestamps are not in the zone {}: check "
        "--time-zone{}.",
        format_rfc3339(latest->epoch_ms()), distance(clock - latest->epoch_ms()),
        context.zone.name(), fitting.empty() ? "" : " (" + fitting + ")"));
    return true;
}

std::string start_ahead(const WorkflowInstance& instance, EpochMs clock) {
    if (!instance.start_time) return "";
    const EpochMs ahead = instance.start_time->instants.earliest_us / 1000 - clock;
    if (ahead <= kRefuseSkewMs) return "";
    return fmt::format(
        "Workflow instance {} has the start_time {}, {} s in the future{}in which the masters "
        "write (the zone of their JVM), or a clock is wrong.",
        instance.id, instance.start_time->text, ahead / 1000, kNotTheirZone);
}

void check_start_time(const RunContext& context, const WorkflowInstance& instance, EpochMs clock) {
    std::string text = start_ahead(instance, clock);
    if (text.empty()) return;
    if (!context.only_looks()) throw EnvironmentError(text);
    const auto& warnings = context.report.warnings;
    const bool told = std::any_of(warnings.begin(), warnings.end(), [](const std::string& warning) {
        return warning.find(kNotTheirZone) != std::string::npos;
    });
    if (!told) context.warn(std::move(text));
}

}  // namespace dsfailover
