#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "map_environment.h"

namespace dsfailover {

/// The settings that come of these options and variables alone, without this machine's files.
inline Settings resolve(const GivenOptions& given, const Variables& variables = {}) {
    const Environment environment = environment_of(variables);
    return resolve_settings(collect_options(given, environment, "/nowhere"), environment);
}

inline std::string origin_of(const Settings& settings, std::string_view name) {
    for (const SettingOrigin& setting : settings.origins)
        if (setting.name == name) return setting.origin;
    return "(none)";
}

}  // namespace dsfailover
