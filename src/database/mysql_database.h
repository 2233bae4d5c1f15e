#pragma once

#include <memory>

#include "database/database.h"

namespace dsfailover {

/// Connects to the first MySQL or MariaDB server of the list that answers. As open_database().
std::unique_ptr<Database> open_mysql_database(const DatabaseSettings& settings);

}  // namespace dsfailover
