#pragma once

#include <memory>

#include "database/database.h"

namespace dsfailover {

/// Connects to the first PostgreSQL server of the list that answers (with several: that is no
/// standby). As open_database().
std::unique_ptr<Database> open_postgresql_database(const DatabaseSettings& settings);

}  // namespace dsfailover
