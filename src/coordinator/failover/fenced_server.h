#pragma once

#include <functional>

#include "coordinator/failover/failover_target.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Does `run`, which may fence the server at target.address. Whatever ends it after a fence took
/// effect, the report says first that the server was stopped, what is left of it, and how to go on;
/// the exit status is 1 then. `is_master`: the server is a master, not a worker. Throws what `run`
/// throws.
void with_fence(const RunContext& context, bool is_master, const FailoverTarget& target,
                const std::function<void()>& run);

}  // namespace dsfailover
