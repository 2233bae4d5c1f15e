#pragma once

#include <memory>

#include "registry/registry.h"

namespace dsfailover {

/// Opens the JDBC registry in the tables t_ds_jdbc_registry_* of settings.database, on a connection
/// of its own. Throws RegistryError(unreachable, denied), or EnvironmentError when the tables are
/// not those of a schema it knows.
std::unique_ptr<Registry> open_jdbc_registry(const RegistrySettings& settings);

}  // namespace dsfailover
