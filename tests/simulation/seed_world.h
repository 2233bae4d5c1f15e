#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coordinator/world.h"
#include "simulation/cluster.h"
#include "simulation/faults.h"
#include "simulation/observer.h"
#include "simulation/random.h"
#include "simulation/scheduler.h"

namespace dsfailover {

inline constexpr EpochMs kBegan = 1'795'000'000'000;
/// The command_param of a workflow that was started.
inline const std::string kStarted = R"({"commandType":"START_PROCESS"})";
/// The first is the one that may be gone from the beginning.
inline const std::string kMasterAddresses[] = {"127.0.1.1:5678", "127.0.1.2:5678", "127.0.1.3:5678",
                                               "127.0.1.4:5678"};
inline const std::string kWorkerAddresses[] = {"127.0.2.1:1234", "127.0.2.2:1234"};

/// The world of one seed, for all who let something happen in it.
struct SeedWorld {
    Scheduler& scheduler;
    Random& random;
    Faults& faults;
    World& world;
    Observer& observer;
    DatabaseServer& server;
    SimulatedCluster& cluster;
    const Release release;

    bool gone = false;             ///< a master went before
    int leaks = 0;                 ///< so many of two masters leave their failover locks behind
    std::int64_t count = 0;        ///< workflows that are there from the beginning, ids from 1
    std::int64_t next_id = 100;    ///< of one that is triggered later
    std::vector<Actor*> actors{};  ///< whoever does not end by itself

    /// Lets `what` happen at `time`.
    void at(EpochMs time, const std::string& name, std::function<void()> what);
    /// One of the masters that live; nullptr: none does.
    MasterProcess* any_living();
    FailoverLocks locks();
    /// At the first address where none lives.
    void start_a_master();
};

/// Puts masters, workers, workflows and what an earlier failover left into the
/// world.
void populate(SeedWorld& seed);

/// Lets masters die, fall silent and lose their sessions, and operators do what
/// they do, within a minute and a half.
void plan_events(SeedWorld& seed);

/// Lets something happen at once, in the middle of a call of a run.
void meddle(SeedWorld& seed);

/// The options of a run, as the seed will have them.
void choose_options(SeedWorld& seed, TestRun& run, ObservedRun& observed);

/// Chooses a command, and runs it to its end.
void choose_and_run(SeedWorld& seed, TestRun& run, ObservedRun& observed);

}  // namespace dsfailover
