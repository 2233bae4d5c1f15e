#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace dsfailover {

/// A text or none, like std::optional<std::string>, in the space of a pointer while it is none and
/// in one block besides when it is one: for what a report may hold a hundred thousand of. Texts are
/// shorter than 4 GiB; what is longer is cut.
class CompactText {
  public:
    CompactText() = default;
    CompactText(std::nullopt_t) {}  // NOLINT(google-explicit-constructor): as std::optional
    template <std::convertible_to<std::string_view> Text>
    CompactText(const Text& text) {  // NOLINT(google-explicit-constructor)
        const std::string_view view = text;
        const auto size = static_cast<std::uint32_t>(view.substr(0, UINT32_MAX).size());
        block_ = std::make_unique_for_overwrite<char[]>(sizeof size + size);
        std::memcpy(block_.get(), &size, sizeof size);
        view.copy(block_.get() + sizeof size, size);
    }
    CompactText(const std::optional<std::string>& text) {  // NOLINT(google-explicit-constructor)
        if (text) *this = CompactText(*text);
    }
    CompactText(const CompactText& other) {
        if (other) *this = CompactText(*other);
    }
    CompactText(CompactText&&) noexcept = default;
    CompactText& operator=(const CompactText& other) { return *this = CompactText(other); }
    CompactText& operator=(CompactText&&) noexcept = default;
    ~CompactText() = default;

    explicit operator bool() const { return block_ != nullptr; }
    /// The text; empty for none.
    std::string_view operator*() const {
        if (!block_) return {};
        std::uint32_t size = 0;
        std::memcpy(&size, block_.get(), sizeof size);
        return {block_.get() + sizeof size, size};
    }
    std::string value_or(std::string_view other) const {
        return std::string(view().value_or(other));
    }
    std::optional<std::string_view> view() const {
        return block_ ? std::optional(**this) : std::nullopt;
    }

    friend bool operator==(const CompactText& text, std::string_view other) {
        return text && *text == other;
    }
    friend std::ostream& operator<<(std::ostream& to, const CompactText& text) {
        return to << (text ? *text : "none");
    }

  private:
    std::unique_ptr<char[]> block_;  // the size, then the text
};

}  // namespace dsfailover
