#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace dsfailover {

namespace {

using Library = nlohmann::ordered_json;

/// What is nested deeper is no message of anybody's, and would take as much of the stack.
constexpr std::size_t kDeepest = 100;

std::string dumped(const Library& value, int indent = -1) {
    return value.dump(indent, ' ', false, Library::error_handler_t::replace);
}

/// Builds a value of what the library reads.
class Reader : public nlohmann::json_sax<Library> {
  public:
    Json take() { return std::move(root_); }

    bool null() override { return add(nullptr); }
    bool boolean(bool truth) override { return add(truth); }
    bool number_integer(std::int64_t number) override { return add(number); }
    bool number_unsigned(std::uint64_t number) override {
        return number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}
                   ? add(static_cast<double>(number))
                   : add(number);
    }
    bool number_float(double number, const std::string&) override { return add(number); }
    bool string(std::string& text) override { return add(std::move(text)); }
    bool binary(binary_t&) override { return false; }  // not in text
    bool start_object(std::size_t) override {
        return open(Json(std::initializer_list<Json::Member>()));
    }
    bool start_array(std::size_t) override { return open(Json(Json::Elements())); }
    bool key(std::string& name) override {
        key_ = std::move(name);
        return true;
    }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

  private:
    bool open(Json value) {
        if (open_.size() == kDeepest) return false;
        open_.push_back(place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }
    bool add(Json value) {
        place(std::move(value));
        return true;
    }
    Json* place(Json value);

    Json root_;
    std::vector<Json*> open_;  // each in the one before, whose vector grows no more meanwhile
    std::string key_;
};

}  // namespace

/// Between a value and the library's.
struct JsonLibrary {
    static Library written(const Json& json) {
        return std::visit([](const auto& value) { return library(value); }, json.value_);
    }
    static auto& value(Json& json) { return json.value_; }

  private:
    template <typename Plain>
    static Library library(const Plain& value) {
        return value;
    }
    static Library library(const Json::Elements& elements) {
        Library array = Library::array();
        for (const Json& element : elements) array.push_back(written(element));
        return array;
    }
    static Library library(const Json::Members& members) {
        Library object = Library::object();
        for (const auto& [name, value] : members) object[name] = written(value);
        return object;
    }
};

namespace {

Json* Reader::place(Json value) {
    if (open_.empty()) {
        root_ = std::move(value);
        return &root_;
    }
    Json& into = *open_.back();
    // find() takes the last of a name; to look for it here would make a long object take for ever.
    if (into.is_object())
        return &std::get<Json::Members>(JsonLibrary::value(into))
                    .emplace_back(Json::Member{std::move(key_), std::move(value)})
                    .value;
    return &std::get<Json::Elements>(JsonLibrary::value(into)).emplace_back(std::move(value));
}

}  // namespace

Json::Json() = default;
Json::Json(std::nullptr_t) {}
Json::Json(bool truth) : value_(truth) {}
Json::Json(double number) : value_(number) {}
Json::Json(const char* text) : value_(std::string(text)) {}
Json::Json(std::string_view text) : value_(std::string(text)) {}
Json::Json(std::string text) : value_(std::move(text)) {}
Json::Json(Elements elements) : value_(std::move(elements)) {}
Json::Json(std::initializer_list<Member> members) : value_(Members(members)) {}
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

bool Json::is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
bool Json::is_object() const { return std::holds_alternative<Members>(value_); }
bool Json::is_array() const { return std::holds_alternative<Elements>(value_); }

const std::string* Json::text() const { return std::get_if<std::string>(&value_); }

std::optional<Json> Json::parse(std::string_view text) {
    Reader reader;
    if (!Library::sax_parse(text, &reader)) return std::nullopt;
    return reader.take();
}

Json Json::parse_object(std::string_view text) {
    auto parsed = parse(text);
    return parsed && parsed->is_object() ? *std::move(parsed) : Json();
}

std::string Json::dump(int indent) const { return dumped(JsonLibrary::written(*this), indent); }

std::optional<bool> Json::flag() const {
    const bool* truth = std::get_if<bool>(&value_);
    return truth ? std::optional(*truth) : std::nullopt;
}

std::optional<std::int64_t> Json::integer() const {
    const auto* number = std::get_if<std::int64_t>(&value_);
    return number ? std::optional(*number) : std::nullopt;
}

std::optional<double> Json::number() const {
    if (const auto* number = std::get_if<double>(&value_)) return *number;
    const auto whole = integer();
    return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

std::span<const Json> Json::elements() const {
    const auto* elements = std::get_if<Elements>(&value_);
    return elements ? std::span<const Json>(*elements) : std::span<const Json>();
}

const Json* Json::find(std::string_view name) const {
    const auto* members = std::get_if<Members>(&value_);
    if (!members) return nullptr;
    const auto last = std::find_if(members->rbegin(), members->rend(),
                                   [&](const Member& member) { return member.name == name; });
    return last == members->rend() ? nullptr : &last->value;
}

const std::string* Json::text(std::string_view name) const {
    const Json* member = find(name);
    return member ? member->text() : nullptr;
}

std::optional<bool> Json::flag(std::string_view name) const {
    const Json* member = find(name);
    return member ? member->flag() : std::nullopt;
}

std::optional<std::int64_t> Json::integer(std::string_view name) const {
    const Json* member = find(name);
    return member ? member->integer() : std::nullopt;
}

Json& Json::operator[](std::string_view name) {
    if (!is_object()) value_ = Members();
    if (const Json* found = std::as_const(*this).find(name)) return const_cast<Json&>(*found);
    auto& members = std::get<Members>(value_);
    return members.emplace_back(Member{std::string(name), Json()}).value;
}

std::string json_string(std::string_view text) { return dumped(Library(text)); }

bool is_plain_json(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

std::string json_library_version() {
    return fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                       NLOHMANN_JSON_VERSION_PATCH);
}

}  // namespace dsfailover
