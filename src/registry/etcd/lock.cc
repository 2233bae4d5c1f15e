#include "registry/etcd/lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/base64.h"
#include "base/interruption.h"
#include "base/log.h"

namespace dsfailover {

using Access = EtcdClient::Access;

namespace {

using Clock = std::chrono::steady_clock;

constexpr Millis kPoll{50};
constexpr Millis kRetryInterval{500};
constexpr Millis kReportInterval{1000};
/// How long the answer to a request for a free lock may take, whatever the time limit.
constexpr Millis kLeastWait{2000};

Millis since(Clock::time_point start) {
    return std::chrono::duration_cast<Millis>(Clock::now() - start);
}

LockClaim to_claim(const EtcdKey& key) {
    LockClaim claim;
    claim.id = key.key;
    claim.owner = key.lease_hex();
    claim.created_order = key.create_revision;
    return claim;
}

void sort(std::vector<LockClaim>& claims) {
    std::sort(claims.begin(), claims.end(), [](const LockClaim& a, const LockClaim& b) {
        return a.created_order < b.created_order;
    });
}

class EtcdLock : public Lock {
  public:
    EtcdLock(std::shared_ptr<EtcdSession> session, std::string path, std::string key,
             std::shared_ptr<EtcdLease> lease)
        : session_(std::move(session)),
          path_(std::move(path)),
          key_(std::move(key)),
          lease_(std::move(lease)) {}
    ~EtcdLock() override { release(); }

    const std::string& path() const override { return path_; }
    bool still_held() override;
    void release() noexcept override {
        if (std::exchange(released_, true)) return;
        session_->leases.revoke_quietly(*lease_);
    }

  private:
    const std::shared_ptr<EtcdSession> session_;
    const std::string path_;
    const std::string key_;
    const std::shared_ptr<EtcdLease> lease_;
    bool released_ = false;
};

bool EtcdLock::still_held() {
    if (released_ || lease_->lost()) return false;
    const std::optional<EtcdKey> key = session_->keys.find(key_);
    if (!key || key->lease != lease_->id()) return false;
    const Json answer =
        session_->client.call(Access::read, "lease/timetolive",
                              {{"ID", std::to_string(lease_->id())}}, "checking the lock " + path_);
    // -1, or left out, once it has ended.
    return etcd_time_to_live(answer) > Millis(0);
}

}  // namespace

/// Our place in a lock's queue, left by its destructor unless it became a lock. It is left by
/// revoking its lease, because a request that was only cancelled may still arrive.
class EtcdLocks::Queue {
  public:
    Queue(EtcdLocks& locks, const std::string& path)
        : locks_(locks),
          path_(path),
          lease_(locks.session_->leases.grant()),
          pending_(locks.session_->client.start("lock/lock",
                                                {{"name", to_base64(locks.name_space_ + path)},
                                                 {"lease", std::to_string(lease_->id())}},
                                                "waiting for the lock " + path)) {}
    ~Queue() {
        pending_.reset();
        if (lease_) locks_.session_->leases.revoke_quietly(*lease_);
    }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    const EtcdLease& lease() const { return *lease_; }

    /// Waits a moment; the lock if it is ours.
    std::unique_ptr<Lock> poll() {
        const std::optional<Json> answer = pending_->poll(kPoll);
        if (!answer) return nullptr;
        auto lock = std::make_unique<EtcdLock>(locks_.session_, path_, etcd_bytes(*answer, "key"),
                                               std::move(lease_));
        // The lock service answers a waiter whose lease ended meanwhile, too.
        if (lock->still_held()) return lock;
        throw RegistryError(RegistryError::Kind::session_lost,
                            fmt::format("etcd at {}: our lease ended while waiting for the lock {}",
                                        locks_.session_->client.endpoint(), path_));
    }

  private:
    EtcdLocks& locks_;
    const std::string path_;
    std::shared_ptr<EtcdLease> lease_;
    std::unique_ptr<EtcdClient::Pending> pending_;
};

LockAttempt EtcdLocks::take(const std::string& path, Millis time_limit,
                            const std::function<void(const LockClaim&, Millis waited)>& waiting) {
    LockAttempt attempt;
    const Clock::time_point start = Clock::now();
    Millis next_look = std::min(kReportInterval, time_limit);
    auto queue = std::make_unique<Queue>(*this, path);
    for (;;) {
        check_interruption();
        try {
            attempt.lock = queue->poll();
        } catch (const RegistryError& error) {
            if (error.kind() == RegistryError::Kind::denied || since(start) >= time_limit) throw;
            // The server went away, and our place in the queue may be gone: queue anew.
            log_info("{}; trying again", error.what());
            queue.reset();
            wait_for(kRetryInterval);
            queue = std::make_unique<Queue>(*this, path);
            continue;
        }
        attempt.waited = since(start);
        if (attempt.lock) return attempt;
        if (attempt.waited < next_look) continue;

        const std::vector<LockClaim> claims = this->claims(path);
        const bool others_hold = !claims.empty() && claims.front().owner != queue->lease().hex();
        if (attempt.waited >= time_limit &&
            (others_hold || attempt.waited >= time_limit + kLeastWait)) {
            if (others_hold) attempt.holder = claims.front();
            return attempt;
        }
        if (others_hold) waiting(claims.front(), attempt.waited);
        next_look = others_hold ? std::min(since(start) + kReportInterval,
                                           std::max(time_limit, attempt.waited))
                                : attempt.waited;
    }
}

std::unique_ptr<Lock> EtcdLocks::claim(const std::string& path, const std::string& value) {
    const std::string key = name_space_ + path;
    if (session_->keys.find(key)) return nullptr;
    std::shared_ptr<EtcdLease> lease = session_->leases.grant();
    // Whatever happens from here on, the key goes with the lease.
    auto claim = std::make_unique<EtcdLock>(session_, path, key, lease);
    try {
        if (!session_->keys.create(key, value, lease->id())) return nullptr;
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
        if (!claim->still_held()) return nullptr;
    }
    return claim;
}

std::vector<LockClaim> EtcdLocks::claims(const std::string& path) {
    std::vector<LockClaim> claims;
    session_->keys.scan(name_space_ + path + "/", true, [&](const EtcdKey& key) {
        if (key.lease != 0) claims.push_back(to_claim(key));
    });
    sort(claims);
    return claims;
}

std::vector<LockState> EtcdLocks::locks_below(const std::string& prefix) {
    std::map<std::string, std::vector<LockClaim>> by_path;
    session_->keys.scan(name_space_ + prefix + "/", true, [&](const EtcdKey& key) {
        const std::string path =
            key.key.substr(name_space_.size(), key.key.rfind('/') - name_space_.size());
        if (key.lease != 0 && path.size() > prefix.size()) by_path[path].push_back(to_claim(key));
    });
    std::vector<LockState> states;
    for (auto& [path, claims] : by_path) {
        sort(claims);
        states.push_back({path, std::move(claims)});
    }
    return states;
}

}  // namespace dsfailover
