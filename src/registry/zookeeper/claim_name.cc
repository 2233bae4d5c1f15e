#include "registry/zookeeper/claim_name.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace dsfailover {
namespace {

/// The number after "-lock-"; none for nodes that are not claims. Beyond 2^31 the server counts on
/// with negative numbers, so that a sign is part of it.
std::optional<std::int64_t> claim_number(std::string_view name) {
    const std::size_t at = name.rfind(kLockPart);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view digits = name.substr(at + kLockPart.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
    if (error != std::errc() || end != digits.end()) return std::nullopt;
    return number;
}

}  // namespace

std::vector<std::string> claims_in_order(const std::vector<std::string>& names) {
    std::vector<std::pair<std::int64_t, std::string>> numbered;
    for (const std::string& name : names)
        if (const auto number = claim_number(name)) numbered.emplace_back(*number, name);
    std::sort(numbered.begin(), numbered.end());
    std::vector<std::string> sorted;
    for (auto& [number, name] : numbered) sorted.push_back(std::move(name));
    return sorted;
}

}  // namespace dsfailover
