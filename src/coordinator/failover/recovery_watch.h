#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// Follows the commands until a master consumed each (recovered), each failed into
/// t_ds_error_command (errored), or `until` (epoch ms) is reached (pending). Looks at them once at
/// least, over lost connections. `counts`, to which it adds, is true at every moment, whatever ends
/// the watch. Returns the first few messages from t_ds_error_command. Throws DatabaseError, and
/// Interrupted.
std::vector<std::string> watch_recovery(const RunContext& context,
                                        std::vector<std::int64_t> command_ids, EpochMs until,
                                        RecoveryInfo& counts);

/// What to do about commands that no master took within `waited` (--wait); none: of requeue, which
/// tries again and again itself.
std::string_view way_on_for_untaken(std::optional<Millis> waited);

/// Adds to the report what an operator should do about recoveries that did not happen, and raises
/// the exit code to 3; nothing if all recovered. `problems`: what watch_recovery() returned;
/// `waited`: as above.
void report_recovery(const RunContext& context, const RecoveryInfo& counts,
                     const std::vector<std::string>& problems, std::optional<Millis> waited);

}  // namespace dsfailover
