#include "cli/command.h"
#include "cli/invocation.h"
#include "sandbox/sandbox.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) { create_sandbox(invocation.arguments().at(0)); }

}  // namespace

extern const Command kSandboxCreate;
const Command kSandboxCreate{
    .name = "sandbox create",
    .summary = "Make a small cluster in one SQLite file, to rehearse on",
    .description =
        "The file holds a database and its JDBC registry. One of its two masters is dead, and "
        "one of its two workers.",
    .argument = "FILE",
    .argument_help = "The file to make; it must not exist",
    .arguments = Command::Arguments::one,
    .uses_cluster = false,
    .examples =
        "  dsfailover sandbox create /tmp/sandbox.db\n"
        "  dsfailover failover-master 127.0.1.1:5678 --grace 0s \\\n"
        "      --registry jdbc --database sqlite:/tmp/sandbox.db\n",
    .run = run,
};

}  // namespace dsfailover
