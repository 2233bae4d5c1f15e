#include <stdexcept>

#include "base/module.h"
#include "database/database.h"
#include "database/sqlite/database.h"

namespace dsfailover {

std::unique_ptr<Database> open_database(const DatabaseSettings& settings) {
    switch (settings.dialect) {
        case Dialect::sqlite:
            if (settings.file.empty()) throw UsageError("sqlite: needs a file: sqlite:FILE");
            return open_sqlite_database(settings);
        case Dialect::postgresql:
            return open_by_module<Database>("dsfailover_postgresql", "PostgreSQL", settings);
        case Dialect::mysql:
            return open_by_module<Database>("dsfailover_mysql", "MySQL and MariaDB", settings);
    }
    throw std::logic_error("open_database(): no such dialect");
}

}  // namespace dsfailover
