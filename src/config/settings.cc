#include "config/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "base/error.h"
#include "config/database_url.h"
#include "config/ds_place.h"
#include "config/ds_registry.h"
#include "config/etcd_tls.h"
#include "config/password.h"
#include "config/registry_url.h"
#include "config/spring_config.h"
#include "config/value_sources.h"
#include "config/zone_source.h"

namespace dsfailover {
namespace {

constexpr std::string_view kHidden = "(hidden)";

constexpr std::string_view kHowToHome =
    "give DolphinScheduler's folder, --ds-home /opt/dolphinscheduler, or a file of its settings "
    "(--ds-env dolphinscheduler_env.sh, --ds-config application.yaml)";
constexpr std::string_view kHowToRegistry =
    "or --registry zookeeper://HOST:2181/dolphinscheduler (etcd://HOST:2379/dolphinscheduler, "
    "jdbc), or set DSFAILOVER_REGISTRY";
constexpr std::string_view kHowToDatabase =
    "or --database postgresql://USER@HOST:5432/dolphinscheduler (mysql://..., sqlite:FILE, the "
    "jdbc: URL of DolphinScheduler), or set DSFAILOVER_DATABASE";

SpringConfig read_spring_config(const OptionValues& options, const SourceOrder& order,
                                const DsPlace& place, const Environment& environment) {
    const OptionValue* profile = find(options, "profile");
    DsVariables variables(environment, place.env_file);
    if (const auto theirs = variables.profiles();
        profile != nullptr && theirs && order.before(theirs->source, profile->source))
        profile = nullptr;
    if (place.config)
        return SpringConfig(place.config->value, profile == nullptr ? "" : profile->value,
                            std::move(variables));
    SpringConfig without_file(std::move(variables));
    if (profile != nullptr)
        without_file.warn(named("profile", *profile) +
                          " is not used: it chooses documents of application.yaml, and none is "
                          "read (--ds-home, --ds-config)");
    return without_file;
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
          order_(options),
          place_(find_ds_place(options, environment)),
          spring_(read_spring_config(options, order_, place_, environment)) {}

    Settings resolve() {
        add_warnings(place_.warnings);
        add_warnings(spring_.warnings());
        note_files();
        resolve_database();
        resolve_registry();
        resolve_time_zone();
        return std::move(settings_);
    }

  private:
    void note_files() {
        const std::pair<const char*, const std::optional<OptionValue>*> files[] = {
            {"ds-env", &place_.env_path}, {"ds-config", &place_.config}};
        for (const auto& [name, file] : files)
            if (*file) {
                note(name, (*file)->value, (*file)->origin);
                settings_.ds_files.push_back((*file)->value);
            }
    }

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
        if (user && (!user_is_of_url || order_.before(user->source, url.source)))
            url_user = user->value;
        if (!url_user.empty())
            note(option + "-user", url_user,
                 user && url_user == user->value && !user_is_of_url ? user->origin
                                                                    : url.origin + " (the URL)");
        std::vector<std::optional<Password>> candidates;
        candidates.push_back(given_password(what, options_, environment_));
        if (password_in_url) {
            candidates.push_back(Password{url_password, url.source, url.origin + " (the URL)", ""});
            settings_.warnings.push_back(password_in_url_warning(url, what));
        }
        if (ds_password && same_user)
            candidates.push_back(
                Password{Secret(ds_password->value), ds_password->source, ds_password->origin, ""});
        if (const auto best = best_password(candidates, order_)) {
            url_password = best->secret;
            if (!best->warning.empty()) settings_.warnings.push_back(best->warning);
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
        const auto url =
            order_.first(find(options_, "database"), spring_.get("spring.datasource.url"));
        if (!url) return;
        database_origin_ = url;
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
        const OptionValue* own = find(options_, "registry");
        const bool own_wins = own != nullptr && order_.before(own->source, Source::ds_env_file);
        if (auto ds = own_wins ? std::nullopt : ds_registry(spring_))
            use_registry(std::move(ds->registry), ds->origin);
        else if (own != nullptr)
            use_registry(read_registry_url(own->value, named("registry", *own)), *own);
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
        const EtcdTls tls = apply_certificates(registry);
        note("registry", shown(registry, parsed.in_database), url.origin);
        if (!parsed.in_database) {
            const DsCredentials ds = registry_credentials(registry, own_database);
            apply_credentials("registry", url, parsed.has_password,
                              order_.first(find(options_, "registry-user"), ds.user), ds.password,
                              own_database && registry.database.type != DatabaseType::sqlite
                                  ? std::optional(registry.database.type)
                                  : std::nullopt,
                              user, password);
        }
        note_certificates(tls);
        check_credentials(registry, url);
        add_warnings(parsed.warnings);
        if (own_database && parsed.time_zone)
            registry_zone_ =
                OptionValue{*parsed.time_zone, url.source, url.origin + " (serverTimezone)"};
        registry.database.primary = is_set(options_, "primary");
        registry_in_database_ = parsed.in_database;
        settings_.registry = std::move(registry);
        if (!database_origin_ || parsed.in_database) return;
        if (auto warning = mixed_sources_warning(*database_origin_, url))
            settings_.warnings.push_back(std::move(*warning));
    }

    /// Those of DolphinScheduler's settings.
    DsCredentials registry_credentials(const RegistrySettings& registry, bool own_database) {
        DsCredentials ds = ds_registry_credentials(spring_, registry.type, own_database);
        const bool may_be_half = registry.type == RegistrySettings::Type::etcd &&
                                 registry.user.empty() && !find(options_, "registry-user");
        if (!may_be_half || (ds.user && given_password("registry", options_, environment_)))
            return ds;
        if (auto warning = drop_half_a_login(ds)) settings_.warnings.push_back(std::move(*warning));
        return ds;
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

    EtcdTls apply_certificates(RegistrySettings& registry) const {
        if (registry.type != RegistrySettings::Type::etcd) {
            for (const char* option : {"registry-ca", "registry-cert", "registry-key"})
                if (find(options_, option))
                    throw UsageError(fmt::format(
                        "--{}: TLS files are for etcd; for a database put sslrootcert, sslcert and "
                        "sslkey into its URL (TLS to ZooKeeper is not supported)",
                        option));
            return {};
        }
        EtcdTls tls = etcd_tls(options_, spring_, place_, order_, registry.tls);
        registry.tls = registry.tls || tls.any();
        if (tls.ca) registry.ca = tls.ca->value;
        if (tls.cert) registry.cert = tls.cert->value;
        if (tls.key) registry.key = tls.key->value;
        return tls;
    }

    void note_certificates(const EtcdTls& tls) {
        if (tls.ca) note("registry-ca", tls.ca->value, tls.ca->origin);
        if (tls.cert) note("registry-cert", tls.cert->value, tls.cert->origin);
        if (tls.key) note("registry-key", tls.key->value, tls.key->origin);
        if (!tls.warning.empty()) settings_.warnings.push_back(tls.warning);
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
        const OptionValue* own = find(options_, "time-zone");
        const auto jvm = spring_.get("spring.jackson.time-zone");
        const auto [zone, is_own] = choose_zone(own, driver_zone_, jvm, order_);
        if (!is_own && driver_zone_ && jvm && jvm->value != zone->value)
            settings_.warnings.push_back(fmt::format(
                "the database URL has serverTimezone {}, {} is {}: the JDBC driver writes times in "
                "the former, which is used; --time-zone settles it",
                zone->value, jvm->origin, jvm->value));
        if (zone) settings_.time_zone = zone->value;
        settings_.zone_is_own = is_own;
        note("time-zone", settings_.time_zone, zone ? zone->origin : "default");
        if (!settings_.registry || settings_.registry->type != RegistrySettings::Type::jdbc) return;
        // The zone of the workflows' driver says nothing about another database's.
        const auto of_registry =
            registry_in_database_ ? zone : choose_zone(own, registry_zone_, jvm, order_).zone;
        settings_.registry->time_zone = of_registry ? of_registry->value : "UTC";
        note("registry time-zone", settings_.registry->time_zone,
             of_registry ? of_registry->origin : "default");
    }

    const OptionValues& options_;
    const Environment& environment_;
    SourceOrder order_;
    DsPlace place_;
    SpringConfig spring_;
    Settings settings_;
    std::optional<OptionValue> database_origin_;
    std::optional<OptionValue> driver_zone_;
    std::optional<OptionValue> registry_zone_;  // of a JDBC registry in a database of its own
    bool registry_in_database_ = false;
};

}  // namespace

Settings resolve_settings(const OptionValues& options, const Environment& environment) {
    return Resolver(options, environment).resolve();
}

namespace {

/// Begins with what was looked through in vain.
[[noreturn]] void refuse(const Settings& settings, std::string_view what, std::string_view how) {
    const std::string looked =
        settings.ds_files.empty()
            ? std::string(kHowToHome)
            : fmt::format(
                  "there is none in {}; give it to --ds-config or --ds-env where it stands "
                  "elsewhere",
                  fmt::join(settings.ds_files, " and "));
    throw UsageError(fmt::format("no {} is configured: {}; {}", what, looked, how));
}

}  // namespace

const RegistrySettings& require_registry(const Settings& settings) {
    if (settings.registry) return *settings.registry;
    if (settings.database) refuse(settings, "registry", kHowToRegistry);
    refuse(settings, "registry",
           fmt::format("{}; and no database: {}", kHowToRegistry, kHowToDatabase));
}

const DatabaseSettings& require_database(const Settings& settings) {
    if (settings.database) return *settings.database;
    refuse(settings, "database", kHowToDatabase);
}

}  // namespace dsfailover
