#pragma once

// How the fields of the report are described: once for each struct, in describe() (fields/*.cc), as
// a list of calls that give a field's name, its value and what it says. Two sinks take these calls:
// one prints the JSON report (json_report.cc), the other makes its schema and docs/report.md
// (tools/reference).

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/compact_text.h"
#include "base/time.h"
#include "report/report.h"

namespace dsfailover {

enum class FieldKind {
    flag,
    number,
    count,       ///< a number that is never below 0
    time,        ///< epoch milliseconds
    instant,     ///< epoch milliseconds, printed as RFC 3339 in UTC
    text,        ///< any text
    sentence,    ///< text that is never empty
    mark_value,  ///< as found: printed as a number where it is one
};

struct FieldType {
    FieldKind kind = FieldKind::text;
    bool nullable = false;
    std::span<const std::string_view> words{};  ///< the only texts it can be; none: any
};

using FieldValue = std::variant<std::nullptr_t, bool, std::int64_t, std::string_view>;

/// Whether an object or a list is there. `always`: it cannot be null.
enum class Presence { always, present, absent };

/// How an object is printed: on one line, or with a line for each field.
enum class Layout { one_line, lines };

class FieldSink {
  public:
    virtual ~FieldSink() = default;

    /// Names the object whose fields are being described, where several fields hold such objects.
    virtual void type(std::string_view name, std::string_view about) = 0;

    void flag(std::string_view name, const auto& it, std::string_view about = {}) {
        put(FieldKind::flag, name, it, about);
    }
    void number(std::string_view name, const auto& it, std::string_view about = {}) {
        put(FieldKind::number, name, it, about);
    }
    void count(std::string_view name, const auto& it, std::string_view about = {}) {
        put(FieldKind::count, name, it, about);
    }
    void time(std::string_view name, const auto& it, std::string_view about = {}) {
        put(FieldKind::time, name, it, about);
    }
    void instant(std::string_view name, EpochMs it, std::string_view about = {}) {
        put(FieldKind::instant, name, it, about);
    }
    void text(std::string_view name, const auto& it, std::string_view about = {}) {
        put(FieldKind::text, name, it, about);
    }
    void sentence(std::string_view name, const auto& it, std::string_view about = {}) {
        put(FieldKind::sentence, name, it, about);
    }
    void mark_value(std::string_view name, const std::optional<std::string>& it,
                    std::string_view about = {}) {
        put(FieldKind::mark_value, name, it, about);
    }
    /// One of the words of an enum of words.h.
    template <typename Word>
    void word(std::string_view name, Word it, std::string_view about = {}) {
        put(FieldKind::text, name, to_string(it), about, words_of<Word>());
    }
    /// One of the texts given.
    void one_of(std::string_view name, std::initializer_list<std::string_view> words,
                const auto& it, std::string_view about = {}) {
        put(FieldKind::text, name, it, about, {words.begin(), words.size()});
    }

    /// An array of texts, or of numbers, on one line.
    void texts(std::string_view name, const std::vector<std::string>& list,
               std::string_view about = {});
    void numbers(std::string_view name, const std::vector<std::int64_t>& list,
                 std::string_view about = {});
    /// An array of sentences, with a line for each.
    void sentences(std::string_view name, const std::vector<std::string>& list,
                   std::string_view about = {});
    /// An object with a count for each word.
    template <typename Word>
    void counts(std::string_view name, const std::map<Word, std::int64_t>& list,
                std::string_view about = {}) {
        if (!begin_map(name, about, words_of<Word>(), Layout::one_line)) return;
        if (only_describes()) count("", 0);
        for (const auto& [word, found] : list) count(to_string(word), found);
        end_object();
    }

    /// An object with the fields that describe() gives for it; null where there is none.
    template <typename Struct>
    void object(std::string_view name, const std::optional<Struct>& it, std::string_view about = {},
                Layout layout = Layout::one_line) {
        object(name, it, about, layout,
               [](FieldSink& to, const Struct& found) { describe(to, found); });
    }
    /// Likewise, described by a function of its own.
    template <typename Struct>
    void object(std::string_view name, const std::optional<Struct>& it, std::string_view about,
                Layout layout, auto describer) {
        const Presence presence = it ? Presence::present : Presence::absent;
        if (!begin_object(name, about, presence, layout)) return;
        if (it)
            describer(*this, *it);
        else
            describer(*this, Struct());
        end_object();
    }
    /// An object that cannot be null, its fields described by `describer(sink)`.
    void part(std::string_view name, std::string_view about, Layout layout, auto describer) {
        if (!begin_object(name, about, Presence::always, layout)) return;
        describer(*this);
        end_object();
    }
    /// An object whose keys are data: `describer(sink, value)` for each entry of `map`.
    template <typename Value>
    void map(std::string_view name, const std::map<int, Value>& map, std::string_view about,
             auto describer) {
        if (!begin_map(name, about, {}, Layout::lines)) return;
        const auto entry = [&](const std::string& key, const Value& value) {
            begin_object(key, {}, Presence::always, Layout::one_line);
            describer(*this, value);
            end_object();
        };
        if (only_describes()) entry("", Value());
        for (const auto& [key, value] : map) entry(std::to_string(key), value);
        end_object();
    }

