#pragma once

#include <string>
#include <string_view>

#include "coordinator/failover_options.h"
#include "coordinator/master_failover.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Whether the server at target.address must not be failed over: why, or an empty text.
///
/// A living server is refused, unless it is another process than target.process. With --fence the
/// process meant is made to stop itself first: target.process and target.fence are filled in then,
/// and `look` is taken anew. `folder` is paths::kMasters or kWorkers. Where there is a reason, the
/// server is in `look`. Throws RegistryError, EnvironmentError and Interrupted.
std::string refuse_or_fence(const RunContext& context, std::string_view folder,
                            FailoverTarget& target, FirstLook& look,
                            const FailoverOptions& options);

}  // namespace dsfailover
