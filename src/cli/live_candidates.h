#pragma once

#include "cli/completion.h"

namespace dsfailover {

/// Completes the words of `__complete WORD...`, which the shells' scripts call, and prints the
/// candidates on stdout. Where the cluster has not answered after 300 ms what is known without it
/// is printed. Writes nothing else, whatever goes wrong; the exit status is always 0.
int answer_shell(const std::vector<std::string>& words);

}  // namespace dsfailover
