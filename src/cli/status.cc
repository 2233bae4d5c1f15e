#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"
#include "config/ask_scope.h"
#include "coordinator/status/cluster_status.h"
#include "servers/server_asker.h"

namespace dsfailover {
namespace {

/// Who asks the masters; null: nobody does. Environments and files cannot make a run ask, which
/// leaves lines in the logs of every master.
std::unique_ptr<ServerAsker> open_asker(Context& context) {
    AskSettings asking;
    asking.timeout = duration_option(context.options(), "ask-timeout").value_or(asking.timeout);
    const OptionValue* ask = find(context.options(), "ask");
    if (!ask || ask->source != Source::command_line || !is_set(context.options(), "ask"))
        return nullptr;
    const AskScope scope = ask_scope(context.environment(), context.settings().database);
    if (scope == AskScope::nobody) {
        context.report().warnings.emplace_back("--ask: DSFAILOVER_ASK=none, so nobody is asked.");
        return nullptr;
    }
    asking.loopback_only = scope == AskScope::loopback;
    return open_server_asker(asking);
}

void run(Context& context) {
    StatusOptions options;
    options.check = is_set(context.options(), "check");
    options.items = items_option(context.options());
    options.ask.limit =
        number_option(context.options(), "ask-limit", 1).value_or(options.ask.limit);
    const std::unique_ptr<ServerAsker> asker = open_asker(context);
    const Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::reading);
    const Schema schema = read_schema(*cluster.database, context.report());
    read_cluster_status(run_context(cluster, schema, context.report()), options, asker.get());
}

}  // namespace

extern const Command kStatus;
const Command kStatus{
    .name = "status",
    .summary = "Show who lives, what needs failover or requeue, what is in doubt, locks and marks",
    .options = {"check", "ask", "ask-timeout", "ask-limit", "items"},
    .examples =
        "  dsfailover status --format table\n"
        "  dsfailover status --ask --format table\n"
        "  dsfailover status --check > /dev/null || echo 'look at the failover'\n",
    .run = run,
};

}  // namespace dsfailover
