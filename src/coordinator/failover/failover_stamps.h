#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "coordinator/failover/stamp.h"
#include "coordinator/run_context.h"
#include "registry/living_servers.h"
#include "registry/registry.h"
#include "store/schema.h"

namespace dsfailover {

/// The stamps of an address. Kept in the registry so that the next run knows our work again
/// (docs/behaviour.md, "Stamps", has the format of the node).
struct FailoverStamps {
    std::vector<Stamp> stamps;  ///< ascending by value
    std::string version;        ///< empty: there is no node yet
    /// Why they cannot be read, and the way out; empty: they can. Without them our own work cannot
    /// be told from others'.
    std::string problem;

    /// The value of the newest; 0: there is none.
    EpochMs latest() const { return stamps.empty() ? 0 : stamps.back().value; }
    bool operator==(const FailoverStamps& other) const = default;
};

/// The masters among `servers`, for a stamp.
std::vector<SeenMaster> seen_masters(const Servers& servers);

/// Reads the stamps of several addresses together. Throws RegistryError if the registry is gone.
std::map<std::string, FailoverStamps> read_all_stamps(Registry& registry,
                                                      const std::vector<std::string>& addresses);

/// Which of `stamps` some unfinished instance of `address` carries.
using CarriedStamps =
    std::function<std::vector<EpochMs>(const std::string& address, std::span<const Stamp> stamps)>;

/// Which of `stamps` an instance of `address` in state 1, 2, 4 or 18 carries as restart_time, each
/// by the wall clock of its own zone; one of 0.1 may have been written in any. Not inside a
/// transaction. Throws DatabaseError, and EnvironmentError naming a row that cannot be read.
std::vector<EpochMs> carried_stamps(const StoreContext& store, const std::string& address,
                                    std::span<const Stamp> stamps);

struct StampToAdd {
    std::string address;
    const FailoverStamps* read;  ///< the node must still have this version
    Stamp stamp;                 ///< later than all that were read
};

/// Adds the stamps, all together; the answers in the order of `stamps`, false on a conflict. Beyond
/// 64 stamps the oldest of an address that `carried` does not return are dropped, but none of the
/// last hour before `clock` (epoch ms): another run may be about to use it. The same goes for what
/// would not fit into 60,000 bytes. An unknown outcome is settled by reading. Throws RegistryError.
std::vector<bool> add_stamps(Registry& registry, std::span<const StampToAdd> stamps, EpochMs clock,
                             const CarriedStamps& carried);

/// A stamp for an address with these stamps: not before `not_before` (epoch ms), later than all of
/// them, as precise as the column, with this run's zone and the masters among `servers`.
Stamp next_stamp(const RunContext& context, const FailoverStamps& read, EpochMs not_before,
                 const Servers& servers);

/// add_stamps() of a run, at `clock` (epoch ms), with a line of the audit log for each that is
/// added. Throws RegistryError, DatabaseError, and EnvironmentError naming a row that cannot be
/// read.
std::vector<bool> add_stamps(const RunContext& context, std::span<const StampToAdd> stamps,
                             EpochMs clock);

}  // namespace dsfailover
