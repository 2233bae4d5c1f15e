#pragma once

#include "coordinator/run_context.h"
#include "coordinator/status/checks.h"
#include "coordinator/status/unfinished_workflows.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// Counts the marks and those that clean-marks would take, and lists the fences. Throws
/// RegistryError.
void read_mark_view(const RunContext& context, const Servers& servers,
                    const UnfinishedWorkflows& workflows, StatusSection& status,
                    StatusFindings& found);

}  // namespace dsfailover
