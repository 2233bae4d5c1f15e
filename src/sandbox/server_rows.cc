#include "sandbox/server_rows.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/stored_time.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

std::string text(EpochMs time) { return format_stored_time(time, TimeZone(), kWrittenPrecisionUs); }

}  // namespace

ServerRows::ServerRows(Database& database, std::string_view folder, const Server& server)
    : database_(database),
      address_(server.address),
      key_(server_path(folder, server.address)),
      process_{server.startup_time.value_or(0), server.process_id.value_or(0)} {
    const Rows rows = database_.query(
        "SELECT d.client_id, d.data_value, c.client_name, c.connection_config "
        "FROM t_ds_jdbc_registry_data d "
        "LEFT JOIN t_ds_jdbc_registry_client_heartbeat c ON c.id = d.client_id "
        "WHERE d.data_key = ?",
        {key_});
    if (rows.empty()) return;
    client_id_ = rows[0].integer(0);
    heartbeat_ = rows[0].text(1);
    client_name_ = rows[0].text(2);
    client_config_ = rows[0].text(3);
}

void ServerRows::report(EpochMs now) {
    Transaction transaction(database_);
    const Rows rows = database_.query(
        "SELECT data_value FROM t_ds_jdbc_registry_data WHERE data_key = ?", {key_});
    if (rows.empty()) return;
    Json heartbeat = Json::parse_object(rows[0].text(0));
    if (!heartbeat.is_null()) {
        heartbeat["reportTime"] = now;
        database_.execute(
            "UPDATE t_ds_jdbc_registry_data SET data_value = ?, last_update_time = ? "
            "WHERE data_key = ?",
            {heartbeat.dump(), text(now), key_});
    }
    database_.execute(
        "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ? WHERE id = ?",
        {now, client_id_});
    transaction.commit();
}

bool ServerRows::is_marked() {
    return process_.startup_time != 0 && process_.process_id != 0 &&
           !database_
                .query("SELECT 1 FROM t_ds_jdbc_registry_data WHERE data_key = ?",
                       {mark_path(address_, process_)})
                .empty();
}

void ServerRows::remove() {
    Transaction transaction(database_);
    database_.execute("DELETE FROM t_ds_jdbc_registry_data WHERE data_key = ? AND client_id = ?",
                      {key_, client_id_});
    database_.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", {client_id_});
    transaction.commit();
}

void ServerRows::register_next(EpochMs now) {
    const ProcessIdentity process{now - kStarting.count(), process_.process_id + 1};
    const std::int64_t client_id = client_id_ + 1;
    const std::string client_name =
        fmt::format("{}_{}", address_.substr(0, address_.rfind(':')), process.process_id);
    Json heartbeat = Json::parse_object(heartbeat_);
    heartbeat["processId"] = process.process_id;
    heartbeat["startupTime"] = process.startup_time;
    heartbeat["reportTime"] = now;
    Transaction transaction(database_);
    database_.execute(
        "INSERT INTO t_ds_jdbc_registry_client_heartbeat "
        "(id, client_name, last_heartbeat_time, connection_config, create_time) "
        "VALUES (?, ?, ?, ?, ?)",
        {client_id, client_name, now, client_config_, text(now)});
    database_.execute(
        "INSERT INTO t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id, "
        "create_time, last_update_time) VALUES (?, ?, 'EPHEMERAL', ?, ?, ?)",
        {key_, heartbeat.dump(), client_id, text(now), text(now)});
    transaction.commit();
    process_ = process;
    client_id_ = client_id;
    client_name_ = client_name;
    heartbeat_ = heartbeat.dump();
}

}  // namespace dsfailover
