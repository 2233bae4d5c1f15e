#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "registry/etcd/client.h"
#include "registry/registry.h"

namespace dsfailover {

/// A lease of ours: what a session is in ZooKeeper. Revoking it deletes the keys that belong to it.
class EtcdLease {
  public:
    EtcdLease(std::int64_t id, Millis ttl);
    std::int64_t id() const { return id_; }
    /// As the lock service names keys after it.
    std::string hex() const;
    /// Whether it is known to be gone, or was not renewed for its time to live.
    bool lost() const;

  private:
    friend class EtcdLeases;
    using Clock = std::chrono::steady_clock;

    const std::int64_t id_;
    const Millis ttl_;
    std::atomic<bool> gone_ = false;
    std::atomic<Clock::time_point> renewed_;
};

/// Our leases, kept alive by one thread with a connection of its own. Each lock has its own, so
/// that giving one up leaves nothing of it in the queue and touches no other.
class EtcdLeases {
  public:
    EtcdLeases(EtcdClient& client, const RegistrySettings& settings);
    ~EtcdLeases();
    EtcdLeases(const EtcdLeases&) = delete;
    EtcdLeases& operator=(const EtcdLeases&) = delete;

    /// Throws RegistryError.
    std::shared_ptr<EtcdLease> grant();
    /// Ends it and deletes what belongs to it; one that is gone already is no error. Throws
    /// RegistryError; the lease then ends by itself within its time to live.
    void revoke(const EtcdLease& lease);
    /// The same without a word but a warning.
    void revoke_quietly(const EtcdLease& lease) noexcept;

  private:
    void keep_alive();
    void renew(EtcdClient& client, EtcdLease& lease);
    std::vector<std::shared_ptr<EtcdLease>> wait_for_next_round();

    EtcdClient& client_;
    const RegistrySettings settings_;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool leaving_ = false;
    std::vector<std::shared_ptr<EtcdLease>> leases_;
    std::thread thread_;
};

}  // namespace dsfailover
