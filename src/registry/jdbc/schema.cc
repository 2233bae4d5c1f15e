#include "registry/jdbc/schema.h"

#include "database/tables.h"

namespace dsfailover {

namespace {

const std::vector<NeededTable>& used_tables() {
    static const std::vector<NeededTable> tables = {
        {"t_ds_jdbc_registry_data",
         {"id", "data_key", "data_value", "data_type", "client_id", "create_time",
          "last_update_time"}},
        {"t_ds_jdbc_registry_data_change_event",
         {"id", "event_type", "jdbc_registry_data", "create_time"}},
        {"t_ds_jdbc_registry_lock", {"id", "lock_key", "lock_owner", "client_id", "create_time"}},
        {"t_ds_jdbc_registry_client_heartbeat",
         {"id", "client_name", "last_heartbeat_time", "connection_config", "create_time"}},
    };
    return tables;
}

}  // namespace

void check_jdbc_registry_schema(Database& database) {
    const FoundTables found = find_tables(database, used_tables());
    const std::string missing = describe_missing(found, used_tables());
    if (missing.empty()) return;
    refuse_tables(
        database, missing, describe_found(found, "DolphinScheduler"),
        "Supported are the tables of the JDBC registry of DolphinScheduler 3.3.0 and later: is "
        "the registry kept in another database, or in ZooKeeper or etcd?");
}

}  // namespace dsfailover
