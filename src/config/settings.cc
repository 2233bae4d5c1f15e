#include "config/settings.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "config/database_url.h"
#include "config/ds_registry.h"
#include "config/password.h"
#include "config/registry_url.h"
#include "config/spring_config.h"

namespace dsfailover {
namespace {

constexpr std::string_view kHidden = "(hidden)";

constexpr std::string_view kHowToRegistry =
    "give --registry zookeeper://HOST:2181/dolphinscheduler (or "
    "etcd://HOST:2379/dolphinscheduler, or jdbc), or set DSFAILOVER_REGISTRY";
constexpr std::string_view kHowToDatabase =
    "give --database postgresql://USER@HOST:5432/dolphinscheduler (or mysql://..., sqlite:FILE, or "
    "the jdbc: URL of DolphinScheduler), or set DSFAILOVER_DATABASE";
constexpr std::string_view kOrDsConfig =
    "; or give DolphinScheduler's own configuration with --ds-config application.yaml";

SpringConfig read_spring_config(const OptionValues& options, const Environment& environment) {
    const OptionValue* profile = find(options, "profile");
    if (const OptionValue* file = find(options, "ds-config"))
        return SpringConfig(file->value, profile == nullptr ? "" : profile->value, environment);
    SpringConfig without_file(environment);
    if (profile != nullptr)
        without_file.warn(named("profile", *profile) +
                          " is not used: it chooses documents of --ds-config, which is not given");
    return without_file;
}

std::optional<OptionValue> either(const OptionValue* option,
                                  const std::optional<OptionValue>& other) {
    return option != nullptr ? *option : other;
}

/// That the password in this URL should be elsewhere.
std::string password_in_url_warning(const OptionValue& url, std::string_view option) {
    return fmt::format(
        "{}: the URL holds a password{}; put it into a file, or into a variable of "
        "the environment of its own",
        named(option, url),
        url.source == Source::command_line
            ? ", which others can see in the process list and in shell histories"
            : "");
}

/// Puts the settings together; one object per resolve_settings().
class Resolver {
  public:
    Resolver(const OptionValues& options, const Environment& environment)
        : options_(options),
          environment_(environment),
          spring_(read_spring_config(options, environment)) {}

    Settings resolve() {
        add_warnings(spring_.warnings());
        resolve_database();
        resolve_registry();
        resolve_time_zone();
        return std::move(settings_);
    }

  private:
    void note(std::string name, std::string value, std::string origin) {
        settings_.origins.push_back({std::move(name), std::move(value), std::move(origin)});
    }

    /// Fills in user and password where the URL has none, and says where they are from. `user` and
    /// `ds_password` are those of options and of DolphinScheduler's configuration; `type` is the
    /// database's they are for.
    void apply_credentials(std::string_view what, const OptionValue& url, bool password_in_url,
                           const std::optional<OptionValue>& user,
                           const std::optional<OptionValue>& ds_password,
                           std::optional<DatabaseType> type, std::string& url_user,
                           Secret& url_password) {
        const std::string option(what);
        const bool user_is_of_url = !url_user.empty();
        const bool same_user = !user_is_of_url || !user || user->value == url_user;
        if (user && (!user_is_of_url || user->source < url.source)) url_user = user->value;
        if (!url_user.empty())
            note(option + "-user", url_user,
                 user && url_user == user->value && !user_is_of_url ? user->origin
                                                                    : url.origin + " (the URL)");
        std::vector<std::optional<Password>> candidates;
        candidates.push_back(given_password(what, options_, environment_));
        if (password_in_url) {
            candidates.push_back(Password{url_password, url.source, url.origin + " (the URL)"});
            settings_.warnings.push_back(password_in_url_warning(url, what));
        }
        if (ds_password && same_user)
            candidates.push_back(
                Password{Secret(ds_password->value), ds_password->source, ds_password->origin});
        if (const auto best = best_password(candidates)) {
            url_password = best->secret;
            note(option + "-password", std::string(kHidden), best->origin);
        } else if (type) {
            note_password_of_library(option + "-password", *type);
        }
    }

    /// Where libpq or libmariadb will look for the password that nobody gave.
    void note_password_of_library(const std::string& name, DatabaseType type) {
        switch (type) {
            case DatabaseType::sqlite:
                return;
            case DatabaseType::postgresql:
                if (environment_("PGPASSWORD"))
                    return note(name, std::string(kHidden), "PGPASSWORD");
                if (const auto file = environment_("PGPASSFILE"))
                    return note(name, "(looked up)", *file + " (PGPASSFILE)");
                return note_password_in_home(name, "/.pgpass");
            case DatabaseType::mysql:
                return note_password_in_home(name, "/.my.cnf");
        }
    }

