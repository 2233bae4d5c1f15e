#include "registry/etcd/lease.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "registry/etcd/answer.h"

namespace dsfailover {

using Access = EtcdClient::Access;

EtcdLease::EtcdLease(std::int64_t id, Millis ttl) : id_(id), ttl_(ttl), renewed_(Clock::now()) {}

std::string EtcdLease::hex() const { return fmt::format("{:x}", id_); }

bool EtcdLease::lost() const { return gone_ || Clock::now() - renewed_.load() > ttl_; }

EtcdLeases::EtcdLeases(EtcdClient& client, const RegistrySettings& settings)
    : client_(client), settings_(settings) {}

EtcdLeases::~EtcdLeases() {
    {
        const std::lock_guard guard(mutex_);
        leaving_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

std::shared_ptr<EtcdLease> EtcdLeases::grant() {
    const auto seconds = std::max<std::int64_t>(
        1, std::chrono::ceil<std::chrono::seconds>(settings_.session_timeout).count());
    const Json answer = client_.call(Access::read, "lease/grant",
                                     {{"TTL", std::to_string(seconds)}}, "asking for a lease");
    auto lease = std::make_shared<EtcdLease>(etcd_integer(answer, "ID"), etcd_time_to_live(answer));
    const std::lock_guard guard(mutex_);
    leases_.push_back(lease);
    if (!thread_.joinable()) thread_ = std::thread(&EtcdLeases::keep_alive, this);
    return lease;
}

void EtcdLeases::revoke(const EtcdLease& lease) {
    {
        const std::lock_guard guard(mutex_);
        std::erase_if(leases_, [&](const auto& held) { return held->id() == lease.id(); });
    }
    try {
        client_.call(Access::read, "lease/revoke", {{"ID", std::to_string(lease.id())}},
                     "giving up the lease " + lease.hex());
    } catch (const RegistryError& error) {
        if (std::string_view(error.what()).find("lease not found") == std::string_view::npos) throw;
    }
}

void EtcdLeases::revoke_quietly(const EtcdLease& lease) noexcept {
    try {
        revoke(lease);
    } catch (const std::exception& error) {
        log_warn("Our lease {} ends by itself within {}: {}", lease.hex(),
                 format_duration(settings_.session_timeout), error.what());
    }
}

std::vector<std::shared_ptr<EtcdLease>> EtcdLeases::wait_for_next_round() {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, settings_.session_timeout / 4, [&] { return leaving_; });
    return leaving_ ? std::vector<std::shared_ptr<EtcdLease>>() : leases_;
}

void EtcdLeases::keep_alive() {
    try {
        EtcdClient client(settings_, settings_.session_timeout / 4);
        for (;;) {
            for (const auto& lease : wait_for_next_round()) renew(client, *lease);
            const std::lock_guard guard(mutex_);
            if (leaving_) return;
        }
    } catch (const std::exception& error) {
        log_warn("Our leases are no longer kept alive: {}", error.what());
    }
}

void EtcdLeases::renew(EtcdClient& client, EtcdLease& lease) {
    if (lease.lost()) return;
    // From before the request: the server's time to live starts later.
    const auto sent = EtcdLease::Clock::now();
    try {
        const Json answer =
            client.call(Access::read, "lease/keepalive", {{"ID", std::to_string(lease.id())}},
                        "keeping the lease " + lease.hex() + " alive");
        if (etcd_time_to_live(answer) > Millis(0))
            lease.renewed_ = sent;
        else
            lease.gone_ = true;
    } catch (const RegistryError& error) {
        log_debug("{}", error.what());
    }
}

}  // namespace dsfailover
