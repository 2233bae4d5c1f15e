#pragma once

#include <string_view>

#include "config/parsed_database_url.h"

namespace dsfailover {

/// Takes sqlite:FILE, postgresql://..., mysql://..., jdbc:postgresql:... and jdbc:mysql:... apart.
/// Parameters that matter and are not supported are errors, harmless ones are left out, unknown
/// ones warned about. socketTimeout raises the statement time limit and never lowers it: a scan of
/// a large table is not one of the masters' short queries.
/// Throws UsageError naming `option`, without secrets.
DatabaseUrl read_database_url(std::string_view url, std::string_view option);

/// Whether the text looks like a database URL, by its scheme.
bool is_database_url(std::string_view url);

}  // namespace dsfailover
