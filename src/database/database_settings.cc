#include "database/database_settings.h"

#include <fmt/format.h>

#include <stdexcept>

namespace dsfailover {

std::string name_of(DatabaseType type) {
    switch (type) {
        case DatabaseType::sqlite:
            return "sqlite";
        case DatabaseType::postgresql:
            return "postgresql";
        case DatabaseType::mysql:
            return "mysql";
    }
    throw std::logic_error("name_of(): no such database");
}

std::string DatabaseSettings::endpoint() const {
    if (type == DatabaseType::sqlite) return "sqlite:" + file;
    std::string text = name_of(type) + "://";
    const char* separator = "";
    for (const auto& [host, port] : hosts) {
        const bool ipv6 = host.find(':') != std::string::npos;
        text += separator + (ipv6 ? "[" + host + "]" : host) + fmt::format(":{}", port);
        separator = ",";
    }
    return text + "/" + database;
}

}  // namespace dsfailover
