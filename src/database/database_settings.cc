#include "database/database_settings.h"

#include <fmt/format.h>

namespace dsfailover {

std::string DatabaseSettings::endpoint() const {
    if (dialect == Dialect::sqlite) return "sqlite:" + file;
    std::string text = dialect == Dialect::postgresql ? "postgresql://" : "mysql://";
    const char* separator = "";
    for (const auto& [host, port] : hosts) {
        const bool ipv6 = host.find(':') != std::string::npos;
        text += separator + (ipv6 ? "[" + host + "]" : host) + fmt::format(":{}", port);
        separator = ",";
    }
    return text + "/" + database;
}

}  // namespace dsfailover
