#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    const GlobalMasterFailoverEvent event{event_time_option(invocation.options())};
    const FailoverOptions options = failover_options(invocation.options());
    name_event(invocation.report(), "GlobalMasterFailoverEvent", std::nullopt, std::nullopt,
               event.event_time);
    with_coordinator(invocation, Invocation::Needs::registry_and_database,
                     Invocation::Access::writing, options.ask.about,
                     [&](FailoverCoordinator& coordinator) {
                         coordinator.global_master_failover(event, options);
                     });
}

}  // namespace

extern const Command kGlobal;
const Command kGlobal{
    .name = "global",
    .summary = "Fail over every master with unfinished workflows that is gone or was restarted",
    .description =
        "Fails over each master that left unfinished workflows behind, whether it is gone or has "
        "been restarted.",
    .options = failover_option_names({"event-time"}),
    .examples =
        "  dsfailover global --dry-run --format table\n"
        "  dsfailover global --limit 500 --wait 10m\n"
        "  dsfailover global --event-time 2026-11-22T07:27:59Z\n",
    .run = run,
};

}  // namespace dsfailover
