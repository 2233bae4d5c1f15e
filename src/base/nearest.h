#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dsfailover {

/// "a, b or c".
std::string either_of(std::span<const std::string_view> words);

/// "; did you mean 'status'?" if one of `words` is so near to `word` that it may be mistyped, else
/// "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> words);

}  // namespace dsfailover
