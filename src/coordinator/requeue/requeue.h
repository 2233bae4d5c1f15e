#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Gives workflow instances stuck in state FAILOVER a command again, into report.requeue and
/// report.recovery (docs/behaviour.md, "requeue"):
/// - those without any command get a new recovery command;
/// - those whose recovery command no master takes get an equal one under a new id.
///
/// Safe against masters that take commands and against other runs at the same moment: an instance
/// never ends with two commands. What a person has to look at (workflows that would fail again,
/// unknown ids, only BUSY masters) is put into the report with exit code 3. With options.dry_run it
/// reads only, and waits for nothing. Throws Error when the registry or the database is gone, and
/// Interrupted; the report is true then, too.
void requeue_workflows(const RunContext& context, const RequeueOptions& options);

}  // namespace dsfailover
