#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// What is followed: workflows with their commands, and workflows whose command a master took.
struct FollowedRecoveries {
    std::vector<FailedOver> waiting;
    std::vector<std::int64_t> taken;
};

/// Follows each command until a master took it and finished the workflow or holds it (recovered),
/// it failed into t_ds_error_command (errored), nobody held the workflow for half a minute after
/// (lost), or `until` (epoch ms) is reached (pending). Who holds them is asked through `inquiry`;
/// without it, or where a master does not answer, what is taken and not finished counts as
/// recovered and as unproven. With `rehosts`, on releases whose recovery leaves the host alone, the
/// master that holds a recovered workflow is made its host, unless another run is at work on the
/// same hosts. Looks once at least, over lost connections. `counts`, which it fills in, is true at
/// every moment, whatever ends the watch. Returns the first few messages from t_ds_error_command.
/// Throws DatabaseError, RegistryError, EnvironmentError, and Interrupted.
std::vector<std::string> watch_recovery(const RunContext& context,
                                        const FollowedRecoveries& followed, EpochMs until,
                                        WorkflowInquiry* inquiry, bool rehosts,
                                        RecoveryInfo& counts);

/// What to do about commands that no master took within `waited` (--wait); none: of requeue, which
/// tries again and again itself.
std::string_view way_on_for_untaken(std::optional<Millis> waited);

/// Adds to the report what an operator should do about recoveries that did not happen, and raises
/// the exit code to 3; nothing if all recovered. `problems`: what watch_recovery() returned;
/// `waited`: as above; `host`: whose workflows they were, where the run has several.
void report_recovery(const RunContext& context, const RecoveryInfo& counts,
                     const std::vector<std::string>& problems, std::optional<Millis> waited,
                     std::string_view host = {});

}  // namespace dsfailover
