#include "store/stored_row.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"

namespace dsfailover {

void StoredRow::fail(std::string_view column, std::string_view problem) const {
    throw EnvironmentError(fmt::format(
        "{}: {}.{} of the row with id {} cannot be used: {}; correct the row, then run again",
        context_.database.endpoint(), table_, column, row_.is_null(0) ? "null" : row_.text(0),
        problem));
}

std::int64_t StoredRow::required(std::size_t cell, std::string_view column) const {
    try {
        if (const auto number = row_.optional_integer(cell)) return *number;
    } catch (const DatabaseError&) {
        fail(column, fmt::format("'{}' is not an integer", row_.text(cell)));
    }
    fail(column, "it is null");
}

int StoredRow::small(std::size_t cell, std::string_view column) const {
    const std::int64_t number = required(cell, column);
    if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max()) {
        fail(column, fmt::format("{} is out of range", number));
    }
    return static_cast<int>(number);
}

std::optional<int> StoredRow::optional_small(std::size_t cell, std::string_view column) const {
    if (row_.is_null(cell)) return std::nullopt;
    return small(cell, column);
}

std::optional<StoredTime> StoredRow::time(std::size_t cell, std::string_view column) const {
    if (row_.is_null(cell)) return std::nullopt;
    try {
        return parse_stored_time(row_.text(cell), context_.zone, context_.schema.time_precision_us);
    } catch (const EnvironmentError& error) {
        fail(column, error.what());
    }
}

}  // namespace dsfailover
