#pragma once

#include <span>

#include "coordinator/failover/first_look.h"
#include "coordinator/failover/master_target.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Asks whatever answers at the addresses of masters that count as gone whether it holds workflows
/// whose host it is: a process that was only cut off from the registry goes on running them. What
/// is found goes into the report (old_process). Nobody is asked where look.inquiry is null.
///
/// One that holds a workflow ends the failover of its address (exit status 4). Where the exact
/// process is known, and not in a dry run, it gets its fence first, and options.fence_timeout to
/// obey. Returns whether any did: rows and marks must be read anew then. Throws RegistryError,
/// Interrupted.
bool ask_old_processes(const RunContext& context, const FailoverOptions& options,
                       const FirstLook& look, std::span<const SelectedMaster> selected);

}  // namespace dsfailover
