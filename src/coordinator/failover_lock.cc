#include "coordinator/failover_lock.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/interruption.h"
#include "base/log.h"
#include "store/command_store.h"

namespace dsfailover {

namespace {

constexpr Millis kWatchInterval{1000};

// Name, value and version of each mark: what changes when somebody finishes a failover of the
// address.
std::vector<std::pair<std::string, std::string>> marks_seen(Registry& registry,
                                                            const std::string& address) {
    FailoverMarks marks(registry);
    std::vector<std::pair<std::string, std::string>> seen;
    for (const Node& node : marks.of(address).nodes) seen.emplace_back(node.name, node.version);
    std::sort(seen.begin(), seen.end());
    return seen;
}

// Why a watched lock may not be passed; empty after `time_limit` without a sign of work.
std::string watch_leaked_lock(const RunContext& context, const LockRequest& request,
                              const std::string& path, const LockClaim& holder) {
    CommandStore commands(context.store());
    const auto marks = marks_seen(context.registry, request.address);
    const std::int64_t newest_command = commands.highest_id();
    const EpochMs until = now_ms() + request.time_limit.count();
    for (;;) {
        request.look();
        const auto claims = context.registry.claims(path);
        if (claims.empty() || claims.front().id != holder.id)
            return "its holder changed while we watched";
        if (marks_seen(context.registry, request.address) != marks) {
            return "a mark of the address was written while we watched: its holder is at work";
        }
        if (commands.recovery_command_since(request.address, newest_command)) {
            return "a recovery command for one of its workflows appeared while we watched: its "
                   "holder is at work";
        }
        const EpochMs now = now_ms();
        if (now >= until) return "";
        wait_for(std::min(kWatchInterval, Millis(until - now)));
    }
}

// The servers are read after the claim: its holder may have registered a moment ago.
LockResult pass_lock(const RunContext& context, const LockRequest& request, LockResult result,
                     const LockClaim& holder) {
    const Servers& servers = request.look();
    result.info.holder = describe_holder(context.registry, holder, servers);
    const std::string who = *result.info.holder;
    if (may_be_held_by_server(context.registry, holder, servers)) {
        FailoverMarks marks(context.registry);
        if (!suspected_leaked(context.registry, holder, servers, marks.of(request.address))) {
            result.problem = fmt::format(
                "{}: the lock {} is held by {}, and no mark of {} was written since: it may be "
                "failing the address over right now. --no-lock does not pass such a lock; wait, or "
                "stop that server.",
                context.registry.endpoint(), result.info.path, who, request.address);
            return result;
        }
        spdlog::info("watching the lock {} of {} for {}", result.info.path, who,
                     format_duration(request.time_limit));
        const EpochMs began = now_ms();
        const std::string objection = watch_leaked_lock(context, request, result.info.path, holder);
        result.info.waited_ms += now_ms() - began;
        if (!objection.empty()) {
            result.problem =
                fmt::format("{}: the lock {} of {} was not passed: {}.",
                            context.registry.endpoint(), result.info.path, who, objection);
            return result;
        }
    }
    context.warn(
        fmt::format("--no-lock: going on past the lock {}, held by {}.", result.info.path, who));
    result.lock.emplace(context.registry, result.info.path, holder);
    return result;
}

std::string time_out_message(const RunContext& context, const Servers& servers,
                             const LockRequest& request, const std::string& path,
                             const std::optional<LockClaim>& holder) {
    const std::string lock =
        fmt::format("{}: the lock {} was not to be had within {}", context.registry.endpoint(),
                    path, format_duration(request.time_limit));
    if (!holder) return lock + ".";
    FailoverMarks marks(context.registry);
    const bool leaked =
        suspected_leaked(context.registry, *holder, servers, marks.of(request.address));
    const bool foreign = !may_be_held_by_server(context.registry, *holder, servers);
    return fmt::format(
        "{}: it is held by {}{}. {}", lock, describe_holder(context.registry, *holder, servers),
        holder->since > 0 ? fmt::format(" since {}", format_rfc3339(holder->since)) : "",
        leaked ? "It is suspected leaked (a mark of the address was written since): --no-lock is "
                 "the way on. Until it is "
                 "given back, any master that waits for this lock does no failover at all."
        : foreign ? "No living server has that session: it is another run of dsfailover, or a "
                    "client that died and whose "
                    "session has not ended yet. Wait and run the command again, or use --no-lock."
                  : "It may be failing the address over right now: wait for its mark and run the "
                    "command again.");
}

}  // namespace

std::string failover_lock_path(const std::string& address) {
    return fmt::format("{}/{}", paths::kMasterFailoverLocks, address);
}

const Server* owning_server(Registry& registry, const LockClaim& claim, const Servers& servers) {
    for (const auto* folder : {&servers.masters, &servers.workers}) {
        for (const Server& server : *folder) {
            if (registry.owns(server.node, claim)) return &server;
        }
    }
    return nullptr;
}

bool may_be_held_by_server(Registry& registry, const LockClaim& claim, const Servers& servers) {
    const bool anybody = registry.type() == "etcd" && !servers.masters.empty();
    return anybody || owning_server(registry, claim, servers) != nullptr;
}

std::string describe_holder(Registry& registry, const LockClaim& claim, const Servers& servers) {
    const std::string word = registry.type() == "zookeeper" ? "session"
                             : registry.type() == "etcd"    ? "lease"
                                                            : "client";
    const std::string what = fmt::format("{} {}{}", word, claim.owner,
                                         claim.description.empty() ? "" : ", " + claim.description);
    if (const Server* server = owning_server(registry, claim, servers)) {
        return fmt::format("{} {} ({})", servers.master(server->address) ? "master" : "worker",
                           server->address, what);
    }
    return what;
}

bool suspected_leaked(Registry& registry, const LockClaim& claim, const Servers& servers,
                      const AddressMarks& marks) {
    if (!may_be_held_by_server(registry, claim, servers)) return false;
    return std::any_of(marks.nodes.begin(), marks.nodes.end(), [&](const Node& mark) {
        return parse_mark_value(mark.value) != kFenceValue &&
               mark.modified_order > claim.created_order;
    });
}

FailoverLock::FailoverLock(std::unique_ptr<Lock> lock) : held_(std::move(lock)) {}

FailoverLock::FailoverLock(Registry& registry, std::string path, LockClaim passed)
    : registry_(&registry), path_(std::move(path)), passed_(std::move(passed)) {}

bool FailoverLock::confirm() {
    if (held_) return held_->still_held();
    const auto claims = registry_->claims(path_);
    return claims.empty() || claims.front().id == passed_.id;
}

std::vector<bool> FailoverLock::confirm(Registry& registry, std::span<FailoverLock* const> locks) {
    std::vector<Lock*> held;
    for (FailoverLock* lock : locks)
        if (lock->held_) held.push_back(lock->held_.get());
    const std::vector<bool> still_held = registry.still_held(held);
    std::vector<bool> confirmed;
    auto next = still_held.begin();
    for (FailoverLock* lock : locks) confirmed.push_back(lock->held_ ? *next++ : lock->confirm());
    return confirmed;
}

void FailoverLock::release(Registry& registry, std::span<FailoverLock* const> locks) noexcept {
    std::vector<Lock*> held;
    for (FailoverLock* lock : locks)
        if (lock->held_) held.push_back(lock->held_.get());
    registry.release(held);
}

std::vector<FailoverLock> take_free_failover_locks(Registry& registry,
                                                   std::span<const std::string> addresses) {
    std::vector<std::string> paths;
    for (const std::string& address : addresses) paths.push_back(failover_lock_path(address));
    std::vector<FailoverLock> taken;
    for (std::unique_ptr<Lock>& lock : registry.try_locks(paths)) {
        if (!lock) break;
        taken.emplace_back(std::move(lock));
    }
    return taken;
}

LockResult take_failover_lock(const RunContext& context, const LockRequest& request) {
    LockResult result;
    result.info.path = failover_lock_path(request.address);
    if (request.no_lock) {
        const auto claims = context.registry.claims(result.info.path);
        if (!claims.empty()) {
            return pass_lock(context, request, std::move(result), claims.front());
        }
    }
    Millis logged{-5000};
    LockAttempt attempt = context.registry.lock(
        result.info.path, request.time_limit, [&](const LockClaim& holder, Millis waited) {
            check_interruption();
            const Servers& servers = request.look();
            if (waited - logged < Millis(5000)) return;
            logged = waited;
            spdlog::info("waiting for the lock {}, held by {}, for {} s of {}", result.info.path,
                         describe_holder(context.registry, holder, servers), waited.count() / 1000,
                         format_duration(request.time_limit));
        });
    result.info.waited_ms = attempt.waited.count();
    for (std::string& note : attempt.notes) context.warn(std::move(note));
    if (attempt.lock) {
        result.lock.emplace(std::move(attempt.lock));
        return result;
    }
    const Servers& servers = request.look();
    if (attempt.holder)
        result.info.holder = describe_holder(context.registry, *attempt.holder, servers);
    result.problem = time_out_message(context, servers, request, result.info.path, attempt.holder);
    return result;
}

}  // namespace dsfailover
