#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace dsfailover {

/// The options under the headings of the table, in its order.
std::vector<std::pair<std::string_view, std::vector<const OptionSpec*>>> grouped(
    const std::vector<const OptionSpec*>& options);

/// The options that environment and files may give.
std::vector<const OptionSpec*> options_for_files();

/// "failover-master, global": the commands that take the option; empty: every command with a
/// cluster, or every one.
std::string takers_of(const OptionSpec& option);

}  // namespace dsfailover
