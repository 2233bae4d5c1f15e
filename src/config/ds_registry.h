#pragma once

#include <optional>
#include <string>

#include "config/registry_url.h"
#include "config/spring_config.h"

namespace dsfailover {

/// The registry that DolphinScheduler's own configuration names.
struct DsRegistry {
    RegistryUrl registry;
    OptionValue origin;  ///< the setting that decided
};

/// registry.type with the settings of that type; nullopt if it names none. Throws UsageError for an
/// unknown type, or where the type lacks its address.
std::optional<DsRegistry> ds_registry(const SpringConfig& spring);

/// User and password for a registry of this type: ZooKeeper's digest, etcd's user, and for a JDBC
/// registry in a database of its own those of registry.hikari-config.
struct DsCredentials {
    std::optional<OptionValue> user;
    std::optional<OptionValue> password;
};
DsCredentials ds_registry_credentials(const SpringConfig& spring, RegistrySettings::Type type,
                                      bool own_database);

/// The masters' etcd client logs in only with both: of a user or a password alone nothing is left,
/// and the warning says so.
std::optional<std::string> drop_half_a_login(DsCredentials& credentials);

}  // namespace dsfailover
