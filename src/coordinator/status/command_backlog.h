#pragma once

#include <cstdint>
#include <unordered_set>

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "store/command_watch.h"

namespace dsfailover {

/// Counts the commands that wait, by type, in one pass over t_ds_command, which is the first look
/// of `watch` as well. `master_lives`: one does, so that a command may count as unclaimed. Returns
/// the workflow instances that have one. Throws as CommandStore.
std::unordered_set<std::int64_t> read_command_backlog(const RunContext& context,
                                                      const StatusOptions& options,
                                                      bool master_lives, CommandWatch& watch,
                                                      CommandsInfo& info);

}  // namespace dsfailover
