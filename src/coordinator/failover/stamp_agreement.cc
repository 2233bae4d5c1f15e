#include "coordinator/failover/stamp_agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "coordinator/cluster_check.h"
#include "coordinator/failover/failover_stamps.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr int kConflicts = 10;

}  // namespace

StampAgreement::StampAgreement(const RunContext& context, const FirstLook& look,
                               AddressGuard& guard, MasterReading& reading)
    : context_(context), look_(look), guard_(guard), reading_(reading) {}

// Chooses the stamps and puts them into the registry.
void StampAgreement::choose(std::span<const SelectedMaster> selected) {
    const EpochMs clock = latest_clock(context_.database);
    std::vector<StampToAdd> stamps;
    for (const auto& [target, found] : selected) {
        stamps.push_back({target->address, &found->stamps,
                          next_stamp(context_, found->stamps, std::max(target->deadline, clock),
                                     look_.servers)});
    }
    const std::vector<bool> added = add_stamps(context_, stamps, clock);
    for (std::size_t i = 0; i < added.size(); ++i) {
        if (!added[i]) continue;
        MasterTarget& target = *selected[i].target;
        target.stamp = target.section().stamp = stamps[i].stamp.value;
    }
}

void StampAgreement::agree_together(std::span<const SelectedMaster> selected) {
    std::vector<MasterTarget*> targets;
    for (const auto& [target, found] : selected) {
        if (target->is_open() && !target->stamp && found->selectable > 0) targets.push_back(target);
    }
    if (targets.size() < 2) return;
    guard_.confirm_all(targets);
    std::vector<SelectedMaster> confirmed;
    for (const SelectedMaster& one : selected) {
        if (std::find(targets.begin(), targets.end(), one.target) != targets.end())
            confirmed.push_back(one);
    }
    guarded(context_, targets, [&] { choose(confirmed); });
}

void StampAgreement::agree(const SelectedMaster& one) {
    MasterTarget& target = *one.target;
    for (int conflicts = 0; conflicts < kConflicts; ++conflicts) {
        if (conflicts > 0) {
            Selection again = reading_.again({target.address});
            *one.found = std::move(again.addresses.at(target.address));
            reading_.judge(target, *one.found);
            if (!target.is_open() || one.found->selectable == 0) return;
        }
        guard_.confirm(target);
        choose({&one, 1});
        if (target.stamp) return;
    }
    throw LockError(fmt::format(
        "{}: {} is being changed by other runs all the time; nothing of {} was failed over. Run "
        "the command again when they are done.",
        context_.registry.endpoint(), stamps_path(target.address), target.address));
}

}  // namespace dsfailover
