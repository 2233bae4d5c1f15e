#pragma once

#include "config/option_values.h"

namespace dsfailover {

/// Whether the plan is to be shown and confirmed before anything is done: --confirm without --yes.
/// From the environment or a file it counts on a terminal only. Throws UsageError where the command
/// line asks for it and there is nobody to ask.
bool is_confirmation_wanted(const OptionValues& options);

/// Asks on stderr, and reads the answer from stdin: true for "y" or "yes". Throws Interrupted.
bool is_confirmed();

}  // namespace dsfailover
