#include "registry/jdbc_liveness.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace dsfailover {
namespace {

constexpr Millis kDefaultSessionTimeout{60000};
constexpr std::int64_t kRecentUs = 30'000'000;

Millis session_timeout(std::string_view connection_config) {
    const nlohmann::json config = nlohmann::json::parse(connection_config, nullptr, false);
    if (!config.is_object()) return kDefaultSessionTimeout;
    const auto timeout = config.find("sessionTimeout");
    if (timeout == config.end() || !timeout->is_number_integer()) return kDefaultSessionTimeout;
    return Millis(timeout->get<std::int64_t>());
}

}  // namespace

bool JdbcClients::alive(std::int64_t client_id) const {
    const auto heartbeat = heartbeats.find(client_id);
    return heartbeat != heartbeats.end() && heartbeat->second.fresh(now);
}

JdbcClients read_clients(Database& database) {
    JdbcClients clients;
    const Rows rows = database.query(
        "SELECT id, last_heartbeat_time, connection_config"
        " FROM t_ds_jdbc_registry_client_heartbeat");
    for (std::size_t i = 0; i < rows.size(); ++i)
        clients.heartbeats[rows[i].integer(0)] = {rows[i].integer(1),
                                                  session_timeout(rows[i].text(2))};
    clients.now = database.clock_ms();
    return clients;
}

bool recently_updated(const JdbcRow& row, const JdbcTimes& times, EpochMs now) {
    return times.parse(row.last_update_time).instants.latest_us >= now * 1000 - kRecentUs;
}

bool names_server(const std::string& owner, const std::string& address,
                  const std::string& heartbeat) {
    const nlohmann::json json = nlohmann::json::parse(heartbeat, nullptr, false);
    if (!json.is_object()) return false;
    const auto process_id = json.find("processId");
    if (process_id == json.end() || !process_id->is_number_integer()) return false;

    std::string host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string name = fmt::format("{}_{}", host, process_id->get<std::int64_t>());
    return owner == name || owner.starts_with(name + "_");
}

}  // namespace dsfailover
