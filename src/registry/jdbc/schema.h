#pragma once

#include "database/database.h"

namespace dsfailover {

/// Looks at the tables and columns of the JDBC registry that this program uses. Reads only; one
/// query. Throws EnvironmentError naming what is missing, what was found instead and what is
/// supported; DatabaseError if it cannot be read.
void check_jdbc_registry_schema(Database& database);

}  // namespace dsfailover
