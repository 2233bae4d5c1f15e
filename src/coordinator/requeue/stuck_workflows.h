#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "store/command_store.h"

namespace dsfailover {

/// Whether a command of any type has an update_time older than `after` at `clock`, the database's
/// (epoch ms).
bool waits_longer(const WaitingCommand& command, Millis after, EpochMs clock);

/// Whether no master takes the recovery command: its update_time is older than `after` at `clock`,
/// the database's (epoch ms). One without an update_time says nothing and is not.
bool is_unclaimed(const WaitingCommand& command, Millis after, EpochMs clock);

/// Why each of these workflow instances, in state 18 and without a command, is stuck: the first
/// line of the message of its failed command, and "duplicate valid tasks" if recovery would fail
/// again; "none" where nothing tells. In the order of `ids`.
std::vector<std::string> causes_of_being_stuck(const RunContext& context,
                                               std::span<const std::int64_t> ids);

}  // namespace dsfailover
