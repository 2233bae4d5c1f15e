#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace dsfailover {

/// The prepared statements of a connection by their SQL. Statements with long lists, which hardly
/// come again, do not pile up here.
template <typename Statement>
class StatementCache {
  public:
    /// The statement for `sql`, made by `prepare` where it is new. Valid until the next call.
    template <typename Prepare>
    Statement& get(std::string_view sql, const Prepare& prepare) {
        if (const auto known = statements_.find(sql); known != statements_.end()) {
            return known->second;
        }
        if (sql.size() > kLongest) return long_statement_.emplace(prepare());
        if (statements_.size() >= kLimit) statements_.clear();
        return statements_.emplace(std::string(sql), prepare()).first->second;
    }
    void clear() {
        statements_.clear();
        long_statement_.reset();
    }

  private:
    static constexpr std::size_t kLimit = 64;
    static constexpr std::size_t kLongest = 4096;
    std::map<std::string, Statement, std::less<>> statements_;
    std::optional<Statement> long_statement_;
};

}  // namespace dsfailover
