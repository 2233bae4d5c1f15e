#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Ends the workflow instances of `options.ids` that nobody will end any more, into report.finish
/// (docs/behaviour.md, "Finish"): FAILURE or STOP, with their unfinished tasks, their waiting
/// commands deleted, each in a transaction of its own, children before their parents. What a master
/// holds, what may still move, and what would leave another workflow hanging is refused: exit code
/// 4, the others are ended. An id of which there is nothing to end is exit code 3. With
/// options.dry_run it reads only, asks once, and waits for nothing. Throws Error when the registry
/// or the database is gone, and Interrupted; the report is true then, too.
void finish_workflows(const RunContext& context, const FinishOptions& options);

}  // namespace dsfailover
