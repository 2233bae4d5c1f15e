#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// Every failover lock that somebody holds or waits for. Warns of those that are suspected leaked
/// and names the masters that wait for them: they do no failover at all. Reads only. Throws
/// RegistryError.
std::vector<LockNote> read_failover_locks(const RunContext& context, const Servers& servers);

/// The failover lock of one address; nullopt: it is free. Reads only, warns of nothing. Throws
/// RegistryError.
std::optional<LockNote> read_failover_lock(const RunContext& context, const Servers& servers,
                                           const std::string& address);

}  // namespace dsfailover
