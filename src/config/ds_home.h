#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/env_file.h"

namespace dsfailover {

/// The files of an installation of DolphinScheduler that say where its cluster is.
struct DsHome {
    /// Where its master runs, or the first of the servers that there is: relative paths of its
    /// settings begin here.
    std::string server_folder;
    std::string config;            ///< its application.yaml; empty: there is none
    std::string env_file;          ///< what the server was started with; empty: there is none
    std::string env_file_to_come;  ///< what the next start copies over it; empty: none beside it
};

/// Looks for them: SERVER/conf of master-server, standalone-server, api-server and worker-server,
/// conf itself, as containers have it, and bin/env. Throws UsageError naming the folder, and
/// `option` that named it, where it is not an installation.
DsHome find_ds_home(const std::string& folder, std::string_view option);

/// A warning that names the lines where two env files give different values to variables that are
/// read, of which `used` is the one that counts; nullopt: there are none.
std::optional<std::string> differences(const EnvFile& used, const EnvFile& to_come);

/// Whether there is such a file.
bool file_exists(const std::string& file);

/// The name of DolphinScheduler's own env file.
inline constexpr std::string_view kEnvFileName = "dolphinscheduler_env.sh";

}  // namespace dsfailover
