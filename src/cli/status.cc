#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"
#include "coordinator/status/cluster_status.h"

namespace dsfailover {
namespace {

/// --ask. Environments and files cannot make status ask, which leaves lines in the logs of every
/// master.
AskOptions status_ask_options(Context& context) {
    AskOptions options = ask_options(context.options());
    const OptionValue* ask = find(context.options(), "ask");
    if (!ask || ask->source != Source::command_line) options.about = AskAbout::nobody;
    if (options.about != AskAbout::nobody && context.environment()("DSFAILOVER_ASK") == "none")
        context.report().warnings.emplace_back("--ask: DSFAILOVER_ASK=none, so nobody is asked.");
    return options;
}

void run(Context& context) {
    StatusOptions options;
    options.check = is_set(context.options(), "check");
    options.items = items_option(context.options());
    options.ask = status_ask_options(context);
    Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::reading);
    cluster.servers = context.open_asker(options.ask.about);
    const Schema schema = read_schema(*cluster.database, context.report());
    read_cluster_status(run_context(cluster, schema, context.report()), options);
}

}  // namespace

extern const Command kStatus;
const Command kStatus{
    .name = "status",
    .summary = "Show who lives, what needs failover or requeue, what is in doubt, locks and marks",
    .description =
        "Shows who lives, what global would take, which workflows are stuck, in doubt or running "
        "elsewhere, the commands that wait, who holds the failover locks and who queues for "
        "them, the marks, and fences that were left behind. With --ask also which workflows no "
        "master holds, and which another than their host. Changes nothing.",
    .options = {"check", "ask", "ask-timeout", "ask-limit", "items"},
    .examples =
        "  dsfailover status --format table\n"
        "  dsfailover status --ask --format table\n"
        "  dsfailover status --check > /dev/null || echo 'look at the failover'\n",
    .run = run,
};

}  // namespace dsfailover
