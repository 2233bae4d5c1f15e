#include <stdexcept>

#include "base/module.h"
#include "database/database.h"
#include "database/sqlite/database.h"

namespace dsfailover {

std::unique_ptr<Database> open_database(const DatabaseSettings& settings) {
    switch (settings.type) {
        case DatabaseType::sqlite:
            if (settings.file.empty()) throw UsageError("sqlite: needs a file: sqlite:FILE");
            return open_sqlite_database(settings);
        case DatabaseType::postgresql:
            return open_by_module<Database>("dsfailover_postgresql", "PostgreSQL", settings);
        case DatabaseType::mysql:
            return open_by_module<Database>("dsfailover_mysql", "MySQL and MariaDB", settings);
    }
    throw std::logic_error("open_database(): no such database");
}

}  // namespace dsfailover
