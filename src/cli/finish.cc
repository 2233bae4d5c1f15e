#include "coordinator/finish/finish.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"

namespace dsfailover {
namespace {

FinishAs as_option(const OptionValues& options) {
    const OptionValue* given = find(options, "as");
    if (given == nullptr)
        throw UsageError(
            "--as is missing: failure, so that the workflows can be recovered from where they "
            "failed, or stop");
    if (given->value == "failure") return FinishAs::failure;
    if (given->value == "stop") return FinishAs::stop;
    throw UsageError(
        fmt::format("{}: '{}' is none of failure, stop", named("as", *given), given->value));
}

/// --idle. What an environment or a file says of it is not meant for this.
std::optional<Millis> idle_option(const OptionValues& options) {
    const OptionValue* given = find(options, "idle");
    if (given == nullptr || given->source != Source::command_line) return std::nullopt;
    return duration_option(options, "idle");
}

void run(Context& context) {
    FinishOptions options;
    for (const std::string& id : context.arguments()) {
        options.ids.push_back(parse_workflow_id(id, "ID"));
    }
    options.as = as_option(context.options());
    options.dry_run = is_set(context.options(), "dry-run");
    options.tasks = is_set(context.options(), "tasks");
    options.idle = idle_option(context.options());
    options.lock_timeout =
        duration_option(context.options(), "lock-timeout").value_or(options.lock_timeout);
    options.ask = ask_options(context.options());
    options.items = items_option(context.options());
    Cluster cluster =
        context.open_cluster(Context::Needs::registry_and_database, Context::Access::writing);
    cluster.servers = context.open_asker(options.ask.about);
    const Schema schema = read_schema(*cluster.database, context.report());
    finish_workflows(run_context(cluster, schema, context.report()), options);
}

}  // namespace

extern const Command kFinish;
const Command kFinish{
    .name = "finish",
    .summary = "End workflows that nobody will end any more",
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
