#include <stdexcept>

#include "base/module.h"
#include "registry/jdbc/registry.h"
#include "registry/registry.h"
#include "registry/zookeeper/registry.h"

namespace dsfailover {

std::unique_ptr<Registry> open_registry(const RegistrySettings& settings) {
    switch (settings.type) {
        case RegistrySettings::Type::zookeeper:
            return open_zookeeper_registry(settings);
        case RegistrySettings::Type::jdbc:
            return open_jdbc_registry(settings);
        case RegistrySettings::Type::etcd:
            return open_by_module<Registry>("dsfailover_etcd", "etcd", settings);
    }
    throw std::logic_error("no such registry type");
}

}  // namespace dsfailover
