#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    std::vector<std::int64_t> ids;
    for (const std::string& id : context.arguments()) ids.push_back(parse_workflow_id(id, "ID"));
    FailoverOptions options = failover_options(context.options());
    options.unclaimed_after =
        duration_option(context.options(), "unclaimed-after").value_or(options.unclaimed_after);
    with_coordinator(
        context, Context::Needs::registry_and_database, Context::Access::writing, options.ask.about,
        [&](FailoverCoordinator& coordinator) { coordinator.failover_workflows(ids, options); });
}

}  // namespace

extern const Command kFailoverWorkflow;
const Command kFailoverWorkflow{
    .name = "failover-workflow",
    .summary = "Fail over single workflows that no master runs",
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
