#include "simulation/seed_world.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsfailover {

void SeedWorld::at(EpochMs time, const std::string& name, std::function<void()> what) {
    actors.push_back(&scheduler.start(name, time, std::move(what)));
}

MasterProcess* SeedWorld::any_living() {
    std::vector<MasterProcess*> living;
    for (MasterProcess& master : cluster.masters())
        if (master.lives()) living.push_back(&master);
    if (living.empty()) return nullptr;
    return living[static_cast<std::size_t>(random.between(0, std::ssize(living) - 1))];
}

FailoverLocks SeedWorld::locks() {
    return random.between(1, 2) <= leaks ? FailoverLocks::leaked : FailoverLocks::given_back;
}

void SeedWorld::start_a_master() {
    for (const std::string& address : kMasterAddresses) {
        const auto& all = cluster.masters();
        if (std::any_of(all.begin(), all.end(), [&](const MasterProcess& master) {
                return master.address == address && master.lives();
            }))
            continue;
        scheduler.tell("starts a master at " + address);
        cluster.start_master(address, scheduler.time(), scheduler.time() + 3000, locks(), true);
        return;
    }
}

}  // namespace dsfailover
