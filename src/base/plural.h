#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dsfailover {

/// "1 workflow", "2 workflows"; `many` where the plural is not the words with an s.
std::string counted(std::int64_t count, std::string_view one, std::string_view many = {});

}  // namespace dsfailover
