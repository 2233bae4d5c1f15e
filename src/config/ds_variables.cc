#include "config/ds_variables.h"

#include <fmt/format.h>

namespace dsfailover {

std::optional<OptionValue> DsVariables::get(std::string_view name) const {
    if (const EnvFile::Assignment* given = file_ ? file_->find(name) : nullptr) {
        if (given->value.empty()) return std::nullopt;
        return OptionValue{given->value, Source::ds_env_file,
                           fmt::format("{}:{}: {}", file_->file(), given->line, name)};
    }
    if (auto value = environment_(name))
        return OptionValue{std::move(*value), Source::ds_environment, std::string(name)};
    return std::nullopt;
}

std::optional<OptionValue> DsVariables::profiles() const {
    if (auto profiles = get("SPRING_PROFILES_ACTIVE")) return profiles;
    auto database = get("DATABASE");
    if (database && database->source == Source::ds_env_file) return database;
    return std::nullopt;
}

}  // namespace dsfailover
