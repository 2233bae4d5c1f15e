#pragma once

#include <optional>
#include <string>
#include <vector>

#include "database/database_settings.h"

namespace dsfailover {

/// What a database URL says.
struct DatabaseUrl {
    DatabaseSettings settings;
    bool has_password = false;  ///< the password stood in the URL
    /// The zone in which MySQL's JDBC driver writes times: serverTimezone or connectionTimeZone of
    /// a jdbc:mysql URL, unless preserveInstants=false. "SERVER" stands for the server's own.
    std::optional<std::string> time_zone;
    std::vector<std::string> warnings;  ///< unknown parameters, by name
};

}  // namespace dsfailover