    /// An array of objects.
    template <typename Item>
    void list(std::string_view name, const std::vector<Item>& items, std::string_view about = {},
              Layout layout = Layout::one_line) {
        list(name, Presence::always, items, about, layout);
    }
    /// Likewise; null where there is none.
    template <typename Item>
    void list(std::string_view name, const std::optional<std::vector<Item>>& items,
              std::string_view about = {}, Layout layout = Layout::one_line) {
        if (items) return list(name, Presence::present, *items, about, layout);
        list(name, Presence::absent, std::vector<Item>(), about, layout);
    }
    /// An array, and NAME_omitted: how many more there are.
    template <typename Item>
    void list(const std::string& name, const Items<Item>& items, std::string_view about = {},
              Layout layout = Layout::one_line) {
        list(name, Presence::always, items.kept(), about, layout);
        count(name + "_omitted", items.omitted());
    }
    /// An object {total, items, items_omitted}.
    template <typename Item>
    void counted(std::string_view name, const Items<Item>& items, std::string_view about = {}) {
        part(name, about, Layout::lines, [&](FieldSink& to) {
            to.count("total", items.total());
            to.list("items", items);
        });
    }

    /// The fields of a struct among those around it; each is null where there is none.
    template <typename Struct>
    void section(const std::optional<Struct>& it) {
        begin_section(it.has_value());
        if (it)
            describe(*this, *it);
        else
            describe(*this, Struct());
        end_section();
    }

  private:
    virtual void value(std::string_view name, std::string_view about, const FieldType& type,
                       const FieldValue& value) = 0;
    /// Whether the fields are wanted; if so, end_object() follows them. The same for lists.
    virtual bool begin_object(std::string_view name, std::string_view about, Presence presence,
                              Layout layout) = 0;
    /// An object of which the keys are data.
    virtual bool begin_map(std::string_view name, std::string_view about,
                           std::span<const std::string_view> keys, Layout layout) = 0;
    virtual void end_object() = 0;
    virtual bool begin_list(std::string_view name, std::string_view about, Presence presence,
                            Layout layout) = 0;
    virtual void end_list() = 0;
    virtual void begin_section(bool present) = 0;
    virtual void end_section() = 0;
    /// True of a sink that wants each field once, whatever there is.
    virtual bool only_describes() const { return false; }

    template <typename T>
    static FieldValue as_value(const T& it) {
        if constexpr (std::is_same_v<T, bool>)
            return it;
        else if constexpr (std::is_integral_v<T>)
            return static_cast<std::int64_t>(it);
        else
            return std::string_view(it);
    }
    template <typename T>
    void put(FieldKind kind, std::string_view name, const T& it, std::string_view about,
             std::span<const std::string_view> words = {}) {
        value(name, about, {kind, false, words}, as_value(it));
    }
    template <typename T>
    void put(FieldKind kind, std::string_view name, const std::optional<T>& it,
             std::string_view about, std::span<const std::string_view> words = {}) {
        value(name, about, {kind, true, words}, it ? as_value(*it) : FieldValue(nullptr));
    }
    void put(FieldKind kind, std::string_view name, const CompactText& it, std::string_view about) {
        put(kind, name, it.view(), about);
    }
    template <typename Item>
    void list(std::string_view name, Presence presence, const std::vector<Item>& items,
              std::string_view about, Layout layout) {
        if (!begin_list(name, about, presence, Layout::lines)) return;
        const auto put_item = [&](const Item& item) {
            begin_object({}, {}, Presence::always, layout);
            describe(*this, item);
            end_object();
        };
        if (only_describes()) put_item(Item());
        for (const Item& item : items) put_item(item);
        end_list();
    }
};

}  // namespace dsfailover
