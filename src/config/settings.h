#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/option_values.h"
#include "database/database_settings.h"
#include "registry/registry_settings.h"

namespace dsfailover {

/// One effective setting and where it came from, for `dsfailover config`.
struct SettingOrigin {
    std::string name;    ///< option name without dashes, e.g. "registry"
    std::string value;   ///< "(hidden)" for secrets
    std::string origin;  ///< "option --registry", "DSFAILOVER_REGISTRY", "FILE:3 (--config)",
                         ///< "SPRING_DATASOURCE_URL", "FILE:12: SPRING_DATASOURCE_URL",
                         ///< "FILE:8: spring.datasource.url", "default"
};

/// What a run works with, from options, environment and files, in the precedence of
/// docs/behaviour.md.
struct Settings {
    std::optional<RegistrySettings> registry;
    std::optional<DatabaseSettings> database;
    std::string time_zone = "UTC";
    bool zone_is_own = false;  ///< from --time-zone, DSFAILOVER_TIME_ZONE or our own files
    std::vector<SettingOrigin> origins;
    std::vector<std::string> warnings;  ///< e.g. a password in a URL
    std::vector<std::string> ds_files;  ///< those of DolphinScheduler's that were read
};

/// Resolves registry, database and time zone from the options (see collect_options) and from
/// DolphinScheduler's own configuration, in the order of SourceOrder. Contacts nothing. Throws
/// UsageError for what cannot be understood; what is not configured stays empty (require_registry
/// and require_database say so where it is needed).
///
/// User and password are settings of their own: those of DolphinScheduler's configuration are
/// used with a --database URL that names no user, or the same one.
///
/// The time zone is --time-zone; else the one a MySQL JDBC URL gives the driver
/// (serverTimezone, connectionTimeZone), because the driver then writes the wall clock of that
/// zone; else spring.jackson.time-zone, the zone of the masters' JVM; else UTC. A JDBC registry in
/// a database of its own goes by its own URL in the place of the workflows'.
///
/// Our registry session lasts 10 s whatever the masters' session-timeout is, so that a killed run
/// bars the next only briefly; session-timeout in a --registry URL changes it. Their
/// connection-timeout is ours too.
Settings resolve_settings(const OptionValues& options, const Environment& environment);

/// The settings, or a UsageError that shows how to configure them.
const RegistrySettings& require_registry(const Settings& settings);
const DatabaseSettings& require_database(const Settings& settings);

}  // namespace dsfailover
