#pragma once

#include <string>
#include <string_view>

namespace dsfailover {

/// `text` as a terminal may have it: what is not UTF-8 becomes U+FFFD, control characters (a name
/// in the database could hold an escape sequence) become '?'.
std::string printable(std::string_view text);

/// The first line of a text, without a carriage return.
std::string first_line(const std::string& text);

/// How many columns of a terminal a printable text takes: East Asian wide characters take two.
std::size_t columns(std::string_view text);

/// `text`, printable; what does not fit into that many columns is left out, and "…" says so.
std::string cut_to_columns(const std::string& text, std::size_t width);

}  // namespace dsfailover
