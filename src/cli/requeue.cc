#include "coordinator/requeue/requeue.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/invocation.h"
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

void run(Invocation& invocation) {
    RequeueOptions options;
    options.ids = workflow_ids(invocation.arguments());
    options.commands = is_set(invocation.options(), "commands");
    if (options.commands && !options.ids.empty())
        throw UsageError(
            "--commands takes the commands of all workflows: give it, or workflow instances, not "
            "both (the command of one that is named is taken whatever its type)");
    options.dry_run = is_set(invocation.options(), "dry-run");
    options.unclaimed_after =
        duration_option(invocation.options(), "unclaimed-after").value_or(options.unclaimed_after);
    options.lock_timeout =
        duration_option(invocation.options(), "lock-timeout").value_or(options.lock_timeout);
    options.as = state_option(invocation.options());
    options.limit = integer_option(invocation.options(), "limit");
    options.wait = duration_option(invocation.options(), "wait");
    options.rehost = !is_set(invocation.options(), "no-rehost");
    options.ask = ask_options(invocation.options());
    options.items = items_option(invocation.options());
    invocation.work_on_cluster(
        Invocation::Access::writing, options.ask.about,
        [&](const RunContext& context) { requeue_workflows(context, options); });
}

}  // namespace

extern const Command kRequeue;
const Command kRequeue{
    .name = "requeue",
    .summary = "Give stuck workflows a command again, one that masters take",
    .description =
        "For workflows that sit in FAILOVER because their command was lost, or because no master "
        "takes it: gives each a new command. Without an ID it looks at all of them. With "
        "--commands it looks at commands of every type, such as those of schedules, and exchanges "
        "those that no master takes; so it does with that of a workflow that is named. Leaves "
        "what a living master holds and what would fail again.",
    .argument = "ID",
    .argument_help =
        "Workflow instances to look at (default: all in state FAILOVER; with --commands those "
        "of all commands, too)",
    .arguments = Command::Arguments::any_number,
    .options = {"commands", "unclaimed-after", "as", "lock-timeout", "limit", "primary", "dry-run",
                "wait", "no-rehost", "ask", "ask-timeout", "ask-limit", "items", "audit-log"},
    .examples =
        "  dsfailover requeue --dry-run --format table\n"
        "  dsfailover requeue --wait 2m\n"
        "  dsfailover requeue 17 42 --as stop\n"
        "  dsfailover requeue --commands --limit 100 --wait 2m\n",
    .run = run,
};

}  // namespace dsfailover
