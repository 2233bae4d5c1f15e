#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dsfailover {

/// A number of digits alone, without sign or blank; nullopt if `text` is anything else or longer
/// than `most_digits`, of which 18 always fit.
std::optional<std::int64_t> parse_digits(std::string_view text, std::size_t most_digits = 18);

}  // namespace dsfailover
