#include "base/whoami.h"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace dsfailover {

std::string user_name() {
    const passwd* user = getpwuid(geteuid());
    return user != nullptr ? user->pw_name : std::to_string(geteuid());
}

std::string host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
    return name.data();
}

}  // namespace dsfailover
