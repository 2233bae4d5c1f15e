#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// status --ask: asks every living master about every unfinished workflow without a waiting command
/// twice, options.ask.apart apart, and says which no master holds (abandoned) and which another
/// master than their host holds (misplaced). What is not known, and why, becomes a warning.
/// `items`: listed of each kind. Names are left out. `context` must have servers to ask. Writes
/// nothing. Throws RegistryError, DatabaseError, EnvironmentError, Interrupted.
AskedSection ask_masters(const RunContext& context, const StatusOptions& options);

}  // namespace dsfailover
