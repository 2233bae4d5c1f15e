#pragma once

#include "coordinator/run_context.h"
#include "registry/cluster.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

/// The later of our clock and the database's, epoch ms.
EpochMs latest_clock(Database& database);

/// Compares our clock, the database's and the reportTimes of the living servers (which may lie
/// behind, but not ahead): over 5 s apart is put into the report's warnings, over 60 s throws
/// EnvironmentError. Returns the largest difference seen, in ms.
EpochMs check_clocks(const RunContext& context, const Servers& servers);

/// Whether, while masters live, the latest time among the newest workflow and task rows lies over
/// 15 minutes behind the database's clock: the time zone may be wrong, or the cluster is quiet.
/// Warns if so.
bool activity_lags(const RunContext& context, const Servers& servers);

/// Throws EnvironmentError if the instance's start_time lies over 60 s in the future: a wrong
/// --time-zone or clock.
void check_start_time(const WorkflowInstance& instance, EpochMs clock);

}  // namespace dsfailover
