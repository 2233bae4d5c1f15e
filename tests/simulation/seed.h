#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/world.h"
#include "simulation/database_server.h"
#include "simulation/faults.h"

namespace dsfailover {

/// What is counted over many seeds.
struct Tally {
    Reached reached;
    std::map<std::string, std::map<std::string, std::uint64_t>> runs;  ///< command -> outcome
    std::uint64_t turns = 0;
};

/// What became of one seed.
struct SeedResult {
    std::vector<std::string> violations;  ///< "two commands: workflow 5 ..."
    std::vector<std::string> history;
};

/// How it works. Everything runs in one process, on one thread, by one clock, which stands still
/// while somebody works (Scheduler): our runs as the command line starts them (TestRun), masters
/// and workers (SimulatedCluster, over the stand-ins of src/stand_ins), operators and what breaks
/// (seed.cc). Each has a stack of its own (Fiber) and stops at every call to the registry in memory
/// (MemoryWorld), to the database (DatabaseServer, over SQLite in memory) and to other servers; so
/// it does where it waits. There the seed decides how long that takes, and so who goes on, and what
/// goes wrong (Faults). An Observer, who sees what each holds in truth, judges every commit.
///
/// A seed that failed happens again, to the last call, with scripts/simulate --seed NUMBER.

/// Lets the world of a seed happen: a cluster, faults, operators, and up to three runs of ours.
SeedResult simulate(std::uint64_t seed, ConnectionPool& pool, Release release, Tally& tally);

}  // namespace dsfailover
