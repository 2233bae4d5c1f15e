#pragma once

#include <memory>

#include "database/database.h"

namespace dsfailover {

/// Opens an existing SQLite file. As open_database().
std::unique_ptr<Database> open_sqlite_database(const DatabaseSettings& settings);

}  // namespace dsfailover
