#include "coordinator/failover/one_cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "registry/paths.h"
#include "store/host_use.h"

namespace dsfailover {

namespace {

bool lives(const Servers& servers, const std::string& address) {
    return servers.master(address) || servers.worker(address);
}

// Of the registry: a host of unfinished workflows that it knows, too.
bool registry_knows_a_host(const RunContext& context, const Servers& servers,
                           const Selection& selection) {
    const auto& hosts = selection.addresses;
    const bool marked = std::any_of(hosts.begin(), hosts.end(), [](const auto& entry) {
        const AddressSelection& found = entry.second;
        return !found.marks.nodes.empty() || !found.stamps.stamps.empty();
    });
    if (marked) return true;
    // In tables the rows of dead servers stay for a while.
    const auto nodes = context.registry.children(std::string(paths::kMasters));
    if (nodes && std::any_of(nodes->begin(), nodes->end(),
                             [&](const std::string& name) { return hosts.contains(name); }))
        return true;
    // A starting master takes the locks of all these hosts.
    for (const LockState& lock : context.registry.locks(std::string(paths::kMasterFailoverLocks))) {
        if (!hosts.contains(address_of_failover_lock(lock.path))) continue;
        for (const LockClaim& claim : lock.claims)
            for (const Server& master : servers.masters)
                if (context.registry.owns(master.node, claim)) return true;
    }
    return false;
}

bool any_row_of_living_server(const RunContext& context, const Servers& servers) {
    const auto hosts = recent_hosts(context.store());
    return std::any_of(hosts.begin(), hosts.end(),
                       [&](const std::string& host) { return lives(servers, host); });
}

bool concerns_workflows(const Report& report) {
    return report.masters &&
           std::any_of(report.masters->begin(), report.masters->end(), [](const auto& master) {
               return master.workflows.selected > 0 || !master.workflows.skipped.empty();
           });
}

}  // namespace

void warn_if_two_clusters(const RunContext& context, const Servers& servers,
                          const Selection& selection) {
    if (servers.masters.empty() || selection.any_of_living_master) return;
    if (registry_knows_a_host(context, servers, selection)) return;
    if (any_row_of_living_server(context, servers)) return;
    context.warn(fmt::format(
        "No living server is the host of any of the newest workflows and tasks in {}, and {} knows "
        "none of the hosts of unfinished workflows: are the two of two clusters?",
        context.database.endpoint(), context.registry.endpoint()));
}

void warn_of_no_master(const RunContext& context) {
    context.warn(
        "No master is alive. Recovery starts when one does; it will fail over again what it finds "
        "(see docs/runbook.md). If masters do live, this is the registry of another cluster.");
}

void warn_if_no_master(const RunContext& context) try {
    if (!concerns_workflows(context.report)) return;
    if (read_servers(context.registry, false).masters.empty()) warn_of_no_master(context);
} catch (const Error& error) {
    log_warn("whether a master lives by now is unknown: {}", error.what());
}

}  // namespace dsfailover
