#include "coordinator/cluster_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace dsfailover {

namespace {

constexpr EpochMs kWarnSkewMs = 5'000;
constexpr EpochMs kRefuseSkewMs = 60'000;
constexpr EpochMs kQuietMs = 15 * 60'000;

void judge_skew(const RunContext& context, EpochMs skew_ms, const std::string& what) {
    if (skew_ms > kRefuseSkewMs) {
        throw EnvironmentError(
            what +
            " Deadlines and marks cannot be right with such clocks; set them right "
            "first (NTP) and run the command again.");
    }
    if (skew_ms > kWarnSkewMs) context.warn(what);
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

bool activity_lags(const RunContext& context, const Servers& servers) {
    if (servers.masters.empty()) return false;
    const auto latest = WorkflowInstanceStore(context.store()).latest_activity();
    const EpochMs clock = context.database.clock_ms();
    if (!latest || latest->instants.latest_us / 1000 >= clock - kQuietMs) return false;
    context.warn(fmt::format(
        "The latest workflow or task is dated {}, {} before the database's clock, although masters "
        "live. Either "
        "the cluster is quiet, or the timestamps are not in the zone {}: check --time-zone.",
        format_rfc3339(latest->epoch_ms()),
        format_duration(Millis((clock - latest->epoch_ms()) / 60'000 * 60'000)),
        context.zone.name()));
    return true;
}

void warn_if_two_clusters(const RunContext& context, const Servers& servers, bool any_unfinished) {
    if (any_unfinished) return;
    if (servers.masters.empty()) {
        context.warn(
            "No master is alive. Recovery starts when one does; it will fail over again what it "
            "finds (see "
            "docs/runbook.md). If masters do live, this is the registry of another cluster.");
        return;
    }
    std::vector<std::string> living;
    for (const Server& master : servers.masters) living.push_back(master.address);
    if (WorkflowInstanceStore(context.store()).any_hosted_by(living)) return;
    context.warn(
        fmt::format("No living master is the host of any of the newest workflows in {}: are {} "
                    "and the database of two clusters?",
                    context.database.endpoint(), context.registry.endpoint()));
}

void check_start_time(const WorkflowInstance& instance, EpochMs clock) {
    if (!instance.start_time) return;
    const EpochMs ahead = instance.start_time->instants.earliest_us / 1000 - clock;
    if (ahead <= kRefuseSkewMs) return;
    throw EnvironmentError(fmt::format(
        "Workflow instance {} has the start_time {}, {} s in the future: --time-zone is not the "
        "zone in which "
        "the masters write (spring.jackson.time-zone of their JVM), or a clock is wrong.",
        instance.id, instance.start_time->text, ahead / 1000));
}

}  // namespace dsfailover
