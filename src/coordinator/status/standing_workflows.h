#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "coordinator/status/checks.h"
#include "coordinator/status/unfinished_workflows.h"
#include "registry/living_servers.h"

namespace dsfailover {

// Workflows that stand still, by what was read of them and their tasks. Both look at the other runs
// of their definitions, which costs nothing where there is no such workflow. Throw DatabaseError,
// EnvironmentError.

/// Fills status.idle.
void find_idle(const RunContext& context, const StatusOptions& options, const Servers& servers,
               UnfinishedWorkflows& workflows, StatusSection& status, StatusFindings& found);

/// Fills status.serial_wait.never.
void find_serial_waits(const RunContext& context, const StatusOptions& options,
                       UnfinishedWorkflows& workflows, StatusSection& status);

}  // namespace dsfailover
