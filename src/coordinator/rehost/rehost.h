#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Makes the master that holds a workflow its host, for every workflow in state 1, 2 or 4, or those
/// of `options.ids`, whose host is another, into report.rehost (docs/behaviour.md, "Rehost"). Only
/// on releases whose recovery leaves the host alone; elsewhere there is nothing to do, which is
/// said. What cannot be told, and an id of which there is nothing to do, is exit code 3. With
/// options.dry_run it reads only. `context` must have servers to ask. Throws Error when the
/// registry or the database is gone, and Interrupted; the report is true then, too.
void rehost_workflows(const RunContext& context, const RehostOptions& options);

}  // namespace dsfailover
