#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace dsfailover {

/// Where a setting was found, in the usual order of precedence (value_sources.h).
enum class Source {
    command_line,
    environment,     ///< DSFAILOVER_*
    config_file,     ///< dsfailover's own files
    ds_env_file,     ///< the assignments of DolphinScheduler's env file
    ds_environment,  ///< its variables in our environment
    ds_config,       ///< its application.yaml
};

/// A value with where it was found, as `dsfailover config` shows it.
struct OptionValue {
    std::string value;
    Source source = Source::command_line;
    std::string origin;  ///< "option --grace", "DSFAILOVER_GRACE", "FILE:3 (--config)"
};

/// The effective options by name without dashes; those given nowhere are missing.
using OptionValues = std::map<std::string, OptionValue, std::less<>>;

/// The value of each option given on the command line, by its name without dashes; "true" for a
/// flag.
using GivenOptions = std::map<std::string, std::string, std::less<>>;

/// Reads environment variables; tests pass a map. An empty variable counts as none.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

/// Where the administrator of a machine puts config.yaml.
inline constexpr std::string_view kSystemFolder = "/etc/dsfailover";

/// Adds DSFAILOVER_* and our own files to what the command line gave, in the precedence of
/// docs/behaviour.md: --config, $XDG_CONFIG_HOME/dsfailover/config.yaml (else in ~/.config),
/// `system_folder`/config.yaml; of the last two those that there are. Reads the files, contacts
/// nothing. Throws UsageError naming the variable, or the file and line, for an unknown option in
/// a file, a value that is not a scalar, and an option that only the command line may give.
OptionValues collect_options(const GivenOptions& given, const Environment& environment,
                             std::string_view system_folder = kSystemFolder);

/// "lock-timeout" -> "DSFAILOVER_LOCK_TIMEOUT".
std::string environment_name(std::string_view option);

/// The value of an option; nullptr if it is given nowhere.
const OptionValue* find(const OptionValues& values, std::string_view name);

/// For messages: "--grace"; for a value from elsewhere "DSFAILOVER_GRACE (--grace)" or
/// "FILE:3 (--config) (--grace)"; for one of DolphinScheduler's own settings its place there.
std::string named(std::string_view option, const OptionValue& value);

/// Whether a flag is set. Throws UsageError for a value that is neither true nor false (also yes,
/// no, on, off, 1, 0).
bool is_set(const OptionValues& values, std::string_view flag);

}  // namespace dsfailover
