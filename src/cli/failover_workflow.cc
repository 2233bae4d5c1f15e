#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    const std::vector<std::int64_t> ids = workflow_ids(invocation.arguments());
    FailoverOptions options = failover_options(invocation.options());
    options.unclaimed_after =
        duration_option(invocation.options(), "unclaimed-after").value_or(options.unclaimed_after);
    with_coordinator(
        invocation, Invocation::Needs::registry_and_database, Invocation::Access::writing,
        options.ask.about,
        [&](FailoverCoordinator& coordinator) { coordinator.failover_workflows(ids, options); });
}

}  // namespace

extern const Command kFailoverWorkflow;
const Command kFailoverWorkflow{
    .name = "failover-workflow",
    .summary = "Fail over single workflows that no master runs",
    .description =
        "Fails over these workflows and no others, and writes no mark. Where their host is gone "
        "it decides as failover-master does. Where it lives every living master is asked: what "
        "one holds, or may hold, is refused. A workflow without a host gets a living master as "
        "host.",
    .argument = "ID",
    .argument_help = "Workflow instances to fail over, and no others",
    .arguments = Command::Arguments::some,
    .options = failover_option_names({"unclaimed-after"}),
    .examples =
        "  dsfailover failover-workflow 17 --dry-run --format table\n"
        "  dsfailover failover-workflow 17 42 --wait 5m\n",
    .run = run,
};

}  // namespace dsfailover
