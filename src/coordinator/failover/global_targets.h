#pragma once

#include <optional>
#include <vector>

#include "coordinator/failover/failover_target.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// The masters that a global failover has something to do for: those that own unfinished workflows
/// and are gone, or were restarted since. Seen before any lock is taken.
///
/// An address of which nothing can be selected, but workflows are in doubt or running elsewhere,
/// gets a section in the report and is not a target; so does a living master whose heartbeat cannot
/// be read. What is in doubt, or cannot be read, raises the exit code to 3. Warns of workflows
/// without a host, and if registry and database look like two clusters.
std::vector<FailoverTarget> find_global_targets(const RunContext& context, const FirstLook& look,
                                                std::optional<EpochMs> event_time,
                                                const FailoverOptions& options);

/// Warnings about what no master's address covers: instances without a host or with one that is no
/// HOST:PORT, and a registry and database that do not fit.
void warn_of_the_whole(const RunContext& context, const Servers& servers,
                       const Selection& selection);

/// Adds an error for hosts that are not HOST:PORT, and raises the exit code to 3, if there are any.
void report_odd_hosts(const RunContext& context, const Selection& selection);

}  // namespace dsfailover
