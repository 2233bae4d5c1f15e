#pragma once

#include <optional>
#include <string>

namespace dsfailover {

/// The command_param of a recovery command, byte for byte as DolphinScheduler writes it; `state`
/// (1, 2 or 4, std::logic_error otherwise) is the state before the failover.
std::string recovery_command_param(int state);

/// The state a recovery command goes back to, from its command_param: 1, 2 or 4; nullopt if it
/// names none of them. Never throws.
std::optional<int> state_of_command_param(const std::string& command_param);

/// Whether a command_param says what kind it is (commandType): a master cannot read another one.
/// Never throws.
bool has_command_type(const std::string& command_param);

}  // namespace dsfailover
