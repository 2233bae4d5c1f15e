#include <iostream>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/invocation.h"

namespace dsfailover {
namespace {

void run(Invocation& invocation) { std::cout << completion_script(invocation.arguments().front()); }

}  // namespace

extern const Command kCompletion;
const Command kCompletion{
    .name = "completion",
    .summary = "Print the script that completes this program's command lines in a shell",
    .description =
        "The script asks the program for what fits: commands, options, values and file "
        "names; and, from the cluster that the line or the configuration names, the "
        "addresses that need failover and the ids of workflows in trouble. A cluster "
        "that does not answer within 300 ms adds nothing.",
    .argument = "SHELL",
    .argument_help = "bash, zsh or fish",
    .arguments = Command::Arguments::one,
    .argument_choices = {"bash", "zsh", "fish"},
    .uses_cluster = false,
    .takes_options = false,
    .has_report = false,
    .examples =
        "  dsfailover completion bash > /etc/bash_completion.d/dsfailover\n"
        "  dsfailover completion zsh > /usr/local/share/zsh/site-functions/_dsfailover\n"
        "  dsfailover completion fish > ~/.config/fish/completions/dsfailover.fish\n",
    .run = run,
};

}  // namespace dsfailover
