#include "coordinator/rehost/rehost.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/invocation.h"
#include "cli/options.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    RehostOptions options;
    options.ids = workflow_ids(invocation.arguments());
    options.dry_run = is_set(invocation.options(), "dry-run");
    options.lock_timeout =
        duration_option(invocation.options(), "lock-timeout").value_or(options.lock_timeout);
    options.limit = integer_option(invocation.options(), "limit");
    options.ask = ask_options(invocation.options());
    options.items = items_option(invocation.options());
    if (invocation.environment()("DSFAILOVER_ASK") == "none")
        throw UsageError(
            "DSFAILOVER_ASK=none forbids asking the masters, and rehost cannot do without: only "
            "they know which workflows they hold");
    invocation.work_on_cluster(
        Invocation::Access::writing, AskAbout::all,
        [&](const RunContext& context) { rehost_workflows(context, options); });
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
