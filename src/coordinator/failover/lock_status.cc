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
        "{} failover at all, of workers neither, until the holder lets go. failover-master {} "
        "--no-lock goes on past it.",
        lock.path, lock.holder, lock.held_since ? " since " + format_rfc3339(*lock.held_since) : "",
        address,
        masters.empty() ? "Any master that waits for it does no"
        : masters.size() == 1
            ? fmt::format("The master {} waits for it and does no", masters[0])
            : fmt::format("The masters {} wait for it and do no", fmt::join(masters, ", ")),
        address));
}

}  // namespace

std::vector<LockNote> read_failover_locks(const RunContext& context, const Servers& servers) {
    Registry& registry = context.registry;
    FailoverMarks marks(registry);
    std::vector<LockNote> notes;
    for (const LockState& lock : registry.locks(std::string(paths::kMasterFailoverLocks))) {
        if (lock.claims.empty()) continue;
        const LockClaim& holder = lock.claims.front();
        const std::string address = address_of_failover_lock(lock.path);
        LockNote& note = notes.emplace_back();
        note.path = lock.path;
        note.holder = describe_holder(registry, holder, servers);
        if (holder.since > 0) note.held_since = holder.since;
        note.leaked = suspected_leaked(registry, holder, servers, marks.of(address));
        std::vector<std::string> masters;
        for (auto claim = lock.claims.begin() + 1; claim != lock.claims.end(); ++claim) {
            note.waiters.push_back(describe_holder(registry, *claim, servers));
            const Server* server = owning_server(registry, *claim, servers);
            if (server && servers.master(server->address)) masters.push_back(server->address);
        }
        if (note.leaked) warn_of_leaked_lock(context, note, address, masters);
    }
    return notes;
}

}  // namespace dsfailover
