#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// How commands that were inserted fared.
struct RecoveryOutcome {
    RecoveryInfo counts;
    std::vector<std::string> problems;  ///< the first few messages from t_ds_error_command
};

/// Follows the commands until a master consumed each (recovered), each failed into
/// t_ds_error_command (errored), or `until` (epoch ms) is reached (pending). Looks at them once at
/// least. Throws DatabaseError, and Interrupted.
RecoveryOutcome watch_recovery(const RunContext& context, std::vector<std::int64_t> command_ids,
                               EpochMs until);

/// Adds to the report what an operator should do about recoveries that did not happen, and raises
/// the exit code to 3; nothing if all recovered.
void report_recovery(const RunContext& context, const RecoveryOutcome& outcome);

}  // namespace dsfailover
