#pragma once

#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Lists the marks (of one address, or older than a duration), oldest first, into report.marks,
/// fences among them as such.
/// Throws RegistryError.
void list_marks(Registry& registry, Report& report, const MarksOptions& options);

/// Deletes marks older than options.older_than, each by itself and only in the version read, into
/// report.marks.
///
/// With options.names these marks are deleted, whatever their age, their value can be read or not.
/// The fence of a living server is refused (4). One without which something else is concluded of a
/// workflow is kept, or with options.evidence deleted, and what changes is said; without a database
/// nobody can tell, and only with options.evidence any is deleted.
///
/// Never touches anything but a direct child of the marks folder. `context` (a run with a
/// database): the newest mark of an address is kept while an unfinished instance has that host. A
/// fence is kept as is_fence_kept() says. Marks that could not be handled raise the exit code to 3.
/// Our clock is compared with the database's, without one with the heartbeats: EnvironmentError.
/// Throws RegistryError if the registry is gone before anything was removed, Error(failed) if it is
/// gone later (report.marks has what was removed), and Interrupted.
void clean_marks(Registry& registry, AuditLog& audit, Report& report, const RunContext* context,
                 const MarksOptions& options);

}  // namespace dsfailover
