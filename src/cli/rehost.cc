#include "coordinator/rehost/rehost.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    RehostOptions options;
    options.ids = workflow_ids(context.arguments());
    options.dry_run = is_set(context.options(), "dry-run");
    options.lock_timeout =
        duration_option(context.options(), "lock-timeout").value_or(options.lock_timeout);
    options.limit = integer_option(context.options(), "limit");
    options.ask = ask_options(context.options());
    options.items = items_option(context.options());
    if (context.environment()("DSFAILOVER_ASK") == "none")
        throw UsageError(
            "DSFAILOVER_ASK=none forbids asking the masters, and rehost cannot do without: only "
            "they know which workflows they hold");
    Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::writing);
    cluster.servers = context.open_asker(AskAbout::all);
    const Schema schema = read_schema(*cluster.database, context.report());
    rehost_workflows(run_context(cluster, schema, context.report()), options);
}

}  // namespace

extern const Command kRehost;
const Command kRehost{
    .name = "rehost",
    .summary = "Make the master that holds a workflow its host",
    .description =
        "Asks the masters which workflows they hold, and makes each the host of those whose host "
        "is another one. For DolphinScheduler 3.3.0; later releases do it themselves.",
    .argument = "ID",
    .argument_help = "Workflow instances to look at (default: all that are unfinished)",
    .arguments = Command::Arguments::any_number,
    .options = {"lock-timeout", "limit", "primary", "dry-run", "ask-timeout", "ask-limit", "items",
                "audit-log"},
    .examples =
        "  dsfailover rehost --dry-run --format table\n"
        "  dsfailover rehost --limit 100\n"
        "  dsfailover rehost 17 42\n",
    .run = run,
};

}  // namespace dsfailover
