#include "support/memory_jdbc.h"

#include "registry/jdbc/liveness.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

// Of the client's row, which is written again all the time while its process runs.
std::string heartbeat_of(const MemoryState& state, const std::string& session) {
    if (!state.sessions.contains(session)) return "none";
    const auto silent = state.silent_since.find(session);
    return std::to_string(silent == state.silent_since.end() ? state.now : silent->second);
}

}  // namespace

bool JdbcSight::stands(const MemoryState& state, const std::string& key, const std::string& what) {
    Seen& seen = seen_.try_emplace(key, Seen{what, state.now}).first->second;
    if (seen.what != what) seen = {what, state.now};
    return state.now - seen.since >= JdbcMovements::kSecondLook.count();
}

bool JdbcSight::client_stands(const MemoryState& state, const std::string& session) {
    return stands(state, "client " + session, heartbeat_of(state, session));
}

JdbcSight::Sign JdbcSight::of_server(const MemoryState& state, const Node& node) {
    const bool its_stands =
        stands(state, node.name, heartbeat_of(state, node.owner) + '|' + node.version);
    if (state.is_fresh(node.owner) || reported_lately(node.value, state.now)) return Sign::moves;
    return its_stands ? Sign::stands : Sign::unknown;
}

bool JdbcSight::is_dead(const MemoryState& state, const LockClaim& claim,
                        const std::string& name_space) {
    bool dead = client_stands(state, claim.owner) && !state.is_fresh(claim.owner);
    for (const std::string_view folder : {paths::kMasters, paths::kWorkers}) {
        const std::string prefix = name_space + std::string(folder) + '/';
        for (auto node = state.nodes.lower_bound(prefix);
             node != state.nodes.end() && node->first.starts_with(prefix); ++node) {
            Node server = node->second;
            server.name = node->first.substr(prefix.size());
            const bool its =
                server.owner == claim.owner || claim.description.starts_with(server.name + '/');
            if (its && of_server(state, server) != Sign::stands) dead = false;
        }
    }
    return dead;
}

}  // namespace dsfailover
