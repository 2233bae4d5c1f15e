#include "cli/command.h"
#include "cli/failover_command.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    MarksOptions options;
    options.older_than = duration_option(invocation.options(), "older-than").value_or(Millis(0));
    if (const OptionValue* address = find(invocation.options(), "address"))
        options.address = server_address(address->value, named("address", *address));
    options.items = items_option(invocation.options());
    with_coordinator(invocation, Invocation::Needs::registry_alone, Invocation::Access::reading,
                     AskAbout::nobody, [&](FailoverCoordinator& coordinator) {
                         coordinator.list_failover_finished_marks(options);
                     });
}

}  // namespace

extern const Command kListMarks;
const Command kListMarks{
    .name = "list-marks",
    .summary = "List the marks of finished failovers, oldest first",
    .description = "Fences are listed as such. Changes nothing.",
    .options = {"older-than", "address", "items"},
    .examples =
        "  dsfailover list-marks --format table\n"
        "  dsfailover list-marks --address 127.0.1.1:5678\n",
    .run = run,
};

}  // namespace dsfailover
