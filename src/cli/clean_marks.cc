#include <chrono>

#include "base/error.h"
#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    MarksOptions options;
    options.dry_run = is_set(context.options(), "dry-run");
    options.older_than =
        duration_option(context.options(), "older-than").value_or(options.older_than);
    options.items = items_option(context.options());
    if (!context.settings().database && options.older_than < std::chrono::hours(24 * 7))
        throw UsageError(
            "--older-than: below 7d a mark may be the only evidence of what was failed over, which "
            "the database tells; give --database, or 7d and more");
    with_coordinator(context, Context::Needs::registry, Context::Access::writing, AskAbout::nobody,
                     [&](FailoverCoordinator& coordinator) {
                         coordinator.clean_history_failover_finished_marks(options);
                     });
}

}  // namespace

extern const Command kCleanMarks;
const Command kCleanMarks{
    .name = "clean-marks",
    .summary = "Delete the marks of finished failovers that are older than 7 days",
    .description =
        "Deletes the marks of finished failovers after 7 days, or after the duration given. "
        "Needs only the registry; without a database the duration must be at least 7 days. With "
        "one, the newest mark of an address stays while unfinished workflows have that host. A "
        "fence, a mark with the value 0, stays while a server lives at its address, and for 7 "
        "days after the startup time in its name.",
    .options = {"older-than", "primary", "dry-run", "items", "audit-log"},
    .examples =
        "  dsfailover clean-marks --dry-run\n"
        "  dsfailover clean-marks --older-than 30d\n",
    .run = run,
};

}  // namespace dsfailover
