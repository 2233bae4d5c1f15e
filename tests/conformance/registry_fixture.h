#pragma once

// What the registry conformance suite needs to know of each kind of registry. To hook in another
// one: write a RegistryServer for it and add it to registry_servers() at the end of this file.

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/etcd_server.h"
#include "conformance/jdbc_server.h"
#include "conformance/memory_server.h"
#include "conformance/zookeeper_server.h"
#include "registry/registry.h"

namespace dsfailover {

/// A registry that can be tested: one in memory, and those found by their environment variables.
struct NamedRegistryServer {
    std::string name;  ///< of the test's parameter: letters and digits
    /// A fresh, empty place on the server: another namespace, or empty tables.
    std::function<std::unique_ptr<RegistryServer>()> prepare;
};

inline std::vector<NamedRegistryServer> registry_servers() {
    std::vector<NamedRegistryServer> servers;
    servers.push_back({"Memory", [] { return std::make_unique<MemoryServer>(false); }});
    servers.push_back({"MemoryJdbc", [] { return std::make_unique<MemoryServer>(true); }});
    if (const char* address = std::getenv("DSFAILOVER_TEST_ZOOKEEPER"))
        servers.push_back(
            {"ZooKeeper", [address] { return std::make_unique<ZookeeperServer>(address); }});
    if (const char* address = std::getenv("DSFAILOVER_TEST_ETCD"))
        servers.push_back({"Etcd", [address] { return std::make_unique<EtcdServer>(address); }});
    const auto add_jdbc = [&](const char* variable, const char* name, DatabaseType type) {
        if (std::getenv(variable) != nullptr)
            servers.push_back(
                {name, [type] { return std::make_unique<JdbcServer>(*test_database(type)); }});
    };
    add_jdbc("DSFAILOVER_TEST_SQLITE", "JdbcSqlite", DatabaseType::sqlite);
    add_jdbc("DSFAILOVER_TEST_POSTGRESQL", "JdbcPostgresql", DatabaseType::postgresql);
    add_jdbc("DSFAILOVER_TEST_MYSQL", "JdbcMysql", DatabaseType::mysql);
    return servers;
}

}  // namespace dsfailover
