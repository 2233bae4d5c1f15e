#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Explains the workflow instances options.ids, each once, in ascending order: fills
/// report.explained with all that is known of each, by which row of the table it is judged, and
/// what to do. An id that is of no instance is told, with exit status 3.
///
/// Writes nothing anywhere and takes no lock. Where `context` has servers to ask the living masters
/// are asked about all of them, and the workers about their tasks. What no master holds is asked
/// about again until it was seen without a command options.ask.apart ago. A clock that cannot be
/// right is reported with exit status 6, and the rest all the same. Throws Error when registry or
/// database is gone, or a row cannot be read, and Interrupted; report.explained is empty then.
void explain_workflows(const RunContext& context, const ExplainOptions& options);

}  // namespace dsfailover
