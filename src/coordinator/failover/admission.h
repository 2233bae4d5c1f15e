#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/failover/failover_target.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Why the server at target.address must not be failed over, and the exit status that says so.
struct Refusal {
    ExitCode code = ExitCode::refused;
    std::string why;
};

/// Whether the server at target.address must not be failed over.
///
/// A living server is refused, unless it is another process than target.process. With --fence the
/// process meant is made to stop itself first, once clocks and zone have proved possible and its
/// failover lock can be acquired then (lock_after_fence): target.process and target.fence are
/// filled in then, and `look` is taken anew. `folder` is paths::kMasters or kWorkers; `event_time`
/// (epoch ms) the one given. Where there is a reason, the server is in `look`. Throws
/// RegistryError, DatabaseError, EnvironmentError and Interrupted; target.fence is true then, too.
std::optional<Refusal> refuse_or_fence(const RunContext& context, std::string_view folder,
                                       FailoverTarget& target, FirstLook& look,
                                       std::optional<EpochMs> event_time,
                                       const FailoverOptions& options);

}  // namespace dsfailover
