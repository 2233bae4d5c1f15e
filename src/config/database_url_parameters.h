#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/parsed_database_url.h"

namespace dsfailover {

/// Applies the parameters of a PostgreSQL or MySQL URL: the JDBC drivers' names, and those of
/// libpq and the mysql client. `jdbc`: the times of connectTimeout and socketTimeout are in
/// MySQL's milliseconds (otherwise, and on PostgreSQL, seconds). Throws UsageError naming
/// `option` and the parameter.
void apply_url_parameters(const std::vector<std::pair<std::string, std::string>>& parameters,
                          bool jdbc, std::string_view option, DatabaseUrl& result);

}  // namespace dsfailover
