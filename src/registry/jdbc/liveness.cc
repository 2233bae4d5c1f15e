#include "registry/jdbc/liveness.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/json.h"
#include "registry/living_servers.h"

namespace dsfailover {
namespace {

constexpr Millis kDefaultSessionTimeout{60000};
constexpr EpochMs kRecentMs = 30'000;

Millis session_timeout(std::string_view connection_config) {
    const auto timeout = Json::parse_object(connection_config).integer("sessionTimeout");
    return timeout ? Millis(*timeout) : kDefaultSessionTimeout;
}

}  // namespace

bool JdbcClients::alive(std::int64_t client_id) const {
    const auto heartbeat = heartbeats.find(client_id);
    return heartbeat != heartbeats.end() && heartbeat->second.fresh(now);
}

EpochMs JdbcClients::last_heartbeat(std::int64_t client_id) const {
    const auto heartbeat = heartbeats.find(client_id);
    return heartbeat == heartbeats.end() ? 0 : heartbeat->second.last;
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

bool is_still_there(Database& database, const JdbcOwnRow& row, Millis session_timeout) {
    const Rows rows = database.query(
        fmt::format("SELECT h.last_heartbeat_time FROM {} r"
                    " JOIN t_ds_jdbc_registry_client_heartbeat h ON h.id = r.client_id"
                    " WHERE r.id = ? AND r.client_id = ? AND r.{} = ?",
                    row.table, row.key_column),
        {Value(row.id), Value(row.client_id), Value(row.key)});
    return !rows.empty() &&
           JdbcHeartbeat{rows[0].integer(0), session_timeout}.fresh(database.clock_ms());
}

bool reported_lately(const std::string& heartbeat, EpochMs now) {
    Node node;
    node.value = heartbeat;
    const auto reported = parse_heartbeat(std::move(node)).report_time;
    return reported && std::abs(*reported - now) <= kRecentMs;
}

std::string movable_state(const JdbcRow& row, const JdbcClients& clients) {
    return fmt::format("{}|{}", clients.last_heartbeat(row.client_id), row.version());
}

JdbcMovements::Sign JdbcMovements::look(const std::string& key, const std::string& state) {
    const auto now = std::chrono::steady_clock::now();
    const auto [found, is_new] = seen_.try_emplace(key, Seen{state, now, false});
    Seen& seen = found->second;
    if (!is_new && seen.state != state) seen = {state, now, true};
    if (now - seen.since >= kSecondLook) return Sign::stands;
    return seen.moved ? Sign::moves : Sign::unknown;
}

JdbcMovements::Sign JdbcMovements::look(std::int64_t client_id, const JdbcClients& clients) {
    const auto client = clients.heartbeats.find(client_id);
    return look(fmt::format("client {}", client_id),
                client == clients.heartbeats.end() ? "" : std::to_string(client->second.last));
}

void JdbcMovements::look_at_all(const JdbcClients& clients) {
    for (const auto& [id, heartbeat] : clients.heartbeats) look(id, clients);
}

bool names_server(const std::string& owner, const std::string& address,
                  const std::string& heartbeat) {
    const auto process_id = Json::parse_object(heartbeat).integer("processId");
    if (!process_id) return false;

    std::string host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string name = fmt::format("{}_{}", host, *process_id);
    return owner == name || owner.starts_with(name + "_");
}

}  // namespace dsfailover
