#pragma once

namespace dsfailover {

/// Parses the command line, runs the command, prints its report on stdout, and returns the exit
/// status.
int run_command_line(int argc, char** argv);

}  // namespace dsfailover
