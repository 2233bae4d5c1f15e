#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/registry_settings.h"

namespace dsfailover {

/// What a registry URL says.
struct RegistryUrl {
    RegistrySettings settings;
    bool in_database = false;   ///< "jdbc": the tables are in the database of the workflows
    bool has_password = false;  ///< the password stood in the URL
    std::optional<std::string> time_zone;  ///< as DatabaseUrl::time_zone
    std::vector<std::string> warnings;
};

/// Takes zookeeper://..., etcd://..., etcds://..., jdbc and database URLs apart. Throws UsageError
/// naming `option`, without secrets.
RegistryUrl read_registry_url(std::string_view text, std::string_view option);

/// The namespace in the form the registry's keys have it: "/dolphinscheduler" for ZooKeeper,
/// for etcd the text as it is, also with a '/' before or behind it, "" for JDBC. An empty text
/// gives the default. Throws UsageError naming `option` for one that cannot be part of a path.
std::string registry_name_space(RegistrySettings::Type type, std::string_view text,
                                std::string_view option);

}  // namespace dsfailover
