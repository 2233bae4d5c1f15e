#include <iostream>

#include "base/error.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/options.h"
#include "sandbox/sandbox.h"

namespace dsfailover {
namespace {

void run(Context& context) {
    serve_sandbox(context.arguments().at(0), is_set(context.options(), "hear-departures"),
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
