#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Looks at the whole cluster and fills report.status: the living servers, what a global failover
/// would do, what is stuck or in doubt, commands, locks and marks.
///
/// Writes nothing anywhere, takes no lock and waits for nothing; the workflow table is scanned
/// once. Where `context` has servers to ask the living masters are asked too (ask_masters), which
/// takes another scan and options.ask.apart. With options.check the exit code is 7 if something
/// needs failover, requeue or cleaning. A clock that cannot be right is reported with exit code 6,
/// and the rest of the status all the same. Throws Error when the registry or the database is gone,
/// and Interrupted; report.status is empty then.
void read_cluster_status(const RunContext& context, const StatusOptions& options);

}  // namespace dsfailover
