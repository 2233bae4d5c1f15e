#include "database/placeholders.h"

#include <algorithm>

namespace dsfailover {

namespace {

constexpr auto kEnd = std::string_view::npos;

bool is_name_part(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// The place behind `terminator`, or the end of the text.
std::size_t behind(std::string_view sql, std::string_view terminator, std::size_t from) {
    const auto found = sql.find(terminator, from);
    return found == kEnd ? sql.size() : found + terminator.size();
}

// E'...' takes a backslash as an escape; a doubled quote is simply the next literal.
std::size_t behind_literal(std::string_view sql, std::size_t start) {
    const bool escapes = start > 0 && (sql[start - 1] == 'E' || sql[start - 1] == 'e') &&
                         (start < 2 || !is_name_part(sql[start - 2]));
    for (std::size_t i = start + 1; i < sql.size(); ++i) {
        if (escapes && sql[i] == '\\') {
            ++i;
        } else if (sql[i] == '\'') {
            return i + 1;
        }
    }
    return sql.size();
}

// PostgreSQL's block comments nest.
std::size_t behind_block_comment(std::string_view sql, std::size_t start) {
    std::size_t depth = 0, i = start;
    while (i < sql.size()) {
        const std::string_view two = sql.substr(i, 2);
        if (two == "/*") {
            ++depth;
            i += 2;
        } else if (two == "*/") {
            i += 2;
            if (--depth == 0) return i;
        } else {
            ++i;
        }
    }
    return sql.size();
}

// $tag$ ... $tag$; a dollar that starts no tag stands for itself.
std::size_t behind_dollar_quote(std::string_view sql, std::size_t start) {
    if (start > 0 && is_name_part(sql[start - 1])) return start + 1;
    const auto close = sql.find('$', start + 1);
    if (close == kEnd) return start + 1;
    const std::string_view tag = sql.substr(start + 1, close - start - 1);
    const bool starts_with_digit = !tag.empty() && tag.front() >= '0' && tag.front() <= '9';
    if (starts_with_digit || !std::all_of(tag.begin(), tag.end(), is_name_part)) return start + 1;
    return behind(sql, sql.substr(start, close - start + 1), close + 1);
}

// Where the part that begins at `start` ends, if it is one that hides question marks.
std::size_t behind_part(std::string_view sql, std::size_t start) {
    const std::string_view two = sql.substr(start, 2);
    if (two == "--") return behind(sql, "\n", start);
    if (two == "/*") return behind_block_comment(sql, start);
    switch (sql[start]) {
        case '\'':
            return behind_literal(sql, start);
        case '"':
            return behind(sql, "\"", start + 1);
        case '$':
            return behind_dollar_quote(sql, start);
        default:
            return start + 1;
    }
}

}  // namespace

NumberedSql number_placeholders(std::string_view sql) {
    NumberedSql result;
    for (std::size_t i = 0; i < sql.size();) {
        if (sql[i] == '?') {
            result.sql += '$' + std::to_string(++result.placeholders);
            ++i;
            continue;
        }
        const std::size_t end = behind_part(sql, i);
        result.sql.append(sql.substr(i, end - i));
        i = end;
    }
    return result;
}

}  // namespace dsfailover
