#include "sandbox/registry_rows.h"

#include "registry/living_servers.h"

namespace dsfailover {

std::vector<ServerProcess> servers_in(Database& database, std::string_view folder) {
    const std::string above = std::string(folder) + "/";
    const Rows rows = database.query(
        "SELECT data_key, data_value FROM t_ds_jdbc_registry_data "
        "WHERE SUBSTR(data_key, 1, ?) = ? AND data_type = 'EPHEMERAL' ORDER BY data_key",
        {static_cast<std::int64_t>(above.size()), above});
    std::vector<ServerProcess> servers;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Node node;
        node.name = rows[i].text(0).substr(above.size());
        node.value = rows[i].text(1);
        const Server server = parse_heartbeat(std::move(node));
        servers.push_back(
            {server.address, {server.startup_time.value_or(0), server.process_id.value_or(0)}});
    }
    return servers;
}

std::vector<ServerProcess> RegistryRows::living(std::string_view folder) {
    return servers_in(database_, folder);
}

bool RegistryRows::take_lock(const std::string& path) {
    Transaction transaction(database_);
    const Rows rows =
        database_.query("SELECT client_id FROM t_ds_jdbc_registry_lock WHERE lock_key = ?", {path});
    if (!rows.empty()) return rows[0].integer(0) == server_.client_id();
    database_.execute(
        "INSERT INTO t_ds_jdbc_registry_lock (lock_key, lock_owner, client_id, create_time) "
        "VALUES (?, ?, ?, strftime('%Y-%m-%d %H:%M:%f'))",
        {path, server_.client_name() + "_MasterEventThread", server_.client_id()});
    transaction.commit();
    return true;
}

void RegistryRows::release_lock(const std::string& path) {
    database_.execute("DELETE FROM t_ds_jdbc_registry_lock WHERE lock_key = ? AND client_id = ?",
                      {path, server_.client_id()});
}

std::optional<std::string> RegistryRows::mark(const std::string& path) {
    const Rows rows = database_.query(
        "SELECT data_value FROM t_ds_jdbc_registry_data WHERE data_key = ?", {path});
    if (rows.empty()) return std::nullopt;
    return std::string(rows[0].text(0));
}

void RegistryRows::write_mark(const std::string& path, const std::string& value) {
    Transaction transaction(database_);
    if (database_.execute("UPDATE t_ds_jdbc_registry_data SET data_value = ?, client_id = ?, "
                          "last_update_time = strftime('%Y-%m-%d %H:%M:%f') WHERE data_key = ?",
                          {value, server_.client_id(), path}) == 0)
        database_.execute(
            "INSERT INTO t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id, "
            "create_time, last_update_time) VALUES (?, ?, 'PERSISTENT', ?, "
            "strftime('%Y-%m-%d %H:%M:%f'), strftime('%Y-%m-%d %H:%M:%f'))",
            {path, value, server_.client_id()});
    transaction.commit();
}

}  // namespace dsfailover
