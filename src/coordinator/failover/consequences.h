#pragma once

#include <span>

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Warns of what comes of a failover of these items, as far as they were failed over or, in a dry
/// run, would be: parents whose child workflow is unfinished too, workflows that were to be stopped
/// or paused, and tasks that run again beside their old process: the living workers are asked about
/// the first `ask->limit` of these, within `ask->timeout`, and are in report.workers_asked then.
/// Nobody is asked without `ask`, nor once a signal arrived. Never throws, not even Interrupted:
/// what is warned of is done.
void warn_of_consequences(const RunContext& context, const AskOptions* ask,
                          std::span<const WorkflowItem* const> items);

}  // namespace dsfailover
