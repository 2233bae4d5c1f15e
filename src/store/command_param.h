#pragma once

#include <optional>
#include <string>

namespace dsfailover {

/// The state a recovery command goes back to, from its command_param: 1, 2 or 4; nullopt if it
/// names none of them. Never throws.
std::optional<int> state_of_command_param(const std::string& command_param);

}  // namespace dsfailover
