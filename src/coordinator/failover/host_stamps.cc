#include "coordinator/failover/host_stamps.h"

#include <fmt/format.h>

#include "base/address.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/failover_stamps.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr int kConflicts = 10;

}  // namespace

void HostStamps::add(const std::set<std::string>& hosts, const Servers& servers,
                     const Unreadable& unreadable) {
    std::set<std::string> left;
    for (const std::string& host : hosts)
        if (is_address(host) && !stamps_.contains(host)) left.insert(host);
    if (no_stamp_ == 0)
        no_stamp_ = round_up(latest_clock(context_.database), context_.schema.time_precision_us);
    for (int tries = 0; !left.empty(); ++tries) {
        if (tries == kConflicts) {
            throw LockError(fmt::format(
                "{}: {} is being changed by other runs all the time. Run the command again "
                "when they are done.",
                context_.registry.endpoint(), stamps_path(*left.begin())));
        }
        try_to_add(left, servers, unreadable);
    }
}

void HostStamps::try_to_add(std::set<std::string>& left, const Servers& servers,
                            const Unreadable& unreadable) {
    const auto read = read_all_stamps(context_.registry, {left.begin(), left.end()});
    const EpochMs clock = latest_clock(context_.database);
    std::vector<StampToAdd> adding;
    for (const auto& [host, stamps] : read) {
        if (!stamps.problem.empty()) {
            unreadable(host, stamps.problem);
            left.erase(host);
            continue;
        }
        adding.push_back({host, &stamps, next_stamp(context_, stamps, clock, servers)});
    }
    const std::vector<bool> added = add_stamps(context_, adding, clock);
    for (std::size_t i = 0; i < added.size(); ++i) {
        if (!added[i]) continue;
        const auto& [host, stamps, stamp] = adding[i];
        stamps_[host] = stamp.value;
        left.erase(host);
    }
}

EpochMs HostStamps::restart_time(const std::optional<std::string>& host) const {
    const auto stamp = stamps_.find(host.value_or(""));
    return stamp == stamps_.end() ? no_stamp_ : stamp->second;
}

}  // namespace dsfailover
