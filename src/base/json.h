#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dsfailover {

/// A value of JSON. The library that reads and writes it is seen by json.cc alone: it takes a
/// compiler two to five seconds.
///
/// Written: `Json value = {{"name", "x"}, {"count", 3}, {"inner", {{"flag", true}}}};`, members in
/// that order. Read: nothing throws, what is not there or of another kind is nullptr or nullopt.
class Json {
  public:
    struct Member;
    using Elements = std::vector<Json>;
    using Members = std::vector<Member>;

    Json();  ///< null
    Json(std::nullptr_t);
    Json(bool truth);
    template <std::integral Integer>
    Json(Integer number);
    Json(double number);
    Json(const char* text);
    template <typename Other>
    Json(const Other* pointer) = delete;  ///< it would be taken for true
    Json(std::string_view text);
    Json(std::string text);
    Json(Elements elements);
    Json(std::initializer_list<Member> members);  ///< an object
    Json(const Json& other);
    Json(Json&& other) noexcept;
    Json& operator=(const Json& other);
    Json& operator=(Json&& other) noexcept;
    ~Json();

    /// nullopt: it is not JSON, or nested deeper than a hundred times. Of members of one name the
    /// last counts.
    static std::optional<Json> parse(std::string_view text);
    /// The same where only an object is of use: null if it is none.
    static Json parse_object(std::string_view text);

    /// As text; with `indent`, on several lines. What is not UTF-8 becomes U+FFFD.
    std::string dump(int indent = -1) const;

    bool is_null() const;
    bool is_object() const;
    bool is_array() const;

    const std::string* text() const;
    std::optional<bool> flag() const;
    /// A number without fraction and exponent that fits.
    std::optional<std::int64_t> integer() const;
    /// Any number, rounded where that is needed.
    std::optional<double> number() const;
    /// Empty if it is no array.
    std::span<const Json> elements() const;

    /// The member of that name of an object.
    const Json* find(std::string_view name) const;
    /// What the member holds.
    const std::string* text(std::string_view name) const;
    std::optional<bool> flag(std::string_view name) const;
    std::optional<std::int64_t> integer(std::string_view name) const;

    /// The member to be written, made where there is none, up to when the next one is made. This
    /// becomes an object if it was not.
    Json& operator[](std::string_view name);

  private:
    friend struct JsonLibrary;

    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Elements, Members> value_;
};

struct Json::Member {
    std::string name;
    Json value;
};

template <std::integral Integer>
Json::Json(Integer number) : value_(static_cast<std::int64_t>(number)) {}

/// A text as JSON, in quotation marks. What is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

/// Whether it is the same between quotation marks: ASCII without controls, quotation marks and
/// backslashes.
bool is_plain_json(std::string_view text);

/// The library's version.
std::string json_library_version();

}  // namespace dsfailover
