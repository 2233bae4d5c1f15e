#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "registry/registry.h"

namespace dsfailover {

/// A living master or worker: its node and what its heartbeat says.
struct Server {
    std::string address;
    std::optional<EpochMs> startup_time;
    std::optional<std::int64_t> process_id;
    std::optional<EpochMs> report_time;
    std::optional<std::string> server_status;  ///< NORMAL or BUSY
    std::optional<std::string> worker_group;   ///< of a worker
    std::string problem;                       ///< why the heartbeat cannot be read; empty: it can
    Node node;
};

/// "startup time N", or why that cannot be read: what tells a process at an address from another.
std::string describe_start(const Server& server);

/// Reads a heartbeat as masters and workers write it. A server whose heartbeat cannot be read is
/// alive all the same: what is missing stays empty and `problem` says why. Never throws.
Server parse_heartbeat(Node node);

/// A heartbeat as a worker writes it, with serverStatus BUSY so that nothing is dispatched to it.
/// `address` is HOST:PORT, the times are epoch ms.
std::string departing_worker_heartbeat(const std::string& address, EpochMs startup_time,
                                       std::int64_t process_id, EpochMs report_time);

/// The living servers of /nodes/master and /nodes/worker, by address.
struct Servers {
    std::vector<Server> masters;
    std::vector<Server> workers;

    const Server* master(std::string_view address) const;
    const Server* worker(std::string_view address) const;
    /// Forgets what lives at `address`.
    void remove(std::string_view address);
};

/// Reads both folders. `patient`: see Registry::living. Throws RegistryError, and EnvironmentError
/// if there is no /nodes/master: under a wrong namespace every master would look dead.
Servers read_servers(Registry& registry, bool patient);

/// Several servers, freshly read together; the answers in the order of `addresses`.
std::vector<std::optional<Server>> read_some_servers(Registry& registry, std::string_view folder,
                                                     const std::vector<std::string>& addresses,
                                                     bool patient);

/// One server, freshly read; nullopt if it is not alive. `folder` is paths::kMasters or kWorkers.
std::optional<Server> read_server(Registry& registry, std::string_view folder,
                                  const std::string& address, bool patient);

}  // namespace dsfailover
