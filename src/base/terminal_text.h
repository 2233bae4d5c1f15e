#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dsfailover {

/// `text` as a terminal may have it: what is no UTF-8 becomes U+FFFD, control characters (a name
/// in the database could hold an escape sequence) become '?'.
std::string printable(std::string_view text);

/// The first line of a text, without a carriage return.
std::string first_line(const std::string& text);

/// How many columns of a terminal a printable text takes: East Asian wide characters take two.
std::size_t columns(std::string_view text);

/// Rows under a heading, with aligned columns two spaces apart. The last column is not padded;
/// columns that are empty in every row are left out.
class TextTable {
  public:
    explicit TextTable(std::vector<std::string> heading) : heading_(std::move(heading)) {}
    void add(std::vector<std::string> row);
    bool empty() const { return rows_.empty(); }
    /// Every line indented by `indent` spaces and ended by a newline.
    std::string print(std::size_t indent) const;

  private:
    std::vector<std::string> heading_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace dsfailover
