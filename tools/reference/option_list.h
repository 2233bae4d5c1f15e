#pragma once

#include <string>

namespace dsfailover {

/// docs/options.md: every option under its heading, with its default and the commands that take it.
std::string option_list();

}  // namespace dsfailover
