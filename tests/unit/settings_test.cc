#include "config/settings.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "resolved_settings.h"
#include "temporary_file.h"

namespace dsfailover {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using Type = RegistrySettings::Type;

std::string error_of(const GivenOptions& given, const Variables& variables = {}) {
    try {
        resolve(given, variables);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

std::string shipped_yaml() {
    std::ifstream in(DSFAILOVER_TEST_DATA "/application.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    if (at == std::string::npos) throw std::logic_error("nothing to replace");
    return text.replace(at, from.size(), to);
}

TEST(Settings, NothingIsMadeUp) {
    const Settings settings = resolve({});
    EXPECT_FALSE(settings.registry);
    EXPECT_FALSE(settings.database);
    try {
        require_registry(settings);
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("--registry zookeeper://"));
    }
    try {
        require_database(settings);
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("--database postgresql://"));
    }
}

TEST(Settings, AnApplicationYamlIsEnough) {
    const TemporaryFile file(replaced(shipped_yaml(),
                                      "jdbc:postgresql://127.0.0.1:5432/dolphinscheduler",
                                      "jdbc:postgresql://db1:6432/dolphinscheduler"));
    const Settings settings = resolve({{"ds-config", file.path()}});
    const DatabaseSettings& database = require_database(settings);
    EXPECT_EQ(database.type, DatabaseType::postgresql);
    EXPECT_THAT(database.hosts, ElementsAre(std::pair<std::string, int>("db1", 6432)));
    EXPECT_EQ(database.user, "root");
    EXPECT_EQ(database.password.reveal(), "root");
    const RegistrySettings& registry = require_registry(settings);
    EXPECT_EQ(registry.type, Type::zookeeper);
    EXPECT_THAT(registry.hosts, ElementsAre("localhost:2181"));
    EXPECT_EQ(registry.name_space, "/dolphinscheduler");
    EXPECT_EQ(registry.connect_timeout, Millis(15'000));
    EXPECT_EQ(registry.session_timeout, Millis(10'000));
    EXPECT_TRUE(registry.user.empty());
    EXPECT_EQ(settings.time_zone, "UTC");
    EXPECT_THAT(settings.warnings, IsEmpty());
    EXPECT_THAT(origin_of(settings, "database"),
                MatchesRegex(file.path() + ":[0-9]+: spring.datasource.url"));
    EXPECT_THAT(origin_of(settings, "registry"),
                MatchesRegex(file.path() + ":[0-9]+: registry.zookeeper.connect-string"));
    EXPECT_THAT(origin_of(settings, "time-zone"),
                MatchesRegex(file.path() + ":[0-9]+: spring.jackson.time-zone"));
    EXPECT_EQ(origin_of(settings, "ds-config"), "option --ds-config");
}

TEST(Settings, TheProfileChoosesTheDatabase) {
    const TemporaryFile file(shipped_yaml());
    for (const Settings& settings :
         {resolve({{"ds-config", file.path()}, {"profile", "mysql"}}),
          resolve({{"ds-config", file.path()}}, {{"DSFAILOVER_PROFILE", "mysql"}}),
          resolve({{"ds-config", file.path()}}, {{"SPRING_PROFILES_ACTIVE", "mysql"}})}) {
        EXPECT_EQ(require_database(settings).type, DatabaseType::mysql);
        EXPECT_EQ(require_registry(settings).type, Type::zookeeper);
    }
}

TEST(Settings, EachSourceWinsOverTheNext) {
    const TemporaryFile spring("spring.datasource.url: jdbc:postgresql://from-ds-config/ds");
    const TemporaryFile own("database: postgresql://from-config/ds");
    GivenOptions given;
    Variables variables = {{"DSFAILOVER_DS_CONFIG", spring.path()}};
    const auto host = [&] { return require_database(resolve(given, variables)).hosts[0].first; };
    EXPECT_EQ(host(), "from-ds-config");
    variables["SPRING_DATASOURCE_URL"] = "jdbc:postgresql://from-ds-environment/ds";
    EXPECT_EQ(host(), "from-ds-environment");
    given["config"] = own.path();
    EXPECT_EQ(host(), "from-config");
    variables["DSFAILOVER_DATABASE"] = "postgresql://from-environment/ds";
    EXPECT_EQ(host(), "from-environment");
    given["database"] = "postgresql://from-option/ds";
    EXPECT_EQ(host(), "from-option");
}

TEST(Settings, DolphinSchedulersEnvironmentAloneIsEnough) {
    const Settings settings =
        resolve({}, {{"REGISTRY_TYPE", "zookeeper"},
                     {"REGISTRY_ZOOKEEPER_CONNECT_STRING", "zk1:2181, zk2:2182"},
                     {"REGISTRY_ZOOKEEPER_NAMESPACE", "prod"},
                     {"REGISTRY_ZOOKEEPER_DIGEST", "ds:s3cret:x"},
                     {"SPRING_DATASOURCE_URL", "jdbc:mysql://db/ds?useSSL=false"},
                     {"SPRING_DATASOURCE_USERNAME", "u"},
                     {"SPRING_DATASOURCE_PASSWORD", "p"},
                     {"SPRING_JACKSON_TIME_ZONE", "Asia/Shanghai"}});
    EXPECT_THAT(settings.registry->hosts, ElementsAre("zk1:2181", "zk2:2182"));
    EXPECT_EQ(settings.registry->name_space, "/prod");
    EXPECT_EQ(settings.registry->user, "ds");
    EXPECT_EQ(settings.registry->password.reveal(), "s3cret:x");
    EXPECT_EQ(settings.database->user, "u");
    EXPECT_EQ(settings.database->password.reveal(), "p");
    EXPECT_EQ(settings.time_zone, "Asia/Shanghai");
    EXPECT_THAT(settings.warnings, IsEmpty());
}

TEST(Settings, EtcdOfDolphinScheduler) {
    const Settings settings =
        resolve({}, {{"REGISTRY_TYPE", "etcd"},
                     {"REGISTRY_ENDPOINTS", "https://e1:2379, https://e2:2380/"},
                     {"REGISTRY_NAMESPACE", "prod"},
                     {"REGISTRY_USER", "u"},
                     {"REGISTRY_PASSWORD", "p"},
                     {"REGISTRY_CERT_FILE", "/ca.crt"},
                     {"REGISTRY_KEY_CERT_CHAIN_FILE", "/client.crt"},
                     {"REGISTRY_KEY_FILE", "/client.pem"}});
    const RegistrySettings& registry = require_registry(settings);
    EXPECT_EQ(registry.type, Type::etcd);
    EXPECT_THAT(registry.hosts, ElementsAre("e1:2379", "e2:2380"));
    EXPECT_TRUE(registry.tls);
    EXPECT_EQ(registry.name_space, "prod");
    EXPECT_EQ(registry.user, "u");
    EXPECT_EQ(registry.password.reveal(), "p");
    EXPECT_EQ(registry.ca, "/ca.crt");
    EXPECT_EQ(registry.cert, "/client.crt");
    EXPECT_EQ(registry.key, "/client.pem");
}

TEST(Settings, JdbcRegistryInTheDatabaseOfTheWorkflows) {
    for (const Settings& settings :
         {resolve({{"registry", "jdbc"}, {"database", "postgresql://u@db/ds"}}),
          resolve({}, {{"REGISTRY_TYPE", "jdbc"},
                       {"SPRING_DATASOURCE_URL", "jdbc:postgresql://db/ds?user=u"}})}) {
        EXPECT_EQ(settings.registry->type, Type::jdbc);
        EXPECT_EQ(settings.registry->database.endpoint(), "postgresql://db:5432/ds");
        EXPECT_EQ(settings.registry->database.user, "u");
    }
    EXPECT_THAT(error_of({{"registry", "jdbc"}}), HasSubstr("no database is configured"));
}

TEST(Settings, JdbcRegistryInADatabaseOfItsOwn) {
    const Settings settings =
        resolve({}, {{"REGISTRY_TYPE", "jdbc"},
                     {"REGISTRY_HIKARI_CONFIG_JDBC_URL", "jdbc:postgresql://reg/registry"},
                     {"REGISTRY_HIKARI_CONFIG_USERNAME", "ru"},
                     {"REGISTRY_HIKARI_CONFIG_PASSWORD", "rp"},
                     {"SPRING_DATASOURCE_URL", "jdbc:postgresql://db/ds"},
                     {"SPRING_DATASOURCE_PASSWORD", "p"}});
    EXPECT_EQ(settings.registry->database.hosts[0].first, "reg");
    EXPECT_EQ(settings.registry->database.user, "ru");
    EXPECT_EQ(settings.registry->database.password.reveal(), "rp");
    EXPECT_EQ(settings.database->hosts[0].first, "db");
}

TEST(Settings, AnUnknownOrIncompleteRegistryIsRefused) {
    EXPECT_THAT(error_of({}, {{"REGISTRY_TYPE", "consul"}}),
                HasSubstr("REGISTRY_TYPE: the registry type 'consul' is not known"));
    EXPECT_THAT(error_of({}, {{"REGISTRY_TYPE", "zookeeper"}}),
                HasSubstr("registry.zookeeper.connect-string is not set"));
    EXPECT_THAT(error_of({}, {{"REGISTRY_TYPE", "etcd"}}), HasSubstr("registry.endpoints"));
    EXPECT_THAT(error_of({}, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", "h:2181/a,i:2181"}}),
                HasSubstr("the chroot stands once"));
    EXPECT_THAT(error_of({}, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", "h:2181/a//b"}}),
                HasSubstr("is not a registry namespace"));
    EXPECT_THAT(error_of({}, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", "h"},
                              {"REGISTRY_ZOOKEEPER_DIGEST", "s3cret"}}),
                HasSubstr("REGISTRY_ZOOKEEPER_DIGEST: expected USER:PASSWORD"));
}

TEST(Settings, TheNamespaceIsBelowAChroot) {
    const std::pair<const char*, const char*> cases[] = {
        {"a:2181, b:2181/ds/prod", "/ds/prod/dolphinscheduler"},
        {"a:2181,b:2181/ds/", "/ds/dolphinscheduler"},
        {"a:2181/", "/dolphinscheduler"}};
    for (const auto& [connect_string, name_space] : cases)
        EXPECT_EQ(resolve({}, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", connect_string}})
                      .registry->name_space,
                  name_space);
    const Settings settings = resolve({}, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", "a:1,b:2/ds"},
                                           {"REGISTRY_ZOOKEEPER_NAMESPACE", "prod"}});
    EXPECT_THAT(settings.registry->hosts, ElementsAre("a:1", "b:2"));
    EXPECT_EQ(settings.registry->name_space, "/ds/prod");
}

TEST(Settings, AUserWithoutAPasswordIsSaidClearly) {
    EXPECT_THAT(error_of({{"registry", "etcd://h"}, {"registry-user", "u"}}),
                HasSubstr("--registry-password-file"));
    EXPECT_THAT(error_of({{"registry", "etcd://h"}}, {{"DSFAILOVER_REGISTRY_PASSWORD", "p"}}),
                HasSubstr("--registry-user"));
    EXPECT_THAT(error_of({{"registry", "etcd://h"}, {"registry-cert", "/c"}}),
                HasSubstr("--registry-key"));
    EXPECT_THAT(error_of({{"registry", "zookeeper://h"}, {"registry-ca", "/ca"}}),
                HasSubstr("--registry-ca"));
}

TEST(Settings, PasswordsComeFromFileEnvironmentUrlAndDolphinScheduler) {
    const TemporaryFile file("from-file\n");
    GivenOptions given = {{"database", "postgresql://db/ds"}};
    Variables variables = {{"SPRING_DATASOURCE_PASSWORD", "from-ds"}};
    const auto password = [&] { return resolve(given, variables).database->password.reveal(); };
    EXPECT_EQ(password(), "from-ds");
    variables["DSFAILOVER_DATABASE_PASSWORD_FILE"] = file.path();
    EXPECT_EQ(password(), "from-file");
    variables["DSFAILOVER_DATABASE_PASSWORD"] = "from-environment";
    EXPECT_EQ(password(), "from-environment");
    given["database"] = "postgresql://u:from-url@db/ds";
    EXPECT_EQ(password(), "from-url");
    given["database-password-file"] = file.path();
    EXPECT_EQ(password(), "from-file");
}

TEST(Settings, APasswordFileHoldsThePasswordAlone) {
    const auto given = [](const std::string& file) -> GivenOptions {
        return {{"database", "postgresql://db/ds"}, {"database-password-file", file}};
    };
    const TemporaryFile windows("a b \r\n");
    EXPECT_EQ(resolve(given(windows.path())).database->password.reveal(), "a b ");
    const TemporaryFile empty("\n");
    EXPECT_THAT(error_of(given(empty.path())), HasSubstr("is empty"));
    const TemporaryFile several("s3cret\nsecond");
    EXPECT_THAT(error_of(given(several.path())), HasSubstr("several lines"));
    EXPECT_THAT(error_of(given("/nowhere/password")),
                HasSubstr("--database-password-file /nowhere/password: cannot be read"));
    EXPECT_THAT(error_of(given("/tmp")), HasSubstr("directory"));
}

TEST(Settings, AnotherUsersPasswordIsNotSent) {
    const Variables ds = {{"SPRING_DATASOURCE_USERNAME", "ds"},
                          {"SPRING_DATASOURCE_PASSWORD", "s3cret"}};
    EXPECT_EQ(resolve({{"database", "postgresql://db/ds"}}, ds).database->user, "ds");
    EXPECT_EQ(resolve({{"database", "postgresql://ds@db/ds"}}, ds).database->password.reveal(),
              "s3cret");
    EXPECT_TRUE(resolve({{"database", "postgresql://me@db/ds"}}, ds).database->password.empty());
}

TEST(Settings, SecretsAreInNoMessageAndNoOrigin) {
    const TemporaryFile file("s3cret-file");
    const Settings settings =
        resolve({{"database", "postgresql://u:s3cret@db/ds?password=s3cret&shoe=s3cret"},
                 {"registry", "etcd://u:s3cret@h"},
                 {"registry-password-file", file.path()}},
                {{"DSFAILOVER_DATABASE_PASSWORD", "s3cret"},
                 {"SPRING_DATASOURCE_PASSWORD", "s3cret"},
                 {"REGISTRY_PASSWORD", "s3cret"}});
    for (const SettingOrigin& setting : settings.origins)
        EXPECT_THAT(setting.name + setting.value + setting.origin, Not(HasSubstr("s3cret")));
    for (const std::string& warning : settings.warnings)
        EXPECT_THAT(warning, Not(HasSubstr("s3cret")));
    EXPECT_THAT(settings.warnings, Contains(HasSubstr("--database: the URL holds a password")));
    EXPECT_THAT(settings.warnings, Contains(HasSubstr("--registry: the URL holds a password")));
    EXPECT_THAT(settings.warnings, Contains(HasSubstr("process list")));
    EXPECT_EQ(origin_of(settings, "registry-password"),
              file.path() + " (option --registry-password-file)");
}

TEST(Settings, AMessageNamesWhereTheValueStands) {
    EXPECT_THAT(error_of({}, {{"DSFAILOVER_DATABASE", "foo"}}),
                HasSubstr("DSFAILOVER_DATABASE (--database) foo: supported are"));
    EXPECT_THAT(error_of({}, {{"DSFAILOVER_REGISTRY", "foo"}}),
                HasSubstr("DSFAILOVER_REGISTRY (--registry) foo: supported are"));
    const Settings settings = resolve({}, {{"DSFAILOVER_DATABASE", "mysql://u:p@db/ds"}});
    EXPECT_THAT(settings.warnings, ElementsAre(HasSubstr("DSFAILOVER_DATABASE (--database)")));
    EXPECT_THAT(settings.warnings, ElementsAre(Not(HasSubstr("process list"))));
}

struct Zone {
    const char* option;
    const char* url;
    const char* jackson;
    const char* zone;
    bool warns;
};
class TimeZoneSource : public testing::TestWithParam<Zone> {};

TEST_P(TimeZoneSource, IsTheOneInWhichTimesAreWritten) {
    GivenOptions given = {{"database", GetParam().url}};
    if (*GetParam().option != '\0') given["time-zone"] = GetParam().option;
    const Settings settings = resolve(given, {{"SPRING_JACKSON_TIME_ZONE", GetParam().jackson}});
    EXPECT_EQ(settings.time_zone, GetParam().zone);
    EXPECT_EQ(settings.zone_is_own, *GetParam().option != '\0');
    EXPECT_EQ(!settings.warnings.empty(), GetParam().warns);
}

INSTANTIATE_TEST_SUITE_P(
    Precedence, TimeZoneSource,
    testing::Values(Zone{"", "jdbc:mysql://db/ds", "", "UTC", false},
                    Zone{"", "jdbc:mysql://db/ds", "+08:00", "+08:00", false},
                    Zone{"", "jdbc:mysql://db/ds?serverTimezone=GMT%2B8", "", "GMT+8", false},
                    Zone{"", "jdbc:mysql://db/ds?serverTimezone=GMT%2B8", "UTC", "GMT+8", true},
                    Zone{"", "jdbc:mysql://db/ds?connectionTimeZone=LOCAL", "UTC", "UTC", false},
                    Zone{"+01:00", "jdbc:mysql://db/ds?serverTimezone=SERVER", "UTC", "+01:00",
                         false},
                    Zone{"+01:00", "jdbc:postgresql://db/ds", "", "+01:00", false}));

TEST(Settings, AZoneOfOurOwnEnvironmentIsOurOwn) {
    EXPECT_TRUE(resolve({}, {{"DSFAILOVER_TIME_ZONE", "UTC"}}).zone_is_own);
    EXPECT_FALSE(resolve({}, {{"SPRING_JACKSON_TIME_ZONE", "UTC"}}).zone_is_own);
    EXPECT_FALSE(resolve({}, {}).zone_is_own);
}

TEST(Settings, AZoneLeftToTheServerIsAskedFor) {
    EXPECT_THAT(error_of({{"database", "jdbc:mysql://db/ds?connectionTimeZone=SERVER"}}),
                HasSubstr("--time-zone"));
}

struct RegistryZone {
    const char* registry;
    const char* database;
    const char* option;
    const char* jackson;
    const char* zone;
};
class ZoneOfTheRegistry : public testing::TestWithParam<RegistryZone> {};

TEST_P(ZoneOfTheRegistry, IsThatOfItsOwnDriver) {
    GivenOptions given = {{"registry", GetParam().registry}, {"database", GetParam().database}};
    if (*GetParam().option != '\0') given["time-zone"] = GetParam().option;
    const Settings settings = resolve(given, {{"SPRING_JACKSON_TIME_ZONE", GetParam().jackson}});
    EXPECT_EQ(settings.registry->time_zone, GetParam().zone);
    EXPECT_NE(origin_of(settings, "registry time-zone"), "(none)");
}

constexpr const char* kShanghai = "jdbc:mysql://db/ds?serverTimezone=Asia/Shanghai";
INSTANTIATE_TEST_SUITE_P(
    Precedence, ZoneOfTheRegistry,
    testing::Values(
        RegistryZone{"jdbc", kShanghai, "", "", "Asia/Shanghai"},
        RegistryZone{"jdbc", kShanghai, "UTC", "", "UTC"},
        RegistryZone{"jdbc:mysql://reg/ds", kShanghai, "", "", "UTC"},
        RegistryZone{"jdbc:mysql://reg/ds", kShanghai, "", "+01:00", "+01:00"},
        RegistryZone{"jdbc:mysql://reg/ds?serverTimezone=UTC", kShanghai, "", "+01:00", "UTC"},
        RegistryZone{"jdbc:mysql://reg/ds?serverTimezone=UTC", kShanghai, "+02:00", "", "+02:00"},
        RegistryZone{"jdbc:postgresql://reg/ds", kShanghai, "", "", "UTC"}));

TEST(Settings, AZoneOfTheRegistryLeftToTheServerIsAskedForToo) {
    const Variables variables = {
        {"REGISTRY_TYPE", "jdbc"},
        {"REGISTRY_HIKARI_CONFIG_JDBC_URL", "jdbc:mysql://reg/ds?connectionTimeZone=SERVER"}};
    EXPECT_THAT(error_of({}, variables), HasSubstr("REGISTRY_HIKARI_CONFIG_JDBC_URL"));
    EXPECT_EQ(resolve({{"time-zone", "+08:00"}}, variables).registry->time_zone, "+08:00");
}

TEST(Settings, AProfileThatChoosesNothingIsRefused) {
    const TemporaryFile file(shipped_yaml());
    const std::string message = error_of({{"ds-config", file.path()}, {"profile", "myslq"}});
    EXPECT_THAT(message, HasSubstr("--profile myslq"));
    EXPECT_THAT(message, HasSubstr("mysql"));
    EXPECT_THAT(
        resolve({{"ds-config", file.path()}}, {{"SPRING_PROFILES_ACTIVE", "myslq"}}).warnings,
        Contains(HasSubstr("SPRING_PROFILES_ACTIVE")));
    EXPECT_THAT(resolve({{"profile", "mysql"}}).warnings, ElementsAre(HasSubstr("--ds-config")));
}

TEST(Settings, AClientKeyWithoutItsCertificateIsNamedAsItWasGiven) {
    const std::string message = error_of({}, {{"REGISTRY_TYPE", "etcd"},
                                              {"REGISTRY_ENDPOINTS", "https://e1:2379"},
                                              {"REGISTRY_CERT_FILE", "/ca.crt"},
                                              {"REGISTRY_KEY_FILE", "/client.pem"}});
    EXPECT_THAT(message, testing::StartsWith("REGISTRY_KEY_FILE: "));
    EXPECT_THAT(message, HasSubstr("the certificate is missing"));
    EXPECT_THAT(message, HasSubstr("REGISTRY_KEY_CERT_CHAIN_FILE"));
}

TEST(Settings, APasswordThatTheClientLibraryLooksUpIsMentioned) {
    const GivenOptions postgresql = {{"database", "postgresql://u@db/ds"}};
    EXPECT_EQ(origin_of(resolve(postgresql, {{"PGPASSFILE", "/p"}}), "database-password"),
              "/p (PGPASSFILE)");
    EXPECT_EQ(origin_of(resolve(postgresql, {{"HOME", "/nowhere"}}), "database-password"),
              "(none)");
}

TEST(Settings, AnErrorInDolphinSchedulersUrlNamesItsSetting) {
    EXPECT_THAT(error_of({}, {{"SPRING_DATASOURCE_URL", "jdbc:oracle:thin:@h"}}),
                HasSubstr("SPRING_DATASOURCE_URL"));
}

}  // namespace
}  // namespace dsfailover
