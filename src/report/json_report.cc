#include <charconv>
#include <ostream>

#include "report/fields/describe.h"
#include "report/json_writer.h"
#include "report/print_report.h"

namespace dsfailover {
namespace {

/// The number a mark's value is, if it is one.
std::optional<std::int64_t> as_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return std::to_string(number) == text ? std::optional(number) : std::nullopt;
}

/// Writes the report's fields as they are described, through a bounded buffer.
class JsonReport : public FieldSink {
  public:
    explicit JsonReport(std::ostream& out) : out_(out) {}

    void print(const Report& report, JsonWriter::Style style) {
        json_.begin_object(style);
        describe(*this, report);
        json_.end_object();
        buffer_ += '\n';
        out_ << buffer_;
    }

    void type(std::string_view /*name*/, std::string_view /*about*/) override {}

  private:
    void value(std::string_view name, std::string_view /*about*/, const FieldType& type,
               const FieldValue& value) override {
        if (!name.empty()) json_.key(name);
        if (absent_) return json_.value(nullptr);
        if (const auto* number = std::get_if<std::int64_t>(&value);
            number && type.kind == FieldKind::instant)
            return json_.value(format_rfc3339(*number));
        if (const auto* text = std::get_if<std::string_view>(&value);
            text && type.kind == FieldKind::mark_value)
            if (const auto number = as_number(*text)) return json_.value(*number);
        std::visit([this](const auto& content) { json_.value(content); }, value);
    }

    bool begin_object(std::string_view name, std::string_view /*about*/, Presence presence,
                      Layout layout) override {
        if (!begin(name, presence)) return false;
        json_.begin_object(style(layout));
        return true;
    }
    bool begin_map(std::string_view name, std::string_view about,
                   std::span<const std::string_view> /*keys*/, Layout layout) override {
        return begin_object(name, about, Presence::always, layout);
    }
    void end_object() override {
        json_.end_object();
        spill();
    }
    bool begin_list(std::string_view name, std::string_view /*about*/, Presence presence,
                    Layout layout) override {
        if (!begin(name, presence)) return false;
        json_.begin_array(style(layout));
        return true;
    }
    void end_list() override { json_.end_array(); }

    // Sections stand within sections: an inner one is absent where the outer one is.
    void begin_section(bool present) override {
        outer_.push_back(absent_);
        absent_ = absent_ || !present;
    }
    void end_section() override {
        absent_ = outer_.back();
        outer_.pop_back();
    }

    bool begin(std::string_view name, Presence presence) {
        if (!name.empty()) json_.key(name);
        if (!absent_ && presence != Presence::absent) return true;
        json_.value(nullptr);
        return false;
    }
    static JsonWriter::Style style(Layout layout) {
        return layout == Layout::lines ? JsonWriter::Style::lines : JsonWriter::Style::inline_;
    }
    void spill() {
        if (buffer_.size() < 1 << 16) return;
        out_ << buffer_;
        buffer_.clear();
    }

    std::ostream& out_;
    std::string buffer_;
    JsonWriter json_{buffer_};
    bool absent_ = false;  ///< in a section that is not there
    std::vector<bool> outer_;
};

}  // namespace

void print_json_report(const Report& report, std::ostream& out, JsonWriter::Style style) {
    JsonReport(out).print(report, style);
}

}  // namespace dsfailover
