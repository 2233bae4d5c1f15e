#pragma once

#include <optional>
#include <string>
#include <string_view>
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

/// Takes sqlite:FILE, postgresql://..., mysql://..., jdbc:postgresql:... and jdbc:mysql:... apart.
/// Parameters that matter and are not supported are errors, harmless ones are left out, unknown
/// ones warned about. socketTimeout raises the statement time limit and never lowers it: a scan of
/// a large table is not one of the masters' short queries.
/// Throws UsageError naming `option`, without secrets.
DatabaseUrl read_database_url(std::string_view url, std::string_view option);

/// Whether the text looks like a database URL, by its scheme.
bool is_database_url(std::string_view url);

}  // namespace dsfailover
