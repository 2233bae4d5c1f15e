#pragma once

#include <memory>
#include <string>

#include "registry/registry.h"
#include "registry/zookeeper/session.h"

namespace dsfailover {

/// Registry::announce(): the ephemeral node is made in a session of its own, so that this session
/// can be closed when a server wrote into the node, without our locks going with it.
std::unique_ptr<Announcement> announce_in_zookeeper(const RegistrySettings& settings,
                                                    const std::string& path,
                                                    const std::string& value);

}  // namespace dsfailover
