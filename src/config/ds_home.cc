#include "config/ds_home.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"

namespace dsfailover {
namespace {

constexpr std::string_view kServers[] = {"master-server", "standalone-server", "api-server",
                                         "worker-server", ""};

std::string below(std::string_view folder, std::string_view name) {
    return (std::filesystem::path(folder) / name).string();
}

std::string conf_of(std::string_view server_folder, std::string_view name) {
    return below(below(server_folder, "conf"), name);
}

/// The file where it exists, else nothing.
std::string if_there(const std::string& file) { return file_exists(file) ? file : ""; }

/// "line 12", or that it is not there.
std::string line_in(const EnvFile& file, const std::string& name) {
    const EnvFile::Assignment* found = file.find(name);
    return found == nullptr ? "not set" : fmt::format("line {}", found->line);
}

}  // namespace

bool file_exists(const std::string& file) {
    // Where even that may not be asked, opening it will say why.
    std::error_code error;
    return std::filesystem::exists(file, error) || error;
}

DsHome find_ds_home(const std::string& folder, std::string_view option) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored))
        throw UsageError(fmt::format("{} {}: there is no such folder", option, folder));
    DsHome home;
    for (const std::string_view server : kServers) {
        const std::string its_folder = server.empty() ? folder : below(folder, server);
        if (home.config.empty()) home.config = if_there(conf_of(its_folder, "application.yaml"));
        if (home.env_file.empty() && (server == kServers[0] || !home.config.empty()))
            home.env_file = if_there(conf_of(its_folder, kEnvFileName));
        if (home.server_folder.empty() && !(home.config.empty() && home.env_file.empty()))
            home.server_folder = its_folder;
        if (!home.config.empty()) break;
    }
    const std::string to_come = if_there(below(below(folder, "bin/env"), kEnvFileName));
    if (home.env_file.empty())
        home.env_file = to_come;
    else
        home.env_file_to_come = to_come;
    if (home.server_folder.empty()) home.server_folder = folder;
    if (home.config.empty() && home.env_file.empty())
        throw UsageError(fmt::format(
            "{} {}: this is not an installation of DolphinScheduler: it has neither "
            "master-server/conf/application.yaml (nor that of a standalone-, api- or "
            "worker-server) nor bin/env/{}; name its files with --ds-config and --ds-env",
            option, folder, kEnvFileName));
    return home;
}

std::optional<std::string> differences(const EnvFile& used, const EnvFile& to_come) {
    std::set<std::string> names;
    for (const EnvFile* file : {&used, &to_come})
        for (std::string& name : file->read_names()) names.insert(std::move(name));
    std::vector<std::string> different;
    for (const std::string& name : names) {
        const EnvFile::Assignment *before = used.find(name), *other = to_come.find(name);
        if (before == nullptr || other == nullptr || before->value != other->value)
            different.push_back(fmt::format("{} ({}, and {} in the other)", name,
                                            line_in(used, name), line_in(to_come, name)));
    }
    if (different.empty()) return std::nullopt;
    return fmt::format(
        "{} and {} differ in {}: the former is used, with which the running server was started; "
        "its next start copies the latter over it",
        used.file(), to_come.file(), fmt::join(different, ", "));
}

}  // namespace dsfailover
