#include "sandbox/server_rows.h"

#include <nlohmann/json.hpp>

#include "base/stored_time.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

std::string exact_mark(const Server& server) {
    if (!server.startup_time || !server.process_id) return "";
    return mark_path(server.address, ProcessIdentity{*server.startup_time, *server.process_id});
}

}  // namespace

ServerRows::ServerRows(Database& database, std::string_view folder, const Server& server)
    : database_(database), key_(server_path(folder, server.address)), mark_(exact_mark(server)) {
    const Rows rows =
        database_.query("SELECT client_id FROM t_ds_jdbc_registry_data WHERE data_key = ?", {key_});
    if (!rows.empty()) client_id_ = rows[0].integer(0);
}

void ServerRows::report(EpochMs now) {
    Transaction transaction(database_);
    const Rows rows = database_.query(
        "SELECT data_value FROM t_ds_jdbc_registry_data WHERE data_key = ?", {key_});
    if (rows.empty()) return;
    auto heartbeat = nlohmann::ordered_json::parse(rows[0].text(0), nullptr, false);
    if (heartbeat.is_object()) {
        heartbeat["reportTime"] = now;
        database_.execute(
            "UPDATE t_ds_jdbc_registry_data SET data_value = ?, last_update_time = ? "
            "WHERE data_key = ?",
            {heartbeat.dump(), format_stored_time(now, TimeZone(), kWrittenPrecisionUs), key_});
    }
    database_.execute(
        "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ? WHERE id = ?",
        {now, client_id_});
    transaction.commit();
}

bool ServerRows::is_marked() {
    return !mark_.empty() &&
           !database_.query("SELECT 1 FROM t_ds_jdbc_registry_data WHERE data_key = ?", {mark_})
                .empty();
}

void ServerRows::remove() {
    Transaction transaction(database_);
    database_.execute("DELETE FROM t_ds_jdbc_registry_data WHERE data_key = ? AND client_id = ?",
                      {key_, client_id_});
    database_.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", {client_id_});
    transaction.commit();
}

}  // namespace dsfailover
