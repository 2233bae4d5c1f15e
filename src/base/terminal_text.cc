#include "base/terminal_text.h"

#include <algorithm>

#include "base/json.h"

namespace dsfailover {
namespace {

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// The code point that starts at `at` in valid UTF-8; moves `at` behind it.
char32_t next_code_point(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    char32_t code = lead & (0x3Fu >> more);
    for (int i = 0; i < more && at < text.size(); ++i)
        code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
    return code;
}

bool is_wide(char32_t code) {
    return (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
           (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
           (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
           (code >= 0xFFE0 && code <= 0xFFE6) || (code >= 0x1F300 && code <= 0x1FAFF) ||
           (code >= 0x20000 && code <= 0x3FFFD);
}

/// Controls, and the marks that turn the direction of the text around.
bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    // A round trip through JSON makes it valid UTF-8.
    const auto valid = Json::parse(json_string(text));
    const std::string& utf8 = *valid.value().text();
    std::string result;
    for (std::size_t at = 0; at < utf8.size();) {
        const std::size_t begin = at;
        if (is_control(next_code_point(utf8, at)))
            result += '?';
        else
            result.append(utf8, begin, at - begin);
    }
    return result;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find_first_of("\r\n"));
}

std::size_t columns(std::string_view text) {
    std::size_t result = 0;
    for (std::size_t at = 0; at < text.size();)
        result += is_wide(next_code_point(text, at)) ? 2 : 1;
    return result;
}

std::string cut_to_columns(const std::string& text, std::size_t width) {
    if (columns(text) <= width) return text;
    std::size_t kept = 0, taken = 1;  // the ellipsis takes one
    for (std::size_t at = 0; at < text.size();) {
        taken += is_wide(next_code_point(text, at)) ? 2 : 1;
        if (taken > width) break;
        kept = at;
    }
    return text.substr(0, kept) + "…";
}

}  // namespace dsfailover