    void note_password_in_home(const std::string& name, const std::string& file_name) {
        const auto home = environment_("HOME");
        const std::string file = home.value_or("") + file_name;
        std::error_code ignored;
        if (home && std::filesystem::exists(file, ignored)) note(name, "(looked up)", file);
    }

    void resolve_database() {
        const auto url = either(find(options_, "database"), spring_.get("spring.datasource.url"));
        if (!url) return;
        DatabaseUrl parsed = read_database_url(url->value, named("database", *url));
        note("database", parsed.settings.endpoint(), url->origin);
        if (parsed.settings.type != DatabaseType::sqlite)
            apply_credentials("database", *url, parsed.has_password,
                              spring_.get("spring.datasource.username"),
                              spring_.get("spring.datasource.password"), parsed.settings.type,
                              parsed.settings.user, parsed.settings.password);
        note_details(parsed.settings, url->origin);
        add_warnings(parsed.warnings);
        if (parsed.time_zone)
            driver_zone_ =
                OptionValue{*parsed.time_zone, url->source, url->origin + " (serverTimezone)"};
        parsed.settings.primary = is_set(options_, "primary");
        settings_.database = std::move(parsed.settings);
    }

    void note_details(const DatabaseSettings& database, const std::string& origin) {
        if (!database.schema.empty()) note("database currentSchema", database.schema, origin);
        if (!database.tls_mode.empty()) note("database sslmode", database.tls_mode, origin);
    }

    void add_warnings(const std::vector<std::string>& warnings) {
        settings_.warnings.insert(settings_.warnings.end(), warnings.begin(), warnings.end());
    }

    void resolve_registry() {
        if (const OptionValue* url = find(options_, "registry"))
            use_registry(read_registry_url(url->value, named("registry", *url)), *url);
        else if (auto ds = ds_registry(spring_))
            use_registry(std::move(ds->registry), ds->origin);
    }

    void use_registry(RegistryUrl parsed, const OptionValue& url) {
        RegistrySettings& registry = parsed.settings;
        if (parsed.in_database) use_workflow_database(registry, url);
        if (parsed.in_database && find(options_, "registry-user"))
            settings_.warnings.push_back(
                "--registry-user is not used: the registry is in the database, and has its user");
        const bool own_database =
            registry.type == RegistrySettings::Type::jdbc && !parsed.in_database;
        std::string& user = own_database ? registry.database.user : registry.user;
        Secret& password = own_database ? registry.database.password : registry.password;
        note("registry", shown(registry, parsed.in_database), url.origin);
        const DsCredentials ds = ds_registry_credentials(spring_, registry.type, own_database);
        if (!parsed.in_database)
            apply_credentials("registry", url, parsed.has_password,
                              either(find(options_, "registry-user"), ds.user), ds.password,
                              own_database && registry.database.type != DatabaseType::sqlite
                                  ? std::optional(registry.database.type)
                                  : std::nullopt,
                              user, password);
        apply_certificates(registry);
        check_credentials(registry, url);
        add_warnings(parsed.warnings);
        if (own_database && parsed.time_zone)
            registry_zone_ =
                OptionValue{*parsed.time_zone, url.source, url.origin + " (serverTimezone)"};
        registry.database.primary = is_set(options_, "primary");
        registry_in_database_ = parsed.in_database;
        settings_.registry = std::move(registry);
    }

    void use_workflow_database(RegistrySettings& registry, const OptionValue& url) const {
        if (!settings_.database)
            throw UsageError(
                fmt::format("{}: the registry is in the database, but no database is configured; "
                            "give --database URL, or --registry with a database URL of its own",
                            named("registry", url) + " jdbc"));
        registry.database = *settings_.database;
    }

    static std::string shown(const RegistrySettings& registry, bool in_database) {
        if (in_database) return "jdbc (in the database)";
        if (registry.type == RegistrySettings::Type::jdbc) return registry.database.endpoint();
        const bool zookeeper = registry.type == RegistrySettings::Type::zookeeper;
        return fmt::format("{}://{}/{}",
                           zookeeper ? "zookeeper" : (registry.tls ? "etcds" : "etcd"),
                           fmt::join(registry.hosts, ","),
                           zookeeper ? registry.name_space.substr(1) : registry.name_space);
    }

