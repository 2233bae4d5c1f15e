#pragma once

#include <span>

#include "registry/registry.h"
#include "registry/zookeeper/session.h"

namespace dsfailover {

/// Registry::put_all() on ZooKeeper: all looks together, then all writes.
void put_in_zookeeper(ZookeeperSession& session, std::span<Put> puts);

}  // namespace dsfailover
