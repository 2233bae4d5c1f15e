#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "store/command_store.h"

namespace dsfailover {

/// Whether a command, of any type, waits so long that no master seems to take it: its update_time
/// is older than `after` at `clock`, the database's (epoch ms). One without an update_time says
/// nothing and is not.
bool is_unclaimed(const WaitingCommand& command, Millis after, EpochMs clock);

/// Why each of these workflow instances, in state 18 and without a command, is stuck: the first
/// line of the message of its failed command, and "duplicate valid tasks" if recovery would fail
/// again; "none" where nothing tells. In the order of `ids`.
std::vector<std::string> causes_of_being_stuck(const RunContext& context,
                                               std::span<const std::int64_t> ids);

/// The workflow instances of which two of these commands failed for one cause, which is the first
/// line of the message, with that cause: another one fails again, unless somebody removed it.
std::map<std::int64_t, std::string> failed_twice(std::span<const ErrorCommand> failed);

}  // namespace dsfailover
