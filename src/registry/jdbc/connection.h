#pragma once

#include <functional>
#include <memory>
#include <string>

#include "database/database.h"
#include "registry/registry.h"

namespace dsfailover {

/// The JDBC registry's own connection to the database its tables are in. Opens a broken connection
/// anew, tries deadlocked transactions again, and turns DatabaseError into RegistryError.
class JdbcConnection {
  public:
    /// Throws RegistryError(unreachable, denied) naming the endpoint.
    explicit JdbcConnection(const DatabaseSettings& settings);

    const SqlDialect& dialect() const { return database_->dialect(); }
    std::string endpoint() const { return database_->endpoint(); }

    /// Runs `reading`, which only reads, and once more on a new connection if the first one broke.
    /// `doing` names the action in an error: "reading /nodes/master".
    void read(const std::string& doing, const std::function<void(Database&)>& reading);

    /// Runs `writing` in a transaction of its own; commits if it returns true, rolls back if not,
    /// and returns that. It may run several times. Throws outcome_unknown if the connection broke
    /// in the commit.
    bool write(const std::string& doing, const std::function<bool(Database&)>& writing);

  private:
    void reconnect(const std::string& doing);

    std::unique_ptr<Database> database_;
};

}  // namespace dsfailover
