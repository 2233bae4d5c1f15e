#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "database/database_settings.h"

namespace dsfailover {

/// How to reach a registry; made from a --registry URL or DolphinScheduler's settings.
struct RegistrySettings {
    enum class Type { zookeeper, etcd, jdbc };
    Type type = Type::zookeeper;
    std::vector<std::string> hosts;  ///< "host:port", ZooKeeper and etcd
    bool tls = false;                ///< etcd: https
    std::string name_space;          ///< "/dolphinscheduler" (ZooKeeper), "dolphinscheduler" (etcd)
    std::string user;                ///< ZooKeeper digest user, etcd user
    Secret password;
    std::string ca, cert, key;      ///< file names, etcd
    DatabaseSettings database;      ///< JDBC: where the registry's tables are
    std::string time_zone = "UTC";  ///< JDBC: zone of the tables' timestamps
    Millis connect_timeout{10000};
    Millis session_timeout{10000};  ///< of our own session
};

}  // namespace dsfailover
