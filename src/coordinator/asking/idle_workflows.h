#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// Those of `held`, which a master holds, that stand still: for an hour by `clock` (epoch ms) no
/// task of theirs was submitted, started or ended, nor did they start themselves, and no task of
/// theirs is at work. A task is at work where it is dispatched or running and its worker says that
/// it lives, or does not answer, or where a living master is its host: a task that waits for
/// others runs in the master itself. Asks workers for at most `timeout`. Throws DatabaseError,
/// RegistryError, EnvironmentError, Interrupted.
std::set<std::int64_t> idle_among(const RunContext& context, std::span<const WorkflowInstance> held,
                                  EpochMs clock, Millis timeout);

}  // namespace dsfailover
