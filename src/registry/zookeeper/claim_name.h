#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dsfailover {

/// What stands before the number that ZooKeeper gives to a claim of a lock:
/// "_c_UUID-lock-0000000007".
inline constexpr std::string_view kLockPart = "-lock-";

/// The names of claims among the children of a lock's folder, the holder first.
std::vector<std::string> claims_in_order(const std::vector<std::string>& names);

}  // namespace dsfailover
