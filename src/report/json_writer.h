#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dsfailover {

/// Writes one JSON text piece by piece to the end of a string, without holding it as a tree.
/// Containers opened `inline_` are written on one line, those inside them too; others get a line
/// for each member. Keys and values must alternate.
class JsonWriter {
  public:
    enum class Style { lines, inline_ };

    explicit JsonWriter(std::string& out) : out_(out) {}

    void begin_object(Style style = Style::lines) { open('{', style); }
    void end_object() { close('}'); }
    void begin_array(Style style = Style::lines) { open('[', style); }
    void end_array() { close(']'); }
    JsonWriter& key(std::string_view name);

    void value(std::nullptr_t);
    void value(bool truth);
    void value(std::int64_t number);
    /// Bytes that are not UTF-8 become U+FFFD.
    void value(std::string_view text);
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(const char* text) { value(std::string_view(text)); }
    /// null where there is none.
    template <typename T>
    void value(const std::optional<T>& optional) {
        if (optional)
            value(*optional);
        else
            value(nullptr);
    }
    template <typename T>
    void field(std::string_view name, const T& content) {
        key(name).value(content);
    }

  private:
    void open(char bracket, Style style);
    void close(char bracket);
    void separate();
    void new_line();

    std::string& out_;
    int depth_ = 0;
    int inline_depth_ = 0;  // how many of the open containers are on one line
    bool first_ = true;     // nothing written in the innermost container yet
    bool after_key_ = false;
};

}  // namespace dsfailover
