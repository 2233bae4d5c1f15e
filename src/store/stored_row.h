#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/stored_time.h"
#include "store/schema.h"

namespace dsfailover {

/// A row of one of DolphinScheduler's tables whose first cell is the id that names it. Its cells
/// are read with errors that name table, column and row, because a row may have been written by
/// hand: every function throws EnvironmentError for a cell that is not what it should be.
class StoredRow {
  public:
    /// `table` is for messages: a table's name, or whatever tells which row the id names.
    StoredRow(const Row& row, std::string_view table, const StoreContext& context)
        : row_(row), table_(table), context_(context) {}

    std::int64_t id() const { return required(0, "id"); }
    /// A whole number that is not null.
    std::int64_t required(std::size_t cell, std::string_view column) const;
    /// A whole number in the range of int that is not null.
    int small(std::size_t cell, std::string_view column) const;
    std::optional<int> optional_small(std::size_t cell, std::string_view column) const;
    std::optional<StoredTime> time(std::size_t cell, std::string_view column) const;

  private:
    [[noreturn]] void fail(std::string_view column, std::string_view problem) const;

    const Row& row_;
    std::string_view table_;
    const StoreContext& context_;
};

/// Whether a cell is what was read before, null-safe and to the last digit.
inline bool is_as_read(const Row& row, std::size_t cell, const std::optional<std::string>& text) {
    return text ? !row.is_null(cell) && row.text(cell) == *text : row.is_null(cell);
}
inline bool is_as_read(const Row& row, std::size_t cell, const std::optional<StoredTime>& time) {
    return time ? !row.is_null(cell) && row.text(cell) == time->text : row.is_null(cell);
}

}  // namespace dsfailover
