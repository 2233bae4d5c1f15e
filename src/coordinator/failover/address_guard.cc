#include "coordinator/failover/address_guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/interruption.h"
#include "base/log.h"
#include "base/polling.h"
#include "registry/paths.h"

namespace dsfailover {

AddressGuard::AddressGuard(const RunContext& context, const FailoverOptions& options,
                           FirstLook& look, std::vector<MasterTarget>& targets)
    : context_(context), options_(options), look_(look), targets_(targets) {}

void AddressGuard::secure() {
    std::vector<MasterTarget*> all;
    for (MasterTarget& target : targets_) {
        if (target.is_watched()) all.push_back(&target);
    }
    // All locks go with the session.
    stop_on_error(context_, all, [&] {
        take_claims();
        take_locks();
        wait_grace();
    });
}

// Most of the time nobody else is at work; otherwise one after the other, so that one address
// which another run works on does not keep the others.
void AddressGuard::take_claims() {
    std::set<std::string> addresses;
    for (const MasterTarget& target : targets_) {
        if (target.is_open()) addresses.insert(target.address);
    }
    waiting_since_ = now_ms();
    const auto look = [&] { look_who_returned(nullptr); };
    if (addresses.size() > 1) {
        try {
            claims_ = take_run_claims(context_, addresses, Millis(0), look);
            return;
        } catch (const LockError& error) {
            log_info("{}", error.what());
        }
    }
    for (MasterTarget& target : targets_) {
        if (!target.is_open()) continue;
        check_interruption();
        stop_on_error(context_, target, [&] {
            target.claims = take_run_claims(context_, {target.address}, left_to_wait(), look);
        });
    }
}

// Claims and locks share one --lock-timeout.
Millis AddressGuard::left_to_wait() const {
    return Millis(
        std::max<EpochMs>(0, options_.lock_timeout.count() - (now_ms() - waiting_since_)));
}

// Most of the time all are free; from the first that is not they are taken one after the other.
void AddressGuard::take_free_locks() {
    std::vector<MasterTarget*> wanted;
    std::vector<std::string> addresses;
    for (MasterTarget& target : targets_) {
        if (!target.is_open()) continue;
        wanted.push_back(&target);
        addresses.push_back(target.address);
    }
    if (wanted.size() < 2 || options_.no_lock) return;
    std::vector<FailoverLock> locks = take_free_failover_locks(context_.registry, addresses);
    for (std::size_t i = 0; i < locks.size(); ++i) {
        wanted[i]->section().lock.emplace().path = failover_lock_path(addresses[i]);
        wanted[i]->lock.emplace(std::move(locks[i]));
    }
}

void AddressGuard::take_locks() {
    // Where no other run was waited for the whole time is left.
    if (now_ms() - waiting_since_ < 1000) waiting_since_ = now_ms();
    take_free_locks();
    for (MasterTarget& target : targets_) {
        if (target.lock || !target.is_open()) continue;
        check_interruption();
        const Millis left = left_to_wait();
        target.section().lock.emplace().path = failover_lock_path(target.address);
        stop_on_error(context_, target, [&] {
            LockRequest request;
            request.address = target.address;
            request.time_limit = options_.no_lock ? options_.lock_timeout : left;
            request.watch_for = options_.lock_timeout;
            request.no_lock = options_.no_lock;
            request.fenced = target.fenced;
            request.watch = target.watch.get();
            if (look_.inquiry)
                request.masters_answer = [&] { return look_.inquiry->every_master_answers(""); };
            request.look = [&]() -> const Servers& { return look_again(target); };
            LockResult result = take_failover_lock(context_, request);
            target.asks_about_all = result.passed_by_answers;
            target.section().lock = std::move(result.info);
            if (!result.lock) throw LockError(result.problem);
            target.lock = std::move(result.lock);
        });
    }
}

// While we wait: an address that comes back only to go away again was not gone for the grace time.
// Throws for `waiting`, whose turn it is.
const Servers& AddressGuard::look_again(MasterTarget& waiting) {
    look_who_returned(&waiting);
    check_return(waiting);
    return look_.servers;
}

// Stops each whose address came back, but for one.
void AddressGuard::look_who_returned(const MasterTarget* but) {
    look_.servers = read_servers(context_.registry, true);
    for (MasterTarget& target : targets_) {
        if (target.is_watched() && &target != but)
            stop_on_error(context_, target, [&] { check_return(target); });
    }
}

bool AddressGuard::any_watched(bool gone_only) const {
    return std::any_of(targets_.begin(), targets_.end(), [&](const MasterTarget& target) {
        return target.is_watched() && !(gone_only && target.lives);
    });
}

// An address must stay away for the whole grace time; the time spent on locks counts. Its last look
// is the one under the locks that the reading builds on.
void AddressGuard::wait_grace() {
    const bool any_gone = any_watched(true);
    if (any_gone && options_.grace.count() == 0) {
        context_.warn(
            "--grace 0s: one look only; a master that is merely restarting or cut off for a moment "
            "counts as gone.");
    }
    const EpochMs until = any_gone ? look_.at + options_.grace.count() : 0;
    const auto look = [&] {
        look_who_returned(nullptr);
        return !any_watched(false);
    };
    if (!any_watched(false)) return;
    poll({until}, look, [](std::int64_t seconds) {
        log_info("waiting {} s more, to see that nothing comes back (--grace)", seconds);
    });
}

// During the grace time: an address that was gone must still be gone, one that
// was restarted must still be the same.
void AddressGuard::check_return(MasterTarget& target) {
    const Server* living = look_.servers.master(target.address);
    MasterSection& section = target.section();
    if (!target.lives && living) {
        section.alive = true;
        section.startup_time = living->startup_time;
        throw RefusedError(fmt::format(
            "{}: the master {} came back ({}) while we waited: nothing was failed over. What its "
            "old process left is failed over {}.",
            context_.registry.endpoint(), target.address, describe_start(*living), by_global()));
    }
    if (target.lives && (!living || living->startup_time != target.living_since)) {
        throw RefusedError(
            fmt::format("{}: the new process at {} went away or was replaced while we waited: "
                        "nothing was failed over. Run the command again.",
                        context_.registry.endpoint(), target.address));
    }
}

// A lock that we hold goes with our session, as our claim does; past one that was passed only the
// claim tells.
bool AddressGuard::still_claimed(MasterTarget& target) {
    if (!target.lock->was_passed()) return true;
    RunClaims& claims = target.claims ? *target.claims : claims_;
    return claims.confirm({&target.address, 1}).front();
}

void AddressGuard::confirm(MasterTarget& target) {
    const bool held = still_claimed(target) && target.lock->confirm();
    require_ours(target, held,
                 read_server(context_.registry, paths::kMasters, target.address, false));
}

void AddressGuard::confirm_all(std::vector<MasterTarget*>& targets) {
    std::vector<FailoverLock*> locks;
    std::vector<std::string> addresses;
    for (MasterTarget* target : targets) {
        locks.push_back(&*target->lock);
        addresses.push_back(target->address);
    }
    stop_on_error(context_, targets, [&] {
        const std::vector<bool> held = FailoverLock::confirm(context_.registry, locks);
        const auto living = read_some_servers(context_.registry, paths::kMasters, addresses, false);
        for (std::size_t i = 0; i < targets.size(); ++i) {
            MasterTarget& target = *targets[i];
            stop_on_error(context_, target, [&] {
                require_ours(target, held[i] && still_claimed(target), living[i]);
            });
        }
    });
    std::erase_if(targets, [](const MasterTarget* target) { return !target->is_open(); });
}

void AddressGuard::confirm_fence(MasterTarget& target) {
    const auto living = read_server(context_.registry, paths::kMasters, target.address, false);
    if (living && living->startup_time == target.process->startup_time)
        require_ours(target, true, living);
}

void AddressGuard::require_ours(MasterTarget& target, bool lock_held,
                                const std::optional<Server>& living) {
    if (!lock_held) {
        throw LockError(
            fmt::format("{}: the lock {} {} while {} was failed over: the transaction was "
                        "rolled back, what was committed before is in the report, no mark was "
                        "written. Run the command again.",
                        context_.registry.endpoint(), failover_lock_path(target.address),
                        target.lock->was_passed() ? "which was passed changed hands" : "was lost",
                        target.address));
    }
    // There only answers decide, and they were asked for with the rows locked.
    if (target.by_answer()) return;
    if (!living || (living->startup_time && *living->startup_time >= target.deadline)) return;
    target.section().alive = true;
    target.section().startup_time = living->startup_time;
    throw RefusedError(fmt::format(
        "{}: the master {} came back while it was failed over ({}): stopped before "
        "the next commit, no mark was written. What is left belongs to it, or is failed "
        "over {}.",
        context_.registry.endpoint(), target.address, describe_start(*living), by_global()));
}

// What is for global, as global itself says it.
std::string_view AddressGuard::by_global() const {
    return context_.report.command == "global" ? "when this command is run again"
                                               : "by the command global";
}

void AddressGuard::release() {
    std::vector<FailoverLock*> locks;
    for (MasterTarget& target : targets_) {
        if (target.lock) locks.push_back(&*target.lock);
    }
    FailoverLock::release(context_.registry, locks);
    for (MasterTarget& target : targets_) {
        target.lock.reset();
        target.claims.reset();
    }
    claims_.release();
}

}  // namespace dsfailover
