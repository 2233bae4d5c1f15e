#include <iostream>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/invocation.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) {
    std::vector<const char*> words = {"dsfailover"};
    for (const std::string& word : invocation.arguments()) words.push_back(word.c_str());
    words.push_back("--help");
    std::cout << *parse_command_line(static_cast<int>(words.size()), words.data()).text;
}

}  // namespace

extern const Command kHelp;
const Command kHelp{
    .name = "help",
    .summary = "Print what a command does and which options it takes",
    .description = "Without a command: the list of commands.",
    .argument = "COMMAND",
    .argument_help = "The command",
    .arguments = Command::Arguments::any_number,
    .uses_cluster = false,
    .takes_options = false,
    .has_report = false,
    .examples =
        "  dsfailover help\n"
        "  dsfailover help failover-master\n",
    .run = run,
};

}  // namespace dsfailover
