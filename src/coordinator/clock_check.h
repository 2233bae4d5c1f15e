#pragma once

#include <optional>
#include <string>

#include "coordinator/run_context.h"
#include "registry/living_servers.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// The later of our clock and the database's, epoch ms.
EpochMs latest_clock(Database& database);

/// Compares our clock, the database's and the reportTimes of the living servers (which may lie
/// behind, but not ahead): over 5 s apart is put into the report's warnings, over 60 s throws
/// EnvironmentError. Returns the largest difference seen, in ms.
EpochMs check_clocks(const RunContext& context, const Servers& servers);

/// Something about clocks or zone that cannot be right.
struct ClockFault {
    std::string what;
    std::string hint;  ///< the way out
};

/// When something last happened by the newest workflow and task rows, and the database's clock
/// (epoch ms) when they were read.
struct Activity {
    std::optional<StoredTime> latest;
    EpochMs clock = 0;
};
Activity read_activity(const RunContext& context);

/// Whether the newest rows contradict the database's clock: they lie over 60 s ahead of it; or the
/// zone is DolphinScheduler's own setting (context.zone_is_own is false), which does not bind the
/// masters' JVM, masters live, and read as UTC the newest row is of now.
std::optional<ClockFault> zone_fault(const RunContext& context, const Servers& servers,
                                     const Activity& activity);

/// Throws EnvironmentError where there is a zone_fault(); a run that only looks is warned.
void check_zone(const RunContext& context, const Servers& servers, const Activity& activity);

/// Whether, while masters live, the newest rows lie over 15 minutes behind the database's clock:
/// the time zone may be wrong, or the cluster is quiet. Warns if so, naming the zone in which the
/// rows would be of now.
bool activity_lags(const RunContext& context, const Servers& servers, const Activity& activity);

/// What is wrong where the instance's start_time lies over 60 s after `clock` (epoch ms): a wrong
/// --time-zone or clock. Empty where it does not.
std::string start_ahead(const WorkflowInstance& instance, EpochMs clock);

/// Throws EnvironmentError for start_ahead(); a run that only looks is warned, of the first.
void check_start_time(const RunContext& context, const WorkflowInstance& instance, EpochMs clock);

}  // namespace dsfailover
