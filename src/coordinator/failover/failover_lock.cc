#include "coordinator/failover/failover_lock.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/interruption.h"
#include "base/log.h"
#include "base/polling.h"
#include "coordinator/failover/failover_stamps.h"
#include "registry/paths.h"
#include "store/command_store.h"

namespace dsfailover {

namespace {

constexpr Millis kWatchInterval{1000};
// How long the session of a run that was killed bars others, and a little more.
constexpr Millis kSessionOfOurs{11'000};
// The same of a server that was stopped: the longest is etcd's lease.
constexpr Millis kSessionOfServer{40'000};

std::string since(const LockClaim& claim) {
    return claim.since > 0 ? fmt::format(" since {}", format_rfc3339(claim.since)) : "";
}

bool looks_leaked(const RunContext& context, const std::string& address, const LockClaim& holder,
                  const Servers& servers) {
    FailoverMarks marks(context.registry);
    return suspected_leaked(context.registry, holder, servers, marks.of(address));
}

// What is to be known of a holder when the wait for it begins, and when it was in vain.
std::string say_of_holder(const RunContext& context, const std::string& address,
                          const LockClaim& holder, const Servers& servers, bool no_lock) {
    if (!may_be_held_by_server(context.registry, holder, servers)) {
        return "No living server has that session: it is another run of dsfailover, or one killed "
               "up to 10 s ago, or of a server that died and whose session has not ended yet. Wait "
               "and run the command again.";
    }
    if (!looks_leaked(context, address, holder, servers)) {
        return "It may be failing the address over right now: wait for its mark and run the "
               "command again.";
    }
    return fmt::format(
        "It is suspected leaked (a mark of the address was written since): until it is released, "
        "masters waiting for it cannot fail anything over.{}",
        no_lock ? "" : " Use --no-lock to proceed.");
}

std::string may_be_at_work(const RunContext& context, const std::string& address,
                           const std::string& who) {
    return fmt::format(
        "{}: the lock {} is held by {}, and no mark of {} was written since: it may be failing the "
        "address over right now. --no-lock does not pass such a lock; wait, or stop that server.",
        context.registry.endpoint(), failover_lock_path(address), who, address);
}

std::string not_passed(const RunContext& context, const std::string& address,
                       const std::string& who, const std::string& objection) {
    return fmt::format("{}: the lock {} of {} was not passed: {}.", context.registry.endpoint(),
                       failover_lock_path(address), who, objection);
}

// The servers are read after the claim: its holder may have registered a moment ago.
LockResult pass_lock(const RunContext& context, const LockRequest& request, LockResult result,
                     const LockClaim& holder) {
    const Servers& servers = request.look();
    const std::string who = describe_holder(context.registry, holder, servers);
    result.info.holder = who;
    if (may_be_held_by_server(context.registry, holder, servers)) {
        if (!looks_leaked(context, request.address, holder, servers)) {
            result.problem = may_be_at_work(context, request.address, who);
            return result;
        }
        std::optional<LeakWatch> own;
        const bool began = request.watch && request.watch->holder().id == holder.id;
        LeakWatch& watch = began ? *request.watch : own.emplace(context, request.address, holder);
        if (watch.watched() < request.watch_for) {
            log_info("watching the lock {} of {}, which looks leaked, for {}", result.info.path,
                     who, format_duration(request.watch_for));
        }
        const EpochMs start = now_ms();
        poll({start + (request.watch_for - watch.watched()).count(), kWatchInterval}, [&] {
            request.look();
            watch.look();
            return !watch.objection().empty();
        });
        result.info.waited_ms += now_ms() - start;
        if (!watch.objection().empty()) {
            result.problem = not_passed(context, request.address, who, watch.objection());
            return result;
        }
    }
    result.passed_by_answers = !request.no_lock;
    context.warn(request.no_lock
                     ? fmt::format("--no-lock: going on past the lock {}, held by {}.",
                                   result.info.path, who)
                     : fmt::format("The lock {} is held by {}{} and looks leaked: it was passed "
                                   "after {} without a sign of work, since every living master "
                                   "says what it holds.",
                                   result.info.path, who, since(holder),
                                   format_duration(request.watch_for)));
    result.lock.emplace(context.registry, result.info.path, holder);
    return result;
}

// Without --no-lock: past a lock that was watched, where every master answers.
bool may_pass_unasked(const LockRequest& request, const LockClaim& holder) {
    return request.masters_answer && request.watch && request.watch->holder().id == holder.id &&
           request.watch->objection().empty() && request.masters_answer();
}

std::string time_out_message(const RunContext& context, const Servers& servers,
                             const LockRequest& request, const std::string& path,
                             const std::optional<LockClaim>& holder) {
    const std::string lock =
        fmt::format("{}: could not acquire the lock {} within {}", context.registry.endpoint(),
                    path, format_duration(request.time_limit));
    if (!holder) return lock + ".";
    return fmt::format("{}: held by {}{}. {}", lock,
                       describe_holder(context.registry, *holder, servers), since(*holder),
                       say_of_holder(context, request.address, *holder, servers, request.no_lock));
}

// Waits for the lock; who holds it is said at once, and again every 5 s.
LockAttempt wait_for_lock(const RunContext& context, const LockRequest& request,
                          const std::string& path, Millis time_limit) {
    Millis logged{-5000};
    std::string told;  // of whom
    return context.registry.lock(path, time_limit, [&](const LockClaim& holder, Millis waited) {
        check_interruption();
        const Servers& servers = request.look();
        if (request.watch) request.watch->look();
        if (told == holder.id && waited - logged < Millis(5000)) return;
        logged = waited;
        const std::string who = describe_holder(context.registry, holder, servers);
        if (told == holder.id) {
            log_info("waiting for the lock {}, held by {}, for {} s of {}", path, who,
                     waited.count() / 1000, format_duration(time_limit));
            return;
        }
        told = holder.id;
        log_info("waiting for the lock {}, held by {}{}, for up to {}. {}", path, who,
                 since(holder), format_duration(time_limit - waited),
                 say_of_holder(context, request.address, holder, servers, request.no_lock));
    });
}

// The first that holds or waits and is not the server to be fenced, whose claims go with it.
std::optional<LockClaim> foreign_claim(Registry& registry, const std::vector<LockClaim>& claims,
                                       const Server& server) {
    const auto foreign = std::find_if(claims.begin(), claims.end(), [&](const LockClaim& claim) {
        return !registry.owns(server.node, claim);
    });
    return foreign == claims.end() ? std::nullopt : std::optional(*foreign);
}

LockOutlook watch_before_fence(const RunContext& context, const Server& server,
                               const FailoverOptions& options, const LockClaim& holder,
                               const Servers& others) {
    const std::string who = describe_holder(context.registry, holder, others);
    if (!looks_leaked(context, server.address, holder, others))
        return {may_be_at_work(context, server.address, who)};
    if (options.dry_run) return {};
    log_info("watching the lock {} of {}, which looks leaked, for {}, before {} is fenced",
             failover_lock_path(server.address), who, format_duration(options.lock_timeout),
             server.address);
    auto watch = std::make_shared<LeakWatch>(context, server.address, holder);
    poll({now_ms() + (options.lock_timeout - watch->watched()).count(), kWatchInterval}, [&] {
        watch->look();
        return !watch->objection().empty();
    });
    if (!watch->objection().empty())
        return {not_passed(context, server.address, who, watch->objection())};
    return {"", std::move(watch)};
}

}  // namespace

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
    std::string what = fmt::format("{} {}{}", word, claim.owner,
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
    return !claims.empty() && claims.front().id == passed_.id;
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

LeakWatch::LeakWatch(const RunContext& context, std::string address, LockClaim holder)
    : context_(context),
      address_(std::move(address)),
      holder_(std::move(holder)),
      began_(now_ms()),
      marks_(marks()),
      newest_command_(CommandStore(context.store()).highest_id()) {}

Millis LeakWatch::watched() const { return Millis(now_ms() - began_); }

// Name and version of each: what changes when somebody finishes a failover of the address. A fence
// may be our own.
LeakWatch::Marks LeakWatch::marks() const {
    FailoverMarks marks(context_.registry);
    Marks seen;
    for (const Node& node : marks.of(address_).nodes) {
        if (parse_mark_value(node.value) != kFenceValue) seen.emplace_back(node.name, node.version);
    }
    std::sort(seen.begin(), seen.end());
    return seen;
}

void LeakWatch::look() {
    if (!objection_.empty()) return;
    const auto claims = context_.registry.claims(failover_lock_path(address_));
    if (claims.empty() || claims.front().id != holder_.id) {
        objection_ = "its holder changed while we watched";
    } else if (marks() != marks_) {
        objection_ = "a mark of the address was written while we watched: its holder is at work";
    } else if (CommandStore(context_.store()).recovery_command_since(address_, newest_command_)) {
        objection_ =
            "a recovery command for one of its workflows appeared while we watched: its holder is "
            "at work";
    }
}

LockResult take_failover_lock(const RunContext& context, const LockRequest& request) {
    LockResult result;
    result.info.path = failover_lock_path(request.address);
    // With the stamps of the one the other cannot be failed over.
    if (const auto twin = context.registry.twin_of(stamps_path(request.address))) {
        result.problem = fmt::format(
            "{}: {} cannot be failed over: {} is there, which differs only in case, and to this "
            "MySQL both are one key. Give data_key of t_ds_jdbc_registry_data and lock_key of "
            "t_ds_jdbc_registry_lock a collation that tells case apart (utf8mb4_bin).",
            context.registry.endpoint(), request.address, *twin);
        return result;
    }
    Millis time_limit =
        request.fenced ? std::max(request.time_limit, kSessionOfServer) : request.time_limit;
    LockRequest passing = request;
    std::optional<LeakWatch> own;
    if (request.no_lock) {
        const auto claims = context.registry.claims(result.info.path);
        if (!claims.empty() && owning_server(context.registry, claims.front(), request.look()))
            return pass_lock(context, request, std::move(result), claims.front());
        // One of a session that ends by itself is better had than passed.
        if (!request.fenced) time_limit = std::min(time_limit, kSessionOfOurs);
        if (!claims.empty() && !request.watch)
            passing.watch = &own.emplace(context, request.address, claims.front());
    }
    if (!request.no_lock && request.masters_answer && !request.watch) {
        const auto claims = context.registry.claims(result.info.path);
        if (!claims.empty() &&
            looks_leaked(context, request.address, claims.front(), request.look()))
            passing.watch = &own.emplace(context, request.address, claims.front());
    }
    LockAttempt attempt = wait_for_lock(context, passing, result.info.path, time_limit);
    result.info.waited_ms = attempt.waited.count();
    for (std::string& note : attempt.notes) context.warn(std::move(note));
    if (attempt.lock) {
        result.lock.emplace(std::move(attempt.lock));
        return result;
    }
    if (!attempt.problem.empty()) {
        result.problem = attempt.problem + ".";
        return result;
    }
    if (attempt.holder && (request.no_lock || may_pass_unasked(passing, *attempt.holder)))
        return pass_lock(context, passing, std::move(result), *attempt.holder);
    const Servers& servers = request.look();
    if (attempt.holder)
        result.info.holder = describe_holder(context.registry, *attempt.holder, servers);
    result.problem = time_out_message(context, servers, request, result.info.path, attempt.holder);
    return result;
}

LockOutlook lock_after_fence(const RunContext& context, const Server& server,
                             const FailoverOptions& options, WorkflowInquiry* inquiry) {
    Registry& registry = context.registry;
    const std::string path = failover_lock_path(server.address);
    const auto claims = registry.claims(path);
    const auto holder = foreign_claim(registry, claims, server);
    if (!holder) return {};
    Servers others;
    const auto look = [&]() -> const Servers& {
        others = read_servers(registry, true);
        others.remove(server.address);
        return others;
    };
    look();
    if (holder->id != claims.front().id) {
        return {fmt::format("{}: the lock {} goes to {}, which waits for it, once {} is stopped.",
                            registry.endpoint(), path, describe_holder(registry, *holder, others),
                            server.address)};
    }
    const bool of_server = may_be_held_by_server(registry, *holder, others);
    // On etcd it may be that of the server to be fenced, when no other master is there.
    if (!of_server && (options.no_lock || registry.type() == "etcd")) return {};
    const bool leaked = looks_leaked(context, server.address, *holder, others);
    if (of_server &&
        (options.no_lock || (leaked && inquiry && inquiry->every_master_answers(server.address))))
        return watch_before_fence(context, server, options, *holder, others);

    LockRequest request;
    request.address = server.address;
    request.time_limit = options.dry_run ? Millis(0) : options.lock_timeout;
    request.look = look;
    if (options.dry_run) return {time_out_message(context, others, request, path, holder)};
    LockAttempt attempt = wait_for_lock(context, request, path, request.time_limit);
    for (std::string& note : attempt.notes) context.warn(std::move(note));
    if (attempt.lock) return {};  // given back, and taken again once the server is stopped
    if (!attempt.problem.empty()) return {attempt.problem + "."};
    return {time_out_message(context, look(), request, path, attempt.holder)};
}

}  // namespace dsfailover
