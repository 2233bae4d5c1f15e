#pragma once

#include "base/version.h"
#include "registry/registry.h"

namespace dsfailover {

/// Opens the registry in etcd 3.4 or later, through its JSON gateway at settings.hosts. The key of
/// a path is settings.name_space followed by the path. Throws RegistryError(unreachable, denied).
extern "C" Registry* DSFAILOVER_OPEN(const RegistrySettings& settings);

}  // namespace dsfailover
