#pragma once

#include <string>
#include <string_view>

namespace dsfailover {

/// Checks HOST:PORT or [IPv6]:PORT and returns it unchanged: hosts are compared as written, and an
/// address becomes part of registry paths. HOST is letters, digits, '-', '_' and '.', at least one
/// of them a letter or digit; PORT is 1 to 65535 without leading zeros.
/// Throws UsageError that names the text and the form expected.
std::string parse_address(std::string_view text);

/// The same check without the exception, for addresses found in the registry or the database.
bool is_address(std::string_view text);

}  // namespace dsfailover
