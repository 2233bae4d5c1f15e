#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    const auto event = server_event<WorkerFailoverEvent>(context, "WorkerFailoverEvent");
    const FailoverOptions options = failover_options(context.options());
    with_coordinator(
        context, Context::Needs::registry_and_database, Context::Access::writing, options.ask.about,
        [&](FailoverCoordinator& coordinator) { coordinator.failover_worker(event, options); });
}

}  // namespace

extern const Command kFailoverWorker;
const Command kFailoverWorker{
    .name = "failover-worker",
    .summary = "Get the tasks of a worker that is gone dispatched again",
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
