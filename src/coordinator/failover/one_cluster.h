#pragma once

#include "coordinator/failover/selection.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// While masters live: warns if nothing shows that registry and database are of one cluster. A sign
/// is a living server that is the host of one of the newest rows; and a mark, a stamp or a node of
/// a host of unfinished workflows, or its failover lock held or wanted by a living master. Reads
/// only. Throws RegistryError and DatabaseError.
void warn_if_two_clusters(const RunContext& context, const Servers& servers,
                          const Selection& selection);

/// Warns that no master lives, while there are unfinished workflows.
void warn_of_no_master(const RunContext& context);

/// Looks who lives, and warns if no master does. At the end of a failover: one may have come.
/// Nothing is said where no workflow was of concern, or of a registry that is away: all is done
/// then. Never throws.
void warn_if_no_master(const RunContext& context);

}  // namespace dsfailover
