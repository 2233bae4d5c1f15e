#pragma once

#include <string_view>
#include <vector>

#include "cli/invocation.h"
#include "cli/options.h"
#include "report/report.h"

namespace dsfailover {

/// The options that all failovers share, before them `more`.
std::vector<std::string_view> failover_option_names(std::vector<std::string_view> more);

/// Puts the event into the report, so that it is there also when nothing can be reached.
void name_event(Report& report, std::string type, std::optional<std::string> address,
                const std::optional<ProcessIdentity>& process, std::optional<EpochMs> event_time);

/// The event of failover-master or failover-worker from the command line, put into the report, too.
template <typename Event>
Event server_event(Invocation& invocation, const char* type) {
    Event event;
    event.address = server_address(invocation.arguments().at(0), "ADDRESS");
    event.process = process_option(invocation.options());
    event.event_time = event_time_option(invocation.options());
    name_event(invocation.report(), type, event.address, event.process, event.event_time);
    return event;
}

/// Opens the cluster and hands it over to the coordinator: `run` is called with it. `about`: whom
/// the run asks living servers about.
template <typename Run>
void with_coordinator(Invocation& invocation, Invocation::Needs needs, Invocation::Access access,
                      AskAbout about, Run run) {
    OpenCluster cluster = invocation.open_cluster(needs, access);
    cluster.servers = invocation.open_asker(about);
    FailoverCoordinator coordinator(cluster, invocation.report());
    run(coordinator);
}

}  // namespace dsfailover
