#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    const auto event = server_event<MasterFailoverEvent>(invocation, "MasterFailoverEvent");
    const FailoverOptions options = failover_options(invocation.options());
    with_coordinator(
        invocation, Invocation::Needs::registry_and_database, Invocation::Access::writing,
        options.ask.about,
        [&](FailoverCoordinator& coordinator) { coordinator.failover_master(event, options); });
}

}  // namespace

extern const Command kFailoverMaster;
const Command kFailoverMaster{
    .name = "failover-master",
    .summary = "Fail over the workflows of a master that is gone",
    .description =
        "Refused while a master lives at the address. With --startup-time and --process-id it "
        "means that very process: a new one that lives there meanwhile does not matter, and the "
        "mark written then also stops the old process, should it still run.\n\n"
        "Refused as well for an address that belongs to a worker, living or not, and for one "
        "that nothing knows, unless --startup-time names a process.",
    .argument = "ADDRESS",
    .argument_help = "The master: HOST:PORT or [IPv6]:PORT, as it stands in the registry",
    .arguments = Command::Arguments::one,
    .options = failover_option_names(
        {"startup-time", "process-id", "event-time", "fence", "fence-timeout"}),
    .examples =
        "  dsfailover failover-master 127.0.1.1:5678 --dry-run\n"
        "  dsfailover failover-master 127.0.1.1:5678 --wait 5m\n"
        "  dsfailover failover-master 127.0.1.1:5678 --in-doubt 17,42\n"
        "  dsfailover failover-master 127.0.1.1:5678 --fence \\\n"
        "      --startup-time 1795331879415 --process-id 7074\n",
    .run = run,
};

}  // namespace dsfailover
