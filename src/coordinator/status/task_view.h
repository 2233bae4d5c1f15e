#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "coordinator/status/unfinished_workflows.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// The one pass over the tasks of `workflows`: fills status.workers_gone and status.waiting_tasks,
/// and what SeenWorkflow has of its tasks. Throws DatabaseError, EnvironmentError naming a row that
/// cannot be read, and Interrupted.
void read_tasks(const RunContext& context, const StatusOptions& options, const Servers& servers,
                UnfinishedWorkflows& workflows, StatusSection& status);

}  // namespace dsfailover
