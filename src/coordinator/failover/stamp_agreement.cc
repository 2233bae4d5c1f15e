#include "coordinator/failover/stamp_agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "coordinator/clock_check.h"
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
// Who takes all that is failed over; empty: nobody knows, or recovery writes it itself.
std::string StampAgreement::only_master() const {
    const auto& masters = look_.servers.masters;
    if (!context_.schema.recovery_leaves_host() || masters.size() != 1) return "";
    return masters.front().server_status == "NORMAL" ? masters.front().address : "";
}

void StampAgreement::choose(std::span<const SelectedMaster> selected) {
    const EpochMs clock = latest_clock(context_.database);
    const std::string host = only_master();
    FailoverStamps of_host;
    if (!host.empty()) of_host = std::move(read_all_stamps(context_.registry, {host}).at(host));
    const bool rehosts = !host.empty() && of_host.problem.empty();
    EpochMs not_before = clock;
    for (const auto& [target, found] : selected)
        not_before = std::max({not_before, target->deadline, found->stamps.latest() + 1});
    const auto next = [&](const FailoverStamps& read) {
        return next_stamp(context_, read, not_before, look_.servers);
    };
    if (rehosts) not_before = next(of_host).value;
    std::vector<StampToAdd> stamps;
    for (const auto& [target, found] : selected)
        stamps.push_back({target->address, &found->stamps, next(found->stamps)});
    const bool is_target = std::any_of(stamps.begin(), stamps.end(), [&](const StampToAdd& stamp) {
        return stamp.address == host;
    });
    const bool beside = rehosts && !is_target;
    if (beside) stamps.push_back({host, &of_host, next(of_host)});
    const std::vector<bool> added = add_stamps(context_, stamps, clock);
    if (beside && !added.back()) return;  // a stamp too many of the others is no harm
    for (std::size_t i = 0; i < selected.size(); ++i) {
        if (!added[i]) continue;
        MasterTarget& target = *selected[i].target;
        target.stamp = target.section().stamp = stamps[i].stamp.value;
        if (rehosts && target.address != host) target.section().new_host = target.new_host = host;
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
    for (const SelectedMaster& master : selected) {
        if (std::find(targets.begin(), targets.end(), master.target) != targets.end())
            confirmed.push_back(master);
    }
    stop_on_error(context_, targets, [&] { choose(confirmed); });
}

void StampAgreement::agree(const SelectedMaster& master) {
    MasterTarget& target = *master.target;
    for (int conflicts = 0; conflicts < kConflicts; ++conflicts) {
        if (conflicts > 0) {
            Selection again = reading_.again({target.address});
            *master.found = std::move(again.addresses.at(target.address));
            reading_.judge(target, *master.found);
            if (!target.is_open() || master.found->selectable == 0) return;
        }
        guard_.confirm(target);
        choose({&master, 1});
        if (target.stamp) return;
    }
    throw LockError(fmt::format(
        "{}: {} is being changed by other runs all the time; nothing of {} was failed over. Run "
        "the command again when they are done.",
        context_.registry.endpoint(), stamps_path(target.address), target.address));
}

}  // namespace dsfailover
