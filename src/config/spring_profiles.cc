#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "config/spring_config.h"

namespace dsfailover {
namespace {

constexpr int kDeepest = 100;  // brackets in brackets, more than anybody writes

/// expression := all ('|' all)* ; all := one ('&' one)* ; one := '!' one | '(' expression ')' |
/// NAME
class ProfileExpression {
  public:
    ProfileExpression(std::string_view text, const std::vector<std::string>& active)
        : text_(text), rest_(text), active_(active) {}

    bool holds() {
        const bool result = any();
        if (!peek_end()) fail();
        return result;
    }

  private:
    bool any() {
        bool result = all();
        while (take('|')) result = all() || result;
        return result;
    }
    bool all() {
        bool result = operand();
        while (take('&')) result = operand() && result;
        return result;
    }
    bool operand() {
        if (take('!')) return !nested([&] { return operand(); });
        if (take('(')) {
            const bool result = nested([&] { return any(); });
            if (!take(')')) fail();
            return result;
        }
        const std::string_view name =
            rest_.substr(0, std::min(rest_.find_first_of(" \t|&!()"), rest_.size()));
        if (name.empty()) fail();
        rest_.remove_prefix(name.size());
        return std::ranges::find(active_, name) != active_.end();
    }
    template <typename Read>
    bool nested(const Read& read) {
        if (++depth_ > kDeepest) fail();
        const bool result = read();
        --depth_;
        return result;
    }
    bool peek_end() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
        return rest_.empty();
    }
    bool take(char c) {
        if (peek_end() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        peek_end();
        return true;
    }
    [[noreturn]] void fail() const {
        throw UsageError(
            fmt::format("--ds-config: the profile expression '{}' cannot be understood", text_));
    }

    std::string_view text_;
    std::string_view rest_;
    const std::vector<std::string>& active_;
    int depth_ = 0;
};

}  // namespace

bool profile_expression_holds(std::string_view expression,
                              const std::vector<std::string>& active_profiles) {
    // A list of profiles holds if one of them does.
    for (std::size_t start = 0; start <= expression.size();) {
        const auto end = std::min(expression.find(',', start), expression.size());
        std::string_view part = expression.substr(start, end - start);
        part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
        if (ProfileExpression(part, active_profiles).holds()) return true;
        start = end + 1;
    }
    return false;
}

}  // namespace dsfailover
