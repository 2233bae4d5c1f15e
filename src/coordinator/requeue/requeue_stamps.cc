#include "coordinator/requeue/requeue_stamps.h"

#include <fmt/format.h>

#include "base/address.h"
#include "coordinator/cluster_check.h"
#include "coordinator/failover/failover_stamps.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr int kConflicts = 10;

}  // namespace

RequeueStamps::RequeueStamps(const RunContext& context, RequeueRecord& record)
    : context_(context), record_(record) {}

// Puts a stamp for the host of each of these workflows into the registry. Those whose host's
// stamps cannot be read fail.
void RequeueStamps::add_for(std::span<const std::int64_t> ids, const Servers& servers) {
    std::set<std::string> left;
    for (const std::int64_t id : ids) {
        const std::optional<std::string>& host = record_.at(id).row.host;
        if (host && is_address(*host) && !stamps_.contains(*host)) left.insert(*host);
    }
    if (no_stamp_ == 0)
        no_stamp_ = round_up(latest_clock(context_.database), context_.schema.time_precision_us);
    for (int tries = 0; !left.empty(); ++tries) {
        if (tries == kConflicts) {
            throw LockError(fmt::format(
                "{}: {} is being changed by other runs all the time. Run the command again "
                "when they are done.",
                context_.registry.endpoint(), stamps_path(*left.begin())));
        }
        try_to_add(left, servers);
    }
}

void RequeueStamps::try_to_add(std::set<std::string>& left, const Servers& servers) {
    const auto read = read_all_stamps(context_.registry, {left.begin(), left.end()});
    const EpochMs clock = latest_clock(context_.database);
    std::vector<StampToAdd> adding;
    for (const auto& [host, stamps] : read) {
        if (!stamps.problem.empty()) {
            record_.fail_all_of(host, stamps.problem);
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

// The restart_time that a workflow gets, so that its row is written: its host's stamp, where
// there can be one.
EpochMs RequeueStamps::restart_time(std::int64_t id) const {
    const auto stamp = stamps_.find(record_.at(id).row.host.value_or(""));
    return stamp == stamps_.end() ? no_stamp_ : stamp->second;
}

}  // namespace dsfailover
