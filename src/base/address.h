#pragma once

#include <string>
#include <string_view>

namespace dsfailover {

// The address of a server, as masters and workers write it everywhere: HOST:PORT. Addresses are
// compared as they are written, and become part of registry paths.

/// Whether `text` is one: HOST is letters, digits, '-', '_' and '.', at least one of them a letter
/// or digit, or an IPv6 address as Java prints it: eight groups without brackets, behind them
/// perhaps a scope ("fd15:4ba5:5a2b:1008:71bc:dd01:e661:e831%2:5678"). PORT is 1 to 65535 without
/// leading zeros.
bool is_address(std::string_view text);

/// An address that a person gave: is_address(), unchanged, or [IPv6]:PORT, however the IPv6 address
/// is shortened, in Java's form. Throws UsageError that names the text and the form expected.
std::string parse_address(std::string_view text);

}  // namespace dsfailover
