#include "base/interruption.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
    dsfailover::install_signal_handlers();
    return dsfailover::run_command_line(argc, argv);
}
