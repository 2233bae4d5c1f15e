#include "config/ds_place.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "config/ds_home.h"

namespace dsfailover {
namespace {

using std::filesystem::path;

constexpr const char* kHome = "ds-home";
constexpr const char* kEnv = "ds-env";
constexpr const char* kConfig = "ds-config";

/// The options that name the place: all from one source, so that no two places get mixed.
OptionValues place_options(const OptionValues& options) {
    OptionValues result;
    for (const char* name : {kHome, kEnv, kConfig}) {
        const OptionValue* given = find(options, name);
        if (given == nullptr) continue;
        if (!result.empty() && given->source < result.begin()->second.source) result.clear();
        if (result.empty() || given->source == result.begin()->second.source)
            result.emplace(name, *given);
    }
    return result;
}

std::optional<OptionValue> found(const std::string& file, const OptionValue& by) {
    if (file.empty()) return std::nullopt;
    return OptionValue{file, by.source, by.origin};
}

void read_env_file(DsPlace& place, const Environment& environment, const std::string& option) {
    place.env_file.emplace(place.env_path->value, environment, option);
    for (const std::string& warning : place.env_file->warnings()) place.warnings.push_back(warning);
}

/// What the next start of the servers would change.
void compare(DsPlace& place, const std::string& to_come, const Environment& environment) {
    try {
        if (auto warning = differences(*place.env_file, EnvFile(to_come, environment, "--ds-home")))
            place.warnings.push_back(*warning);
    } catch (const UsageError& error) {
        place.warnings.push_back(
            fmt::format("{}; {} is used", error.what(), place.env_file->file()));
    }
}

}  // namespace

DsPlace find_ds_place(const OptionValues& options, const Environment& environment) {
    DsPlace place;
    const OptionValues given = place_options(options);
    const bool none_beside = is_set(options, "no-ds-env");
    const OptionValue *home = find(given, kHome), *env = find(given, kEnv),
                      *config = find(given, kConfig);
    const OptionValue* no_env = find(options, "no-ds-env");
    if (none_beside && env != nullptr && env->source == no_env->source)
        throw UsageError(fmt::format("{} and {} exclude each other", named(kEnv, *env),
                                     named("no-ds-env", *no_env)));
    DsHome files;
    if (home != nullptr) {
        files = find_ds_home(home->value, named(kHome, *home));
        place.home = home->value;
        place.server_folder = files.server_folder;
        place.config = found(files.config, *home);
        if (!none_beside) place.env_path = found(files.env_file, *home);
    }
    if (config != nullptr) {
        place.config = *config;
        const std::string beside = (path(config->value).parent_path() / kEnvFileName).string();
        if (home == nullptr && !none_beside && file_exists(beside))
            place.env_path = found(beside, *config);
    }
    if (env != nullptr) place.env_path = *env;
    if (place.env_path) {
        const char* by = env != nullptr ? kEnv : home != nullptr ? kHome : kConfig;
        read_env_file(place, environment, named(by, *find(given, by)));
        if (env == nullptr && !files.env_file_to_come.empty())
            compare(place, files.env_file_to_come, environment);
    }
    return place;
}

std::string DsPlace::path_of(const OptionValue& setting) const {
    if (path(setting.value).is_absolute()) return setting.value;
    std::vector<path> folders;
    if (!home.empty()) folders = {server_folder, home};
    if (setting.source == Source::ds_env_file)
        folders.push_back(path(env_path->value).parent_path());
    if (setting.source == Source::ds_config) folders.push_back(path(config->value).parent_path());
    for (const path& folder : folders)
        if (file_exists((folder / setting.value).string()))
            return (folder / setting.value).string();
    return folders.empty() ? setting.value : (folders.front() / setting.value).string();
}

}  // namespace dsfailover
