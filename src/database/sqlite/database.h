#pragma once

#include <memory>
#include <string>

#include "database/database.h"

namespace dsfailover {

/// That of the SQLite library as loaded.
std::string sqlite_version();

/// Opens an existing SQLite file. As open_database().
std::unique_ptr<Database> open_sqlite_database(const DatabaseSettings& settings);

}  // namespace dsfailover
