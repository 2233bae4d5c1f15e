#pragma once

#include <memory>
#include <string>

#include "registry/registry.h"

namespace dsfailover {

/// That of ZooKeeper's C client.
std::string zookeeper_client_version();

/// Connects to ZooKeeper with settings.hosts, name_space, user, password and the two time-outs.
/// Throws RegistryError(unreachable) naming the hosts after connect_timeout, or
/// RegistryError(denied).
///
/// The session's ephemeral nodes go with the registry, or with the last Lock of it if that lives
/// longer. When ZooKeeper ended the session, the function that notices throws session_lost, and the
/// next one opens a new session; locks of the old one stay lost.
std::unique_ptr<Registry> open_zookeeper_registry(const RegistrySettings& settings);

}  // namespace dsfailover
