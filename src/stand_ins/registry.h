#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/process_identity.h"

namespace dsfailover {

/// A server's process, as its heartbeat names it.
struct ServerProcess {
    std::string address;
    ProcessIdentity identity;
};

/// The registry as one master sees it: what its own failover needs of it. Paths are those of
/// registry/paths.h. Each function is one call; what one throws passes through the model, whose
/// next step makes the same call again.
class StandInRegistry {
  public:
    virtual ~StandInRegistry() = default;
    StandInRegistry() = default;
    StandInRegistry(const StandInRegistry&) = delete;
    StandInRegistry& operator=(const StandInRegistry&) = delete;

    /// The servers whose nodes stand in `folder`, paths::kMasters or kWorkers.
    virtual std::vector<ServerProcess> living(std::string_view folder) = 0;
    /// Queues for a failover lock; whether it is held by this master now. One that this master
    /// holds already is no obstacle.
    virtual bool take_lock(const std::string& path) = 0;
    /// Gives back a lock that this master holds.
    virtual void release_lock(const std::string& path) = 0;
    /// The value of a mark; none: it is not there.
    virtual std::optional<std::string> mark(const std::string& path) = 0;
    virtual void write_mark(const std::string& path, const std::string& value) = 0;
};

}  // namespace dsfailover
