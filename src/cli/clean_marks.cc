#include <fmt/format.h>

#include "base/error.h"
#include "base/option_defaults.h"
#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    MarksOptions options;
    for (const std::string& name : invocation.arguments()) {
        if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
            throw UsageError(
                fmt::format("NAME: '{}' is not the name of a mark; list-marks shows them", name));
        options.names.push_back(name);
    }
    options.evidence = is_set(invocation.options(), "evidence");
    const OptionValue* age = find(invocation.options(), "older-than");
    if (!options.names.empty() && age && age->source == Source::command_line)
        throw UsageError(
            "--older-than: marks that are named are deleted whatever their age; give one of both");
    if (options.evidence && options.names.empty())
        throw UsageError("--evidence: name the marks that it is about");
    options.dry_run = is_set(invocation.options(), "dry-run");
    options.older_than =
        duration_option(invocation.options(), "older-than").value_or(options.older_than);
    options.items = items_option(invocation.options());
    if (options.names.empty() && !invocation.settings().database &&
        options.older_than < option_defaults::kOlderThan)
        throw UsageError(
            "--older-than: below 7d a mark may be the only evidence of what was failed over, which "
            "the database tells; give --database, or 7d and more");
    with_coordinator(invocation, Invocation::Needs::registry, Invocation::Access::writing,
                     AskAbout::nobody, [&](FailoverCoordinator& coordinator) {
                         coordinator.clean_history_failover_finished_marks(options);
                     });
}

}  // namespace

extern const Command kCleanMarks;
const Command kCleanMarks{
    .name = "clean-marks",
    .summary = "Delete the marks of finished failovers that are older than 7 days, or those named",
    .description =
        "Deletes the marks of finished failovers after 7 days, or after the duration given. "
        "Needs only the registry; without a database the duration must be at least 7 days. With "
        "one, the newest mark of an address stays while unfinished workflows have that host. A "
        "fence, a mark with the value 0, stays while a server lives at its address, and for 7 "
        "days after the startup time in its name.\n\n"
        "With a NAME deletes these marks alone, whatever their age; one by which workflows are "
        "judged only with --evidence.",
    .argument = "NAME",
    .argument_help = "Marks to delete whatever their age, by the names that list-marks shows",
    .arguments = Command::Arguments::any_number,
    .options = {"older-than", "evidence", "primary", "dry-run", "items", "audit-log"},
    .examples =
        "  dsfailover clean-marks --dry-run\n"
        "  dsfailover clean-marks --older-than 30d\n"
        "  dsfailover clean-marks 127.0.1.1:5678-unknown-unknown --dry-run\n",
    .run = run,
};

}  // namespace dsfailover
