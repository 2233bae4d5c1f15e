#include "coordinator/failover/lock_status.h"

#include <fmt/format.h>

#include "coordinator/failover/failover_lock.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

void warn_of_leaked_lock(const RunContext& context, const LockNote& lock,
                         const std::string& address, const std::vector<std::string>& masters) {
    context.warn(fmt::format(
        "The lock {} is suspected leaked: {} holds it{}, although a mark of {} was written since. "
        "{} cannot fail anything over, workers included, until the holder releases it. "
        "failover-master {} --no-lock proceeds without it.",
        lock.path, lock.holder, lock.held_since ? " since " + format_rfc3339(*lock.held_since) : "",
        address,
        masters.empty() ? "Masters waiting for it"
        : masters.size() == 1
            ? fmt::format("The master {} waits for it and", masters[0])
            : fmt::format("The masters {} wait for it and", fmt::join(masters, ", ")),
        address));
}

// Of a lock that somebody holds.
LockNote lock_note(Registry& registry, const LockState& lock, const std::string& address,
                   const Servers& servers, FailoverMarks& marks) {
    const LockClaim& holder = lock.claims.front();
    LockNote note;
    note.path = lock.path;
    note.holder = describe_holder(registry, holder, servers);
    if (holder.since > 0) note.held_since = holder.since;
    note.leaked = suspected_leaked(registry, holder, servers, marks.of(address));
    for (auto claim = lock.claims.begin() + 1; claim != lock.claims.end(); ++claim)
        note.waiters.push_back(describe_holder(registry, *claim, servers));
    return note;
}

std::vector<std::string> waiting_masters(Registry& registry, const LockState& lock,
                                         const Servers& servers) {
    std::vector<std::string> masters;
    for (auto claim = lock.claims.begin() + 1; claim != lock.claims.end(); ++claim) {
        const Server* server = owning_server(registry, *claim, servers);
        if (server && servers.master(server->address)) masters.push_back(server->address);
    }
    return masters;
}

}  // namespace

std::vector<LockNote> read_failover_locks(const RunContext& context, const Servers& servers) {
    Registry& registry = context.registry;
    FailoverMarks marks(registry);
    std::vector<LockNote> notes;
    for (const LockState& lock : registry.locks(std::string(paths::kMasterFailoverLocks))) {
        if (lock.claims.empty()) continue;
        const std::string address = address_of_failover_lock(lock.path);
        const LockNote& note =
            notes.emplace_back(lock_note(registry, lock, address, servers, marks));
        if (note.leaked)
            warn_of_leaked_lock(context, note, address, waiting_masters(registry, lock, servers));
    }
    return notes;
}

std::optional<LockNote> read_failover_lock(const RunContext& context, const Servers& servers,
                                           const std::string& address) {
    const std::string path = failover_lock_path(address);
    const LockState lock{path, context.registry.claims(path)};
    if (lock.claims.empty()) return std::nullopt;
    FailoverMarks marks(context.registry);
    return lock_note(context.registry, lock, address, servers, marks);
}

}  // namespace dsfailover
