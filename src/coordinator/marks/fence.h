#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "coordinator/events.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/living_servers.h"
#include "registry/paths.h"
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

/// The same for a process that is told to stop in another way than by its node: `stopped` says
/// whether it did, and is called again and again.
void fence_until(Registry& registry, AuditLog& audit, const std::string& address,
                 const ProcessIdentity& process, Millis time_limit,
                 const std::function<bool()>& stopped, FenceInfo& info);

/// Whether a server lives at the address of a mark: its fence may still have to stop it.
bool lives_at(const MarkName& mark, const Servers& servers);

/// Whether clean-marks keeps a fence, a mark with the value 0: while a server lives at its address,
/// and until 7 days after the startup time in its name. `now` in epoch ms.
bool is_fence_kept(const MarkName& mark, const Servers& servers, EpochMs now);

}  // namespace dsfailover
