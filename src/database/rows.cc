#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "database/database.h"

namespace dsfailover {

std::optional<std::string> Row::optional_text(std::size_t column) const {
    if (is_null(column)) return std::nullopt;
    return std::string(*cells_[column]);
}

std::int64_t Row::integer(std::size_t column) const {
    const auto number = optional_integer(column);
    if (!number) {
        throw DatabaseError(
            DatabaseError::Kind::other,
            fmt::format("Column {} of a row is null where a number was expected", column + 1));
    }
    return *number;
}

std::optional<std::int64_t> Row::optional_integer(std::size_t column) const {
    if (is_null(column)) return std::nullopt;
    const std::string_view digits = *cells_[column];
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        throw DatabaseError(DatabaseError::Kind::other,
                            fmt::format("Column {} of a row holds '{}' where a whole number was "
                                        "expected",
                                        column + 1, digits));
    }
    return number;
}

std::string_view Rows::keep(std::string_view text) {
    if (text.size() > free_.size()) {
        constexpr std::size_t kFirst = 256, kMost = 16'384;
        block_size_ = std::clamp(2 * block_size_, kFirst, kMost);
        const std::size_t size = std::max(block_size_, text.size());
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
        free_ = {blocks_.back().get(), size};
    }
    const std::span<char> kept = free_.first(text.size());
    std::copy(text.begin(), text.end(), kept.begin());
    free_ = free_.subspan(text.size());
    return {kept.data(), kept.size()};
}

void Rows::add(const Row& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row.is_null(i))
            cells_.emplace_back(std::nullopt);
        else
            cells_.emplace_back(keep(row.text(i)));
    }
    ends_.push_back(cells_.size());
}

Row Rows::operator[](std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_.at(index - 1);
    return Row(std::span(cells_).subspan(begin, ends_.at(index) - begin));
}

}  // namespace dsfailover
