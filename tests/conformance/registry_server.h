#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>

#include "registry/registry.h"

namespace dsfailover {

/// A real server with an empty place in it for one test, and what differs between the kinds.
class RegistryServer {
  public:
    virtual ~RegistryServer() = default;
    RegistryServer() = default;
    RegistryServer(const RegistryServer&) = delete;
    RegistryServer& operator=(const RegistryServer&) = delete;

    /// For a further session on the same place.
    virtual RegistrySettings settings() const = 0;
    /// Settings under which nobody answers; none where there is no such thing.
    virtual std::optional<RegistrySettings> unreachable_settings() const = 0;
    /// A further session, with settings made from those.
    virtual std::unique_ptr<Registry> open(const RegistrySettings& settings) {
        return open_registry(settings);
    }
    /// Ends the session, lease or client that Node::owner or LockClaim::owner names, as the server
    /// does when it heard nothing of it for too long.
    virtual void end_session(const std::string& owner) = 0;

    virtual std::string type() const = 0;
    /// Whether claims() shows those who wait, too.
    virtual bool shows_waiters() const = 0;
    /// Whether a server that registers at an announced address writes into our own node, which
    /// then goes when our session is closed.
    virtual bool servers_write_into_our_node() const = 0;
    virtual bool masters_notice_departures() const = 0;
    /// Two writes this far apart differ in modified_order.
    virtual Millis order_step() const = 0;
};

inline std::string random_name() {
    static std::mt19937_64 random{std::random_device{}()};
    return "conformance-" + std::to_string(random());
}

}  // namespace dsfailover
