#pragma once

#include <functional>
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

    bool operator==(const FailoverStamps& other) const = default;
};

/// Path of an address's stamps.
std::string stamps_path(const std::string& address);

/// Reads the stamps. Throws RegistryError, and Error(failed) naming the path if the value is no
/// comma separated list of numbers: without it our own work cannot be told from others'.
FailoverStamps read_stamps(Registry& registry, const std::string& address);

/// Adds `stamp` if the node still has the version of `read`; returns false on a conflict. Beyond 64
/// stamps the oldest of those that `carried` does not return (stamps some unfinished instance
/// carries) are dropped. An unknown outcome is settled by reading.
bool add_stamp(Registry& registry, const std::string& address, const FailoverStamps& read,
               EpochMs stamp,
               const std::function<std::vector<EpochMs>(std::span<const EpochMs>)>& carried);

}  // namespace dsfailover
