#include "coordinator/finish/finish.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/invocation.h"
#include "cli/options.h"

namespace dsfailover {
namespace {

FinishAs as_option(const OptionValues& options) {
    const auto as = choice_option(options, "as", "finish");
    if (!as)
        throw UsageError(
            "--as is missing: failure, so that the workflows can be recovered from where they "
            "failed, or stop");
    return *as == "failure" ? FinishAs::failure : FinishAs::stop;
}

/// --idle. What an environment or a file says of it is not meant for this.
std::optional<Millis> idle_option(const OptionValues& options) {
    const OptionValue* given = find(options, "idle");
    if (given == nullptr || given->source != Source::command_line) return std::nullopt;
    return duration_option(options, "idle");
}

void run(Invocation& invocation) {
    FinishOptions options;
    options.ids = workflow_ids(invocation.arguments());
    options.as = as_option(invocation.options());
    options.dry_run = is_set(invocation.options(), "dry-run");
    options.tasks = is_set(invocation.options(), "tasks");
    options.idle = idle_option(invocation.options());
    options.lock_timeout =
        duration_option(invocation.options(), "lock-timeout").value_or(options.lock_timeout);
    options.ask = ask_options(invocation.options());
    options.items = items_option(invocation.options());
    invocation.work_on_cluster(
        Invocation::Access::writing, options.ask.about,
        [&](const RunContext& context) { finish_workflows(context, options); });
}

}  // namespace

extern const Command kFinish;
const Command kFinish{
    .name = "finish",
    .summary = "End workflows that nobody will end any more",
    .description =
        "Ends workflows that no master has any more, with their unfinished tasks, so that they "
        "can be recovered or rerun from the user interface. Refuses what a master holds, what "
        "may still move, what has tasks alive on a worker, and what would leave a parent or a "
        "child hanging. There is no way to end all at once.",
    .argument = "ID",
    .argument_help = "Workflow instances to end",
    .arguments = Command::Arguments::some,
    .options = {"as", "idle", "tasks", "lock-timeout", "primary", "dry-run", "ask", "ask-timeout",
                "ask-limit", "items", "audit-log"},
    .examples =
        "  dsfailover finish 17 42 --as failure --dry-run --format table\n"
        "  dsfailover finish 17 --as stop\n"
        "  dsfailover finish 17 --as failure --tasks\n",
    .run = run,
};

}  // namespace dsfailover
