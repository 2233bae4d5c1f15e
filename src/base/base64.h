#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dsfailover {

/// Base64 (RFC 4648, with padding) of any bytes.
std::string to_base64(std::string_view bytes);

/// The bytes; nullopt if `text` is not Base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace dsfailover
