#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"
#include "coordinator/status/cluster_status.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    StatusOptions options;
    options.check = is_set(context.options(), "check");
    options.items = items_option(context.options());
    const Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::reading);
    const Schema schema = read_schema(*cluster.database, context.report());
    read_cluster_status(run_context(cluster, schema, context.report()), options);
}

}  // namespace

extern const Command kStatus;
const Command kStatus{
    .name = "status",
    .summary = "Show who lives, what needs failover or requeue, what is in doubt, locks and marks",
    .options = {"check", "items"},
    .examples =
        "  dsfailover status --format table\n"
        "  dsfailover status --check > /dev/null || echo 'look at the failover'\n",
    .run = run,
};

}  // namespace dsfailover
