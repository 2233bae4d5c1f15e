#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "coordinator/events.h"
#include "registry/cluster.h"
#include "report/audit_log.h"
#include "report/report.h"

namespace dsfailover {

/// Makes a living, hung server stop itself: writes its exact mark with the value 0, which the
/// server obeys at its next heartbeat, and waits until the process is gone (or replaced by another
/// one).
///
/// `folder` is paths::kMasters or kWorkers, `server` has a readable heartbeat. Returns with
/// info.stopped = true when it went; the mark stays. Otherwise (time is up, interruption, an error)
/// the mark is removed again, unless others wrote it. Throws RegistryError and Interrupted; `info`
/// tells then, too, how far it came.
void fence(Registry& registry, AuditLog& audit, std::string_view folder, const Server& server,
           Millis time_limit, FenceInfo& info);

}  // namespace dsfailover
