#include "coordinator/explain/explain.h"

#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    ExplainOptions options;
    for (const std::string& id : context.arguments())
        options.ids.push_back(parse_workflow_id(id, "ID"));
    options.ask = ask_options(context.options());
    options.items = items_option(context.options());
    Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::reading);
    cluster.servers = context.open_asker(options.ask.about);
    const Schema schema = read_schema(*cluster.database, context.report());
    explain_workflows(run_context(cluster, schema, context.report()), options);
}

}  // namespace

extern const Command kExplain;
const Command kExplain{
    .name = "explain",
    .summary = "Say what becomes of single workflows, why, and what to do about them",
    .argument = "ID",
    .argument_help = "Workflow instances to explain",
    .arguments = Command::Arguments::some,
    .options = {"ask", "ask-timeout", "items"},
    .examples =
        "  dsfailover explain 17 --format table\n"
        "  dsfailover explain 17 42 --ask none\n",
    .run = run,
};

}  // namespace dsfailover
