#include <fmt/format.h>
#include <fmt/ranges.h>

#include "database/database.h"

namespace dsfailover {

namespace {

constexpr std::string_view kNothing = "1 = 0";

}  // namespace

std::string in_list(Dialect dialect, std::string_view column, std::span<const std::int64_t> values,
                    std::vector<Value>& parameters) {
    if (values.empty()) return std::string(kNothing);
    switch (dialect) {
        case Dialect::postgresql:
            parameters.emplace_back(fmt::format("{{{}}}", fmt::join(values, ",")));
            return fmt::format("{} = ANY (?::bigint[])", column);
        case Dialect::sqlite:
            parameters.emplace_back(fmt::format("[{}]", fmt::join(values, ",")));
            return fmt::format("{} IN (SELECT value FROM json_each(?))", column);
        case Dialect::mysql:
            break;
    }
    return fmt::format("{} IN ({})", column, fmt::join(values, ","));
}

std::string in_list(Dialect, std::string_view column, std::span<const std::string> values,
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
