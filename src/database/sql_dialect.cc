#include "database/sql_dialect.h"

#include <fmt/format.h>

namespace dsfailover {

namespace {

constexpr std::string_view kNothing = "1 = 0";

}  // namespace

std::string SqlDialect::in_list(std::string_view column, std::span<const std::int64_t> ids,
                                std::vector<Value>& parameters) const {
    return ids.empty() ? std::string(kNothing) : in_ids(column, ids, parameters);
}

std::string in_list(std::string_view column, std::span<const std::string> values,
                    std::vector<Value>& parameters) {
    if (values.empty()) return std::string(kNothing);
    std::string condition = fmt::format("{} IN (", column);
    condition.reserve(condition.size() + 2 * values.size());
    for (const std::string& value : values) {
        condition += "?,";
        parameters.emplace_back(value);
    }
    condition.back() = ')';
    return condition;
}

}  // namespace dsfailover
