#include "report/json_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace dsfailover {
namespace {

/// Appends valid JSON, with those controls escaped that JSON allows and a terminal obeys: DEL and
/// C1.
void append_harmless(std::string_view json, std::string& to) {
    for (std::size_t i = 0; i < json.size(); ++i) {
        const auto byte = static_cast<unsigned char>(json[i]);
        const auto next = static_cast<unsigned char>(i + 1 < json.size() ? json[i + 1] : '\0');
        if (byte == 0x7F)
            to += "\\u007f";
        else if (byte == 0xC2 && next <= 0x9F)
            to += fmt::format("\\u{:04x}", static_cast<unsigned char>(json[++i]));
        else
            to += json[i];
    }
}

}  // namespace

void JsonWriter::new_line() {
    out_ += '\n';
    out_.append(static_cast<std::size_t>(depth_) * 2, ' ');
}

/// What stands between the member before and this one.
void JsonWriter::separate() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (!first_) out_ += ',';
    if (depth_ > 0) {
        if (inline_depth_ == 0)
            new_line();
        else if (!first_)
            out_ += ' ';
    }
    first_ = false;
}

void JsonWriter::open(char bracket, Style style) {
    separate();
    out_ += bracket;
    ++depth_;
    if (inline_depth_ > 0 || style == Style::inline_) ++inline_depth_;
    first_ = true;
}

void JsonWriter::close(char bracket) {
    --depth_;
    if (inline_depth_ > 0)
        --inline_depth_;
    else if (!first_)
        new_line();
    out_ += bracket;
    first_ = false;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    value(name);
    out_ += ": ";
    after_key_ = true;
    return *this;
}

void JsonWriter::value(std::nullptr_t) {
    separate();
    out_ += "null";
}

void JsonWriter::value(bool truth) {
    separate();
    out_ += truth ? "true" : "false";
}

void JsonWriter::value(std::int64_t number) {
    separate();
    out_ += std::to_string(number);
}

void JsonWriter::value(std::string_view text) {
    separate();
    if (is_plain_json(text)) {
        out_ += '"';
        out_ += text;
        out_ += '"';
        return;
    }
    append_harmless(json_string(text), out_);
}

}  // namespace dsfailover
