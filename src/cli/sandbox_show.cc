#include "cli/command.h"
#include "cli/invocation.h"
#include "sandbox/sandbox.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    invocation.report().sandbox = read_sandbox(invocation.arguments().at(0));
}

}  // namespace

extern const Command kSandboxShow;
const Command kSandboxShow{
    .name = "sandbox show",
    .summary = "Show what a failover touches in a sandbox, to compare before and after",
    .description = "Prints the rows and marks of such a file that failovers change.",
    .argument = "FILE",
    .argument_help = "The sandbox's file",
    .arguments = Command::Arguments::one,
    .uses_cluster = false,
    .examples = "  dsfailover sandbox show /tmp/sandbox.db --format table\n",
    .run = run,
};

}  // namespace dsfailover
