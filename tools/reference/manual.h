#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace dsfailover {

/// The manual page of a command, as roff.
std::string command_page(const Command& command);

/// dsfailover(1): `frame`, the text of man/dsfailover.1.in, with what the tables of commands and
/// options say in the place of @COMMANDS@ and @OPTIONS@. Throws std::runtime_error if one of them
/// is missing.
std::string main_page(std::string_view frame);

/// dsfailover.conf(5): `frame`, the text of man/dsfailover.conf.5.in, with every option that a file
/// may give in the place of @OPTIONS@. Throws as main_page().
std::string config_page(std::string_view frame);

/// "dsfailover-sandbox-create.1"
std::string page_name(const Command& command);

}  // namespace dsfailover
