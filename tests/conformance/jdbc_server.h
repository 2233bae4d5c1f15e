#pragma once

#include <memory>
#include <string>

#include "conformance/registry_server.h"
#include "conformance/test_databases.h"

namespace dsfailover {

/// Empty tables of the JDBC registry in a place of their own.
class JdbcServer : public RegistryServer {
  public:
    explicit JdbcServer(const DatabaseSettings& where) {
        settings_.type = RegistrySettings::Type::jdbc;
        settings_.database = make_place(where, "registry_conformance");
        settings_.database.lock_timeout = Millis(10000);
        database_ = open_database(settings_.database);
        for (const std::string& sql : schema_statements(where.type))
            if (sql.find("jdbc_registry") != std::string::npos) database_->execute(sql);
    }

    RegistrySettings settings() const override { return settings_; }
    /// Another connection to the tables.
    Database& database() { return *database_; }

    std::optional<RegistrySettings> unreachable_settings() const override {
        if (settings_.database.type == DatabaseType::sqlite) return std::nullopt;
        RegistrySettings unreachable = settings_;
        unreachable.database.hosts = {{"127.0.0.1", 1}};
        unreachable.database.connect_timeout = Millis(500);
        return unreachable;
    }

    /// What the masters' purge takes away of a client that died.
    void end_session(const std::string& owner) override {
        for (const char* sql : {"DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?",
                                "DELETE FROM t_ds_jdbc_registry_lock WHERE client_id = ?",
                                "DELETE FROM t_ds_jdbc_registry_data WHERE client_id = ?"
                                " AND data_type = 'EPHEMERAL'"})
            database_->execute(sql, {Value(std::int64_t{std::stoll(owner)})});
    }

    std::string type() const override { return "jdbc"; }
    bool shows_waiters() const override { return false; }
    bool servers_write_into_our_node() const override { return false; }
    bool masters_notice_departures() const override { return false; }
    /// MySQL's timestamps have whole seconds.
    Millis order_step() const override {
        return Millis(settings_.database.type == DatabaseType::mysql ? 1100 : 5);
    }

  private:
    RegistrySettings settings_;
    std::unique_ptr<Database> database_;
};

}  // namespace dsfailover
