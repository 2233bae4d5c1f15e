#include "coordinator/requeue/requeue.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

std::optional<int> state_option(const OptionValues& options) {
    using namespace workflow_state;
    const auto as = choice_option(options, "as", "requeue");
    if (!as) return std::nullopt;
    return *as == "running" ? kRunning : *as == "pause" ? kReadyPause : kReadyStop;
}

void run(Context& context) {
    RequeueOptions options;
    options.ids = workflow_ids(context.arguments());
    options.dry_run = is_set(context.options(), "dry-run");
    options.unclaimed_after =
        duration_option(context.options(), "unclaimed-after").value_or(options.unclaimed_after);
    options.lock_timeout =
        duration_option(context.options(), "lock-timeout").value_or(options.lock_timeout);
    options.as = state_option(context.options());
    options.limit = integer_option(context.options(), "limit");
    options.wait = duration_option(context.options(), "wait");
    options.items = items_option(context.options());
    const Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::writing);
    const Schema schema = read_schema(*cluster.database, context.report());
    requeue_workflows(run_context(cluster, schema, context.report()), options);
}

}  // namespace

extern const Command kRequeue;
const Command kRequeue{
    .name = "requeue",
    .summary = "Give workflows stuck in FAILOVER a command again",
    .description =
        "For workflows that sit in FAILOVER because their command was lost, or because no master "
        "takes it: gives each a new command.",
    .argument = "ID",
    .argument_help = "Workflow instances to look at (default: all in state FAILOVER)",
    .arguments = Command::Arguments::any_number,
    .options = {"unclaimed-after", "as", "lock-timeout", "limit", "primary", "dry-run", "wait",
                "items", "audit-log"},
    .examples =
        "  dsfailover requeue --dry-run --format table\n"
        "  dsfailover requeue --wait 2m\n"
        "  dsfailover requeue 17 42 --as stop\n",
    .run = run,
};

}  // namespace dsfailover
