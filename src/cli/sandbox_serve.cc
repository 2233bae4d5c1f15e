#include <iostream>

#include "base/error.h"
#include "cli/command.h"
#include "cli/invocation.h"
#include "cli/options.h"
#include "sandbox/sandbox.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    serve_sandbox(invocation.arguments().at(0), is_set(invocation.options(), "hear-departures"),
                  [](const std::string& line) {
                      std::cout << line << std::endl;
                      if (!std::cout) throw Error(ExitCode::failed, "stdout cannot be written");
                  });
}

}  // namespace

extern const Command kSandboxServe;
const Command kSandboxServe{
    .name = "sandbox serve",
    .summary = "Stand in for the living servers of a sandbox, until Ctrl-C",
    .description =
        "Stands in for the living servers of such a file, on their loopback addresses: the "
        "masters take commands, run workflows, obey their marks and answer questions; a server "
        "that stopped is started again after a minute. Prints a line for each thing that "
        "happens, and no report. Ctrl-C ends it with exit status 0.\n\n"
        "On a JDBC registry masters do not notice that a server goes; with --hear-departures "
        "they do, as on ZooKeeper.",
    .argument = "FILE",
    .argument_help = "The sandbox's file",
    .arguments = Command::Arguments::one,
    .uses_cluster = false,
    .has_report = false,
    .options = {"hear-departures"},
    .examples =
        "  dsfailover sandbox serve /tmp/sandbox.db\n"
        "  dsfailover sandbox serve /tmp/sandbox.db --hear-departures\n",
    .run = run,
};

}  // namespace dsfailover
