#pragma once

#include <functional>
#include <optional>
#include <string>

#include "coordinator/events.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// How announcing a worker's departure went.
struct AnnouncementResult {
    enum class Kind { announced, worker_lives, leftover, worker_registered };
    Kind kind = Kind::announced;
    ProcessIdentity incarnation;  ///< of the heartbeat announced
    std::optional<std::string>
        mark_version;         ///< of that incarnation's mark before the announcement
    bool back_again = false;  ///< worker_registered: its node was seen to come back
};

/// Announces in the registry that a worker departs: registers it (BUSY, so that nothing is
/// dispatched to it), holds the node for two seconds, and removes it, so that every living master
/// runs its own worker failover (docs/dolphinscheduler.md).
///
/// worker_lives: a worker is registered there, nothing was written. leftover: the row of a dead
/// worker still stands there (JDBC registry, until the masters purge it), nothing was written.
/// worker_registered: a real worker registered while we announced; nothing of it was deleted. The
/// node never outlives this call; `made` is called as soon as it was made. Throws RegistryError,
/// and Interrupted.
AnnouncementResult announce_departure(const RunContext& context, const std::string& address,
                                      const ProcessIdentity& incarnation,
                                      const std::function<void()>& made);

/// Whether the mark of the announced incarnation was made or changed since: a master acted.
bool acknowledged(Registry& registry, const std::string& address,
                  const AnnouncementResult& announcement);

}  // namespace dsfailover
