#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"
#include "sandbox/server_rows.h"
#include "stand_ins/registry.h"

namespace dsfailover {

/// The servers whose nodes stand in `folder` of a sandbox's JDBC registry.
std::vector<ServerProcess> servers_in(Database& database, std::string_view folder);

/// The JDBC registry of a sandbox as one of its masters sees it: rows, each call a transaction.
class RegistryRows : public StandInRegistry {
  public:
    /// `server`: the master's own rows. Must not outlive either.
    RegistryRows(Database& database, const ServerRows& server)
        : database_(database), server_(server) {}

    std::vector<ServerProcess> living(std::string_view folder) override;
    bool take_lock(const std::string& path) override;
    void release_lock(const std::string& path) override;
    std::optional<std::string> mark(const std::string& path) override;
    void write_mark(const std::string& path, const std::string& value) override;

  private:
    Database& database_;
    const ServerRows& server_;
};

}  // namespace dsfailover
