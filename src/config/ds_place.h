#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/env_file.h"
#include "config/option_values.h"

namespace dsfailover {

/// Where DolphinScheduler's own settings are, as --ds-home, --ds-env and --ds-config say.
struct DsPlace {
    std::optional<OptionValue> config;    ///< the path of application.yaml, and what led to it
    std::optional<OptionValue> env_path;  ///< the same of the env file
    std::optional<EnvFile> env_file;
    std::string home;           ///< --ds-home; empty: not given
    std::string server_folder;  ///< in the home, where its server was started
    std::vector<std::string> warnings;

    /// A file name among DolphinScheduler's settings: a relative one begins in the server's folder,
    /// in the home, or in the folder of the file it stands in, whichever has it.
    std::string path_of(const OptionValue& setting) const;
};

/// Only the options from the strongest source that has one of the three count. Reads the env files,
/// contacts nothing. Throws UsageError naming the option for what is not there or cannot be read.
DsPlace find_ds_place(const OptionValues& options, const Environment& environment);

}  // namespace dsfailover
