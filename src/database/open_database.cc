#include <stdexcept>

#include "database/database.h"
#include "database/mysql_database.h"
#include "database/postgresql_database.h"
#include "database/sqlite_database.h"

namespace dsfailover {

std::unique_ptr<Database> open_database(const DatabaseSettings& settings) {
    switch (settings.dialect) {
        case Dialect::sqlite:
            if (settings.file.empty()) throw UsageError("sqlite: needs a file: sqlite:FILE");
            return open_sqlite_database(settings);
        case Dialect::postgresql:
            return open_postgresql_database(settings);
        case Dialect::mysql:
            return open_mysql_database(settings);
    }
    throw std::logic_error("open_database(): no such dialect");
}

}  // namespace dsfailover
