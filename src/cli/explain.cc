#include "coordinator/explain/explain.h"

#include "cli/command.h"
#include "cli/invocation.h"
#include "cli/options.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    ExplainOptions options;
    options.ids = workflow_ids(invocation.arguments());
    options.ask = ask_options(invocation.options());
    options.items = items_option(invocation.options());
    invocation.work_on_cluster(
        Invocation::Access::reading, options.ask.about,
        [&](const RunContext& context) { explain_workflows(context, options); });
}

}  // namespace

extern const Command kExplain;
const Command kExplain{
    .name = "explain",
    .summary = "Say what becomes of single workflows, why, and what to do about them",
    .description =
        "Says what becomes of each of these workflow instances, why, and which command to run "
        "next. Shows what that follows from: its row, its host, its tasks and what their workers "
        "say, its commands, marks, stamps and lock, its parents and children. Asks the living "
        "masters whether they hold it, and the workers about its tasks, unless --ask none is "
        "given. Changes nothing.",
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
