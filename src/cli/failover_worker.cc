#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    const auto event = server_event<WorkerFailoverEvent>(invocation, "WorkerFailoverEvent");
    const FailoverOptions options = failover_options(invocation.options());
    with_coordinator(
        invocation, Invocation::Needs::registry_and_database, Invocation::Access::writing,
        options.ask.about,
        [&](FailoverCoordinator& coordinator) { coordinator.failover_worker(event, options); });
}

}  // namespace

extern const Command kFailoverWorker;
const Command kFailoverWorker{
    .name = "failover-worker",
    .summary = "Get the tasks of a worker that is gone dispatched again",
    .description =
        "Gets what a dead worker held dispatched again. For tasks of workflows that a living "
        "master runs it announces the worker's departure to the masters. Tasks of a master that "
        "is gone too are failed over with their workflows, and so are workflows that no master "
        "holds. The masters get --wait (45s without it) to act on an announcement. The mark of "
        "the worker is written only when all its tasks are dealt with.\n\n"
        "Refused for an address that belongs to a master, living or not, and for one that "
        "nothing knows, unless --startup-time names a process.",
    .argument = "ADDRESS",
    .argument_help = "The worker: HOST:PORT or [IPv6]:PORT, as it stands in the registry",
    .arguments = Command::Arguments::one,
    .options = failover_option_names({"startup-time", "process-id", "event-time", "redispatch",
                                      "no-announce", "fence", "fence-timeout"}),
    .examples =
        "  dsfailover failover-worker 127.0.1.11:1234 --dry-run\n"
        "  dsfailover failover-worker 127.0.1.11:1234 --wait 5m\n"
        "  dsfailover failover-worker 127.0.1.11:1234 --no-announce --redispatch\n",
    .run = run,
};

}  // namespace dsfailover
