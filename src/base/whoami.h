#pragma once

#include <string>

namespace dsfailover {

/// Who runs this program: the name of the effective user, or its number.
std::string user_name();

/// The name of this machine, "unknown" if it has none.
std::string host_name();

}  // namespace dsfailover
