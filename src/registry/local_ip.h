#pragma once

#include <string>

namespace dsfailover {

/// The first IPv4 address of this machine that is not the loopback's, as the masters name
/// themselves in locks; "127.0.0.1" if there is none.
std::string local_ip();

}  // namespace dsfailover
