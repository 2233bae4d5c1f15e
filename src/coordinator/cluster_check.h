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

/// Warns if no living master is the host of any workflow although unfinished ones exist: registry
/// and database may be of two clusters. `any_unfinished`: a living master is the host of an
/// unfinished one.
void warn_if_two_clusters(const RunContext& context, const Servers& servers, bool any_unfinished);

/// Throws EnvironmentError if the instance's start_time lies over 60 s in the future: a wrong
/// --time-zone or clock.
void check_start_time(const WorkflowInstance& instance, EpochMs clock);

}  // namespace dsfailover
