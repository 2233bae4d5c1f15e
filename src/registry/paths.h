#pragma once

// Where everything stands in a registry: paths as Registry takes them, relative to its namespace.

#include <optional>
#include <string>
#include <string_view>

#include "registry/process_identity.h"

namespace dsfailover {

/// DolphinScheduler's nodes, and folders of nodes.
namespace paths {
inline constexpr std::string_view kMasters = "/nodes/master";
inline constexpr std::string_view kWorkers = "/nodes/worker";
inline constexpr std::string_view kCoordinator = "/nodes/master-coordinator";
inline constexpr std::string_view kAlertServers = "/nodes/alert-server";
inline constexpr std::string_view kAlertLeader = "/nodes/alert-server-ha-leader";
inline constexpr std::string_view kMarks = "/nodes/failover-finish-nodes";
inline constexpr std::string_view kMasterFailoverLocks = "/lock/master-failover";
/// Ours.
inline constexpr std::string_view kStamps = "/dsfailover/stamps";
inline constexpr std::string_view kRuns = "/dsfailover/runs";
}  // namespace paths

/// The node of the server at `address`; `folder` is paths::kMasters or kWorkers.
std::string server_path(std::string_view folder, std::string_view address);

/// The lock that masters, and we, hold while `address` is failed over.
std::string failover_lock_path(const std::string& address);

/// The address whose failover the lock `path` is for; empty if it is for none.
std::string address_of_failover_lock(std::string_view path);

/// What the name of a mark says: HOST:PORT-STARTUP-PID, or HOST:PORT-unknown-unknown.
struct MarkName {
    std::string address;
    std::optional<ProcessIdentity> process;  ///< none: "unknown-unknown"
};

/// Reads a mark's name from the right, because hosts may contain dashes. nullopt if it is none.
std::optional<MarkName> parse_mark_name(std::string_view name);

/// The mark of a process, or of the unknown one.
std::string mark_path(const std::string& address, const std::optional<ProcessIdentity>& process);

/// The mark with a name as the folder of marks lists it, whether it can be read or not.
std::string mark_path_of_name(std::string_view name);

/// The stamps of an address.
std::string stamps_path(const std::string& address);

/// The node that the run which works on the workflows of a host has: two runs of dsfailover never
/// do so at the same time. A host that is not an address, or none at all, has one together.
std::string run_claim_path(const std::optional<std::string>& host);

}  // namespace dsfailover
