#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "registry/registry.h"

namespace dsfailover {

/// The stamps of an address: the values of restart_time that our runs gave to the instances they
/// failed over. Kept in the registry so that the next run knows our work again (docs/behaviour.md).
struct FailoverStamps {
    std::vector<EpochMs> values;  ///< ascending
    std::string version;          ///< empty: there is no node yet
    /// Why they cannot be read, and the way out; empty: they can. Without them our own work cannot
    /// be told from others'.
    std::string problem;

    bool operator==(const FailoverStamps& other) const = default;
};

/// Path of an address's stamps.
std::string stamps_path(const std::string& address);

/// Reads the stamps of several addresses together. Throws RegistryError if the registry is gone.
std::map<std::string, FailoverStamps> read_all_stamps(Registry& registry,
                                                      const std::vector<std::string>& addresses);

/// Which of `stamps` some unfinished instance of `address` carries.
using CarriedStamps = std::function<std::vector<EpochMs>(const std::string& address,
                                                         std::span<const EpochMs> stamps)>;

struct StampToAdd {
    std::string address;
    const FailoverStamps* read;  ///< the node must still have this version
    EpochMs stamp;
};

/// Adds the stamps, all together; the answers in the order of `stamps`, false on a conflict. Beyond
/// 64 stamps the oldest of an address that `carried` does not return are dropped, but none of the
/// last hour before `clock` (epoch ms): another run may be about to use it. An unknown outcome is
/// settled by reading. Throws RegistryError.
std::vector<bool> add_stamps(Registry& registry, std::span<const StampToAdd> stamps, EpochMs clock,
                             const CarriedStamps& carried);

}  // namespace dsfailover
