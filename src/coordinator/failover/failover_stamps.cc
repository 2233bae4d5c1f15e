#include "coordinator/failover/failover_stamps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/time_zone.h"
#include "registry/paths.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

constexpr std::size_t kKeptStamps = 64;
constexpr EpochMs kUnusedMs = 3'600'000;  // so long nobody waits between stamp and commit
constexpr std::int64_t kQuarterHourUs = 900'000'000;
constexpr std::int64_t kLargestOffsetUs = 26 * 4 * kQuarterHourUs;

// Drops the oldest that nobody needs while `too_many` says so.
void drop_unneeded(std::vector<Stamp>& stamps, EpochMs clock, std::span<const EpochMs> needed,
                   const std::function<bool()>& too_many) {
    for (auto stamp = stamps.begin(); stamp != stamps.end() && too_many();) {
        const bool drop = stamp->value < clock - kUnusedMs &&
                          std::find(needed.begin(), needed.end(), stamp->value) == needed.end();
        stamp = drop ? stamps.erase(stamp) : stamp + 1;
    }
}

std::string with_stamp(const StampToAdd& added, EpochMs clock, const CarriedStamps& carried) {
    std::vector<Stamp> stamps = added.read->stamps;
    stamps.push_back(added.stamp);
    const auto too_many = [&] { return stamps.size() > kKeptStamps || !fit(stamps); };
    if (too_many()) {
        std::vector<EpochMs> needed = carried(added.address, added.read->stamps);
        needed.push_back(added.stamp.value);
        drop_unneeded(stamps, clock, needed, too_many);
    }
    return format_stamps(std::move(stamps));
}

/// A stamp, and what a row that carries it holds.
struct WrittenStamp {
    EpochMs value;
    std::optional<std::int64_t> local_us;  // none: of 0.1
    bool carried = false;

    bool is(std::int64_t row_local_us) const {
        if (local_us) return row_local_us == *local_us;
        const std::int64_t apart = row_local_us - value * 1000;
        return apart % kQuarterHourUs == 0 && std::abs(apart) <= kLargestOffsetUs;
    }
};

}  // namespace

std::vector<SeenMaster> seen_masters(const Servers& servers) {
    std::vector<SeenMaster> seen;
    for (const Server& master : servers.masters)
        seen.push_back({master.address, master.startup_time});
    return seen;
}

std::vector<EpochMs> carried_stamps(const StoreContext& store, const std::string& address,
                                    std::span<const Stamp> stamps) {
    std::vector<WrittenStamp> written;
    for (const Stamp& stamp : stamps) {
        WrittenStamp& known = written.emplace_back(WrittenStamp{stamp.value, std::nullopt});
        if (stamp.knows_origin())
            known.local_us = TimeZone(stamp.zone).to_local(stamp.value * 1000);
    }
    WorkflowInstanceStore(store).scan_restart_times(address, [&](const StoredTime& time) {
        for (WrittenStamp& known : written)
            known.carried = known.carried || known.is(time.local_us);
    });
    std::vector<EpochMs> carried;
    for (const WrittenStamp& known : written)
        if (known.carried) carried.push_back(known.value);
    return carried;
}

std::map<std::string, FailoverStamps> read_all_stamps(Registry& registry,
                                                      const std::vector<std::string>& addresses) {
    std::vector<std::string> paths;
    for (const std::string& address : addresses) paths.push_back(stamps_path(address));
    const std::vector<NodeRead> reads = registry.get_all(paths);
    std::map<std::string, FailoverStamps> stamps;
    for (std::size_t i = 0; i < reads.size(); ++i) {
        const std::string what = fmt::format("{}: {}", registry.endpoint(), paths[i]);
        FailoverStamps& of_address = stamps[addresses[i]];
        if (!reads[i].problem.empty()) {
            of_address.problem = fmt::format(
                "{} cannot be read: {}. It tells which workflows dsfailover failed "
                "over before; give the user that wrote it (--registry-user).",
                what, reads[i].problem);
        } else if (reads[i].node) {
            const std::string& text = reads[i].node->value;
            of_address.version = reads[i].node->version;
            if (auto stamps_read = parse_stamps(text)) {
                of_address.stamps = std::move(*stamps_read);
            } else {
                of_address.problem = fmt::format(
                    "{} holds \"{}\", which is not a comma-separated list of stamps (epoch "
                    "milliseconds, with zone and masters). It tells which workflows dsfailover "
                    "failed over "
                    "before; repair it (or delete it if those are all finished).",
                    what, text.substr(0, 200));
            }
        }
    }
    return stamps;
}

std::vector<bool> add_stamps(Registry& registry, std::span<const StampToAdd> stamps, EpochMs clock,
                             const CarriedStamps& carried) {
    std::vector<Put> puts;
    for (const StampToAdd& stamp : stamps) {
        puts.push_back(
            {stamps_path(stamp.address), with_stamp(stamp, clock, carried), stamp.read->version});
    }
    registry.put_all(puts);
    std::vector<bool> added;
    for (const Put& put : puts) {
        if (put.outcome == PutOutcome::unknown) {
            const auto now = registry.get(put.path);
            added.push_back(now && now->value == put.value);
        } else {
            added.push_back(put.outcome == PutOutcome::written);
        }
    }
    return added;
}

Stamp next_stamp(const RunContext& context, const FailoverStamps& read, EpochMs not_before,
                 const Servers& servers) {
    const EpochMs value = std::max(not_before, read.latest() + 1);
    return {round_up(value, context.schema.time_precision_us), context.zone.name(),
            seen_masters(servers)};
}

std::vector<bool> add_stamps(const RunContext& context, std::span<const StampToAdd> stamps,
                             EpochMs clock) {
    std::vector<bool> added =
        add_stamps(context.registry, stamps, clock,
                   [&](const std::string& address, std::span<const Stamp> values) {
                       return carried_stamps(context.store(), address, values);
                   });
    for (std::size_t i = 0; i < added.size(); ++i) {
        if (!added[i]) continue;
        const StampToAdd& stamp = stamps[i];
        context.audit.write({"stamp", "written", stamp.address, std::nullopt, std::nullopt,
                             stamps_path(stamp.address), std::to_string(stamp.stamp.value)});
    }
    return added;
}

}  // namespace dsfailover
