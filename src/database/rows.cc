#include <fmt/format.h>

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

void Rows::add(const Row& row) {
    auto stored = std::make_unique<Stored>();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < row.size(); ++i) bytes += row.text(i).size();
    // Reserved at once, so that the cells' views of it stay valid.
    stored->bytes.reserve(bytes);
    stored->cells.reserve(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row.is_null(i)) {
            stored->cells.emplace_back(std::nullopt);
            continue;
        }
        const std::size_t start = stored->bytes.size();
        stored->bytes.append(row.text(i));
        stored->cells.emplace_back(std::string_view(stored->bytes).substr(start));
    }
    rows_.push_back(std::move(stored));
}

Row Rows::operator[](std::size_t index) const { return Row(rows_.at(index)->cells); }

}  // namespace dsfailover