    void apply_certificates(RegistrySettings& registry) {
        std::string cert_or_key;  // as it was given
        const std::tuple<const char*, const char*, std::string*> files[] = {
            {"registry-ca", "registry.cert-file", &registry.ca},
            {"registry-cert", "registry.key-cert-chain-file", &registry.cert},
            {"registry-key", "registry.key-file", &registry.key}};
        for (const auto& [option, property, file] : files) {
            const bool etcd = registry.type == RegistrySettings::Type::etcd;
            const OptionValue* given = find(options_, option);
            if (given != nullptr && !etcd)
                throw UsageError(
                    fmt::format("--{}: TLS files are for etcd; for a database put sslrootcert, "
                                "sslcert and sslkey into its URL (TLS to ZooKeeper is not "
                                "supported)",
                                option));
            const auto value = etcd ? either(given, spring_.get(property)) : std::nullopt;
            if (!value) continue;
            *file = value->value;
            registry.tls = true;
            if (file != &registry.ca) cert_or_key = named(option, *value);
            note(option, value->value, value->origin);
        }
        if (registry.cert.empty() != registry.key.empty())
            throw UsageError(fmt::format(
                "{}: a client certificate and its key go together, and the {} is missing. "
                "--registry-ca (REGISTRY_CERT_FILE) is the authority the server is checked by, "
                "--registry-cert (REGISTRY_KEY_CERT_CHAIN_FILE) our certificate, --registry-key "
                "(REGISTRY_KEY_FILE) the key of that",
                cert_or_key, registry.cert.empty() ? "certificate" : "key"));
    }

    static void check_credentials(const RegistrySettings& registry, const OptionValue& url) {
        if (registry.type == RegistrySettings::Type::jdbc) return;
        if (registry.user.empty() == registry.password.empty()) return;
        throw UsageError(
            named("registry", url) +
            (registry.user.empty()
                 ? ": a registry password is given, but no user: add --registry-user"
                 : ": a registry user is given, but no password: add --registry-password-file or "
                   "DSFAILOVER_REGISTRY_PASSWORD"));
    }

    void resolve_time_zone() {
        const auto jvm = spring_.get("spring.jackson.time-zone");
        std::optional<OptionValue> zone;
        if (const OptionValue* given = find(options_, "time-zone"))
            zone = *given;
        else if (driver_zone_)
            zone = named_zone(*driver_zone_);
        else
            zone = jvm;
        if (!find(options_, "time-zone") && driver_zone_ && jvm && jvm->value != zone->value)
            settings_.warnings.push_back(fmt::format(
                "the database URL has serverTimezone {}, {} is {}: the JDBC driver writes times in "
                "the former, which is used; --time-zone settles it",
                zone->value, jvm->origin, jvm->value));
        if (zone) settings_.time_zone = zone->value;
        settings_.zone_is_own = find(options_, "time-zone") != nullptr;
        note("time-zone", settings_.time_zone, zone ? zone->origin : "default");
        if (settings_.registry && settings_.registry->type == RegistrySettings::Type::jdbc)
            resolve_registry_zone(zone, jvm);
    }

    /// The zone of the workflows' driver says nothing about another database's.
    void resolve_registry_zone(const std::optional<OptionValue>& zone_of_workflows,
                               const std::optional<OptionValue>& jvm) {
        std::optional<OptionValue> zone = jvm;
        if (registry_in_database_ || find(options_, "time-zone"))
            zone = zone_of_workflows;
        else if (registry_zone_)
            zone = named_zone(*registry_zone_);
        settings_.registry->time_zone = zone ? zone->value : "UTC";
        note("registry time-zone", settings_.registry->time_zone, zone ? zone->origin : "default");
    }

    static const OptionValue& named_zone(const OptionValue& of_driver) {
        if (of_driver.value == "SERVER")
            throw UsageError(fmt::format(
                "{}: the URL leaves the time zone to the server (connectionTimeZone=SERVER): "
                "give the zone of its timestamps with --time-zone",
                of_driver.origin));
        return of_driver;
    }

    const OptionValues& options_;
    const Environment& environment_;
    SpringConfig spring_;
    Settings settings_;
    std::optional<OptionValue> driver_zone_;
    std::optional<OptionValue> registry_zone_;  // of a JDBC registry in a database of its own
    bool registry_in_database_ = false;
};

}  // namespace

Settings resolve_settings(const OptionValues& options, const Environment& environment) {
    return Resolver(options, environment).resolve();
}

const RegistrySettings& require_registry(const Settings& settings) {
    if (settings.registry) return *settings.registry;
    throw UsageError(fmt::format(
        "no registry is configured: {}{}", kHowToRegistry,
        settings.database ? std::string(kOrDsConfig)
                          : fmt::format("; and no database: {}{}", kHowToDatabase, kOrDsConfig)));
}

const DatabaseSettings& require_database(const Settings& settings) {
    if (settings.database) return *settings.database;
    throw UsageError(fmt::format("no database is configured: {}{}", kHowToDatabase, kOrDsConfig));
}

}  // namespace dsfailover
