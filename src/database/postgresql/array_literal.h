#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace dsfailover {

/// An array of PostgreSQL as the text of one parameter.
class ArrayLiteral {
  public:
    /// `bytes`: about how many each of `items` takes.
    explicit ArrayLiteral(std::size_t items, std::size_t bytes = 26) {
        text_.reserve(items * bytes + 2);
    }

    void add(std::int64_t number) {
        separate();
        fmt::format_to(std::back_inserter(text_), "{}", number);
    }
    void add(const std::optional<int>& number) {
        number ? add(std::int64_t{*number}) : add(static_cast<const std::string*>(nullptr));
    }
    /// A text; nullptr: NULL.
    void add(const std::string* item) {
        separate();
        if (item == nullptr) {
            text_ += "NULL";
            return;
        }
        text_ += '"';
        for (const char c : *item) {
            if (c == '"' || c == '\\') text_ += '\\';
            text_ += c;
        }
        text_ += '"';
    }
    /// The whole; of none as well.
    std::string take() {
        if (text_.empty()) text_ = '{';
        return std::move(text_ += '}');
    }

  private:
    void separate() { text_ += text_.empty() ? '{' : ','; }
    std::string text_;
};

}  // namespace dsfailover
