#pragma once

#include "coordinator/run_context.h"
#include "coordinator/status/checks.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// Reads who leads masters and alert servers, and warns of one that is gone or missing. A leader
/// lives if its node belongs to the process that lives at its address now. Throws RegistryError.
void read_leaders(const RunContext& context, const Servers& servers, StatusSection& status,
                  StatusFindings& found);

}  // namespace dsfailover
