#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/compact_text.h"

namespace dsfailover {

/// How something is to be taken, for its colour.
enum class Tone { plain, good, caution, bad, heading };

/// `text` in the colour of its tone, if `colour`.
std::string coloured(std::string_view text, Tone tone, bool colour);

/// That of a word of the report: an outcome, a verdict. Plain for one that is neither good nor bad.
Tone tone_of(std::string_view word);

/// Lines of `text`, broken between words so that none is wider than `width`, but for a word that
/// is: a path or an id is never broken. At least one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// A column of a table, and what becomes of it where the screen is too narrow for all of them.
struct Column {
    enum class Give {
        never,  ///< it is the point of the table: an id, an address, an outcome
        wrap,   ///< a sentence: continued on the next lines
        cut,    ///< shortened, at last to a few letters
        drop    ///< left out
    };
    std::string_view heading;
    Give give = Give::never;
    int order = 0;  ///< lower ones give way first
};
constexpr Column wraps(std::string_view heading) { return {heading, Column::Give::wrap, 0}; }
constexpr Column cuts(std::string_view heading, int order) {
    return {heading, Column::Give::cut, order};
}
constexpr Column drops(std::string_view heading, int order) {
    return {heading, Column::Give::drop, order};
}

struct Cell {
    std::string text;
    Tone tone = Tone::plain;

    Cell(std::string shown, Tone of = Tone::plain) : text(std::move(shown)), tone(of) {}
    Cell(std::string_view shown) : text(shown) {}
    Cell(const char* shown) : text(shown) {}
    Cell(std::int64_t number) : text(std::to_string(number)) {}
    Cell(const std::optional<std::string>& shown) : text(shown.value_or("")) {}
    Cell(const CompactText& shown) : text(*shown) {}
    Cell(const std::optional<std::int64_t>& number)
        : text(number ? std::to_string(*number) : std::string()) {}
};

/// A cell with a word of the report, in the colour of its tone.
Cell word_cell(std::string_view word);

/// Rows under a heading, with aligned columns two spaces apart. Columns that are empty in every row
/// are left out; others give way until the rest fits.
class TextTable {
  public:
    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }
    /// Every line indented by `indent` spaces, no wider than `width` if that can be, and ended by
    /// a newline. What is not a printable text is shown as '?'.
    std::string print(std::size_t indent, std::size_t width, bool colour) const;

  private:
    std::size_t narrowest_sentence(std::size_t column) const;
    std::vector<std::size_t> widths(std::size_t available) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace dsfailover
