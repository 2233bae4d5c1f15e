#include <fmt/format.h>

#include <algorithm>

#include "simulation/seed_world.h"

namespace dsfailover {
namespace {

void trigger(SeedWorld& seed) {
    if (!seed.scheduler.await([&seed] { return seed.server.is_free(); }, Millis(60'000))) return;
    const std::int64_t id = seed.next_id++;
    seed.world.workflow(id).state(0).host(std::nullopt).started("+0s").command_param(kStarted);
    seed.world.command(id, 1, 0);
    seed.observer.after_commit("operator");
    seed.scheduler.tell(fmt::format("triggers workflow {}", id));
}

void insert_a_command(SeedWorld& seed) {
    if (!seed.server.is_free()) return;
    const std::int64_t id = seed.random.between(1, seed.count);
    const int state = seed.world.workflow(id).state();
    if ((state != 1 && state != 2 && state != 4) || !seed.cluster.holders(id).empty()) return;
    seed.world.command(id, state, 7);
    seed.observer.left_no_mark(id);
    seed.observer.after_commit("operator");
    seed.scheduler.tell(fmt::format("inserts a command for workflow {}", id));
}

bool has_lock(SeedWorld& seed, const MasterProcess& master) {
    return seed.world.registry.look([&](const MemoryState& state) {
        return std::any_of(state.locks.begin(), state.locks.end(), [&](const auto& lock) {
            return !lock.second.empty() && lock.second.front().description == master.name;
        });
    });
}

// False where no master has a lock.
bool end_session_of_lock_holder(SeedWorld& seed) {
    for (MasterProcess& master : seed.cluster.masters()) {
        if (!has_lock(seed, master)) continue;
        seed.scheduler.tell("ends the session of " + master.name);
        seed.cluster.cut_off(master, Millis(seed.random.between(5'000, 60'000)));
        seed.world.registry.end_sessions_of(master.name);
        return true;
    }
    return false;
}

}  // namespace

void plan_events(SeedWorld& seed) {
    const auto count = seed.random.between(0, 4);
    for (std::int64_t i = 0; i < count; ++i) {
        const EpochMs time = kBegan + seed.random.between(0, 90'000);
        switch (seed.random.between(0, 7)) {
            case 0:
                seed.at(time, "chaos", [&seed] {
                    if (auto* master = seed.any_living()) seed.cluster.kill(*master);
                });
                break;
            case 1:
                seed.at(time, "chaos", [&seed] {
                    if (auto* master = seed.any_living())
                        seed.cluster.cut_off(*master, Millis(seed.random.between(5'000, 60'000)));
                });
                break;
            case 2:
                seed.at(time, "chaos", [&seed] {
                    auto* master = seed.any_living();
                    if (!master) return;
                    seed.scheduler.tell("silences " + master->name);
                    master->mute_until = seed.scheduler.time() + seed.random.between(2'000, 60'000);
                });
                break;
            case 3:
                seed.at(time, "operator", [&seed] { seed.start_a_master(); });
                break;
            case 4:
                seed.at(time, "operator", [&seed] { seed.start_a_master(); });
                break;
            case 5:
                seed.at(time, "operator", [&seed] { insert_a_command(seed); });
                break;
            case 6:
                seed.at(time, "chaos", [&seed] {
                    if (auto* master = seed.any_living())
                        master->actor->wakes_at =
                            std::max(master->actor->wakes_at,
                                     seed.scheduler.time() + seed.random.between(2'000, 8'000));
                });
                break;
            default:
                seed.at(time, "operator", [&seed] { trigger(seed); });
        }
    }
}

void meddle(SeedWorld& seed) {
    const auto kind = seed.random.between(0, 4);
    if (kind == 0) {
        if (auto* master = seed.any_living()) seed.cluster.kill(*master);
    } else if (kind > 2 || !end_session_of_lock_holder(seed)) {
        for (int tries = 0; tries < 3; ++tries) insert_a_command(seed);
    }
}

}  // namespace dsfailover
