// Where the cluster is, from an installation of DolphinScheduler, and which source wins.
#include "config/ds_place.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "resolved_settings.h"
#include "temporary_folder.h"

namespace dsfailover {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kYaml =
    "spring:\n"
    "  profiles:\n"
    "    active: postgresql\n"
    "  datasource:\n"
    "    url: jdbc:postgresql://yaml/ds\n"
    "    username: root\n"
    "    password: root\n"
    "registry:\n"
    "  type: zookeeper\n"
    "  zookeeper:\n"
    "    connect-string: localhost:2181\n"
    "---\n"
    "spring:\n"
    "  config:\n"
    "    activate:\n"
    "      on-profile: mysql\n"
    "  datasource:\n"
    "    url: jdbc:mysql://yaml-mysql/ds\n";

constexpr const char* kEnv =
    "export DATABASE=${DATABASE:-mysql}\n"
    "export SPRING_PROFILES_ACTIVE=${DATABASE}\n"
    "export SPRING_DATASOURCE_URL=\"jdbc:mysql://env/ds?useSSL=false\"\n"
    "export SPRING_DATASOURCE_USERNAME=ds\n"
    "export SPRING_DATASOURCE_PASSWORD='Kx-9!7'\n"
    "export REGISTRY_ZOOKEEPER_CONNECT_STRING=${REGISTRY_ZOOKEEPER_CONNECT_STRING:-zk1:2181}\n"
    "export SPRING_JACKSON_TIME_ZONE=Asia/Shanghai\n";

constexpr const char* kConf = "master-server/conf/application.yaml";
constexpr const char* kConfEnv = "master-server/conf/dolphinscheduler_env.sh";
constexpr const char* kBinEnv = "bin/env/dolphinscheduler_env.sh";

std::string error_of(const GivenOptions& given, const Variables& variables = {}) {
    try {
        const Settings settings = resolve(given, variables);
        require_database(settings);
        require_registry(settings);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

std::string host(const Settings& settings) { return settings.database->hosts.front().first; }

struct DsHomeTest : testing::Test {
    TemporaryFolder home;
};

TEST_F(DsHomeTest, IsEnough) {
    home.write(kConf, kYaml);
    const std::string env = home.write(kConfEnv, kEnv);
    home.write(kBinEnv, kEnv);
    const Settings settings = resolve({{"ds-home", home.path()}});
    EXPECT_EQ(settings.database->endpoint(), "mysql://env:3306/ds");
    EXPECT_EQ(settings.database->user, "ds");
    EXPECT_EQ(settings.database->password.reveal(), "Kx-9!7");
    EXPECT_THAT(settings.registry->hosts, ElementsAre("zk1:2181"));
    EXPECT_EQ(settings.time_zone, "Asia/Shanghai");
    EXPECT_FALSE(settings.zone_is_own);
    EXPECT_EQ(origin_of(settings, "database"), env + ":3: SPRING_DATASOURCE_URL");
    EXPECT_EQ(origin_of(settings, "database-password"), env + ":5: SPRING_DATASOURCE_PASSWORD");
    EXPECT_EQ(origin_of(settings, "ds-env"), "option --ds-home");
    EXPECT_EQ(origin_of(settings, "ds-config"), "option --ds-home");
    EXPECT_THAT(settings.warnings, IsEmpty());
}

TEST_F(DsHomeTest, HasTheFilesOfOneOfItsServers) {
    const std::string env = "export SPRING_DATASOURCE_URL=jdbc:postgresql://env/ds\n";
    for (const char* server :
         {"master-server/", "standalone-server/", "api-server/", "worker-server/", ""}) {
        const TemporaryFolder one;
        one.write(std::string(server) + "conf/application.yaml", kYaml);
        EXPECT_EQ(host(resolve({{"ds-home", one.path()}})), "yaml") << server;
        one.write(kBinEnv, env);
        EXPECT_EQ(host(resolve({{"ds-home", one.path()}})), "env") << server;
        one.write(std::string(server) + "conf/dolphinscheduler_env.sh",
                  "export SPRING_DATASOURCE_URL=jdbc:postgresql://started/ds\n");
        EXPECT_EQ(host(resolve({{"ds-home", one.path()}})), "started") << server;
        EXPECT_EQ(host(resolve({{"ds-home", one.path()}, {"no-ds-env", "true"}})), "yaml")
            << server;
    }
    home.write("api-server/conf/application.yaml", "registry.type: etcd\n");
    home.write(kConf, kYaml);
    EXPECT_EQ(host(resolve({{"ds-home", home.path()}})), "yaml");
}

TEST_F(DsHomeTest, AnEnvFileAloneIsTaken) {
    home.write(kBinEnv, kEnv);
    EXPECT_EQ(host(resolve({{"ds-home", home.path()}})), "env");
}

TEST_F(DsHomeTest, WhatTheRunningMasterHasCountsAndTheRestIsNamed) {
    home.write(kConf, kYaml);
    home.write(kConfEnv, kEnv);
    home.write(kBinEnv,
               "export JAVA_HOME=/other\n" + std::string(kEnv) +
                   "export SPRING_DATASOURCE_PASSWORD=s3cret\nexport REGISTRY_TYPE=etcd\n");
    const Settings settings = resolve({{"ds-home", home.path()}});
    EXPECT_EQ(settings.database->password.reveal(), "Kx-9!7");
    EXPECT_THAT(settings.warnings,
                ElementsAre(AllOf(
                    HasSubstr(home.path(kConfEnv) + " and " + home.path(kBinEnv) + " differ in "),
                    HasSubstr("REGISTRY_TYPE (not set, and line 10 in the other)"),
                    HasSubstr("SPRING_DATASOURCE_PASSWORD (line 5, and line 9 in the other)"),
                    Not(HasSubstr("s3cret")), Not(HasSubstr("JAVA_HOME")))));
}

TEST_F(DsHomeTest, ThatIsNoneIsRefused) {
    EXPECT_THAT(error_of({{"ds-home", home.path()}}),
                AllOf(HasSubstr("--ds-home " + home.path()), HasSubstr("not an installation"),
                      HasSubstr("--ds-config")));
    EXPECT_THAT(error_of({{"ds-home", home.path("none")}}), HasSubstr("no such folder"));
    EXPECT_THAT(error_of({}, {{"DSFAILOVER_DS_HOME", home.path("none")}}),
                HasSubstr("DSFAILOVER_DS_HOME (--ds-home)"));
}

TEST_F(DsHomeTest, OneOfItsFilesMayBeAnother) {
    home.write(kConf, kYaml);
    home.write(kConfEnv, kEnv);
    const std::string env =
        home.write("own.env", "SPRING_DATASOURCE_URL=jdbc:mysql://own/ds?a=b&c=d\n");
    const std::string yaml =
        home.write("own.yaml", "registry.zookeeper.connect-string: own:2181\n");
    EXPECT_EQ(host(resolve({{"ds-home", home.path()}, {"ds-env", env}})), "own");
    EXPECT_THAT(resolve({{"ds-config", yaml}, {"ds-env", env}}).registry->hosts,
                ElementsAre("own:2181"));
    EXPECT_EQ(host(resolve({{"ds-home", home.path()}, {"ds-config", yaml}})), "env");
    EXPECT_THAT(error_of({{"ds-env", env}, {"no-ds-env", "true"}}),
                HasSubstr("--ds-env and --no-ds-env exclude each other"));
    EXPECT_EQ(host(resolve({{"ds-env", env}}, {{"DSFAILOVER_NO_DS_ENV", "true"}})), "own");
}

TEST_F(DsHomeTest, TheEnvFileBesideAnApplicationYamlIsRead) {
    const std::string yaml = home.write(kConf, kYaml);
    home.write(kConfEnv, kEnv);
    const Settings settings = resolve({{"ds-config", yaml}});
    EXPECT_EQ(host(settings), "env");
    EXPECT_EQ(origin_of(settings, "ds-env"), "option --ds-config");
    EXPECT_EQ(host(resolve({{"ds-config", yaml}}, {{"DSFAILOVER_NO_DS_ENV", "true"}})), "yaml");
    EXPECT_EQ(host(resolve({}, {{"DSFAILOVER_DS_CONFIG", yaml}})), "env");
}

TEST_F(DsHomeTest, DatabaseIsTheProfileWhereNothingElseIs) {
    const std::string yaml = home.write("conf/application.yaml", kYaml);
    const std::string env = home.write(".env", "HUB=apache\nDATABASE=mysql\n");
    const auto type = [&](const GivenOptions& more, const Variables& variables = {}) {
        GivenOptions given = {{"ds-config", yaml}};
        given.insert(more.begin(), more.end());
        return resolve(given, variables).database->type;
    };
    EXPECT_EQ(type({{"ds-env", env}}), DatabaseType::mysql);
    EXPECT_EQ(type({{"ds-env", env}, {"profile", "postgresql"}}), DatabaseType::postgresql);
    EXPECT_EQ(type({{"ds-env", env}}, {{"SPRING_PROFILES_ACTIVE", "postgresql"}}),
              DatabaseType::postgresql);
    EXPECT_EQ(type({}, {{"DATABASE", "mysql"}}), DatabaseType::postgresql);
    // The profile belongs to the place.
    EXPECT_EQ(type({{"ds-env", env}}, {{"DSFAILOVER_PROFILE", "postgresql"}}), DatabaseType::mysql);
    EXPECT_EQ(type({}, {{"DSFAILOVER_PROFILE", "mysql"}}), DatabaseType::mysql);
    home.write(".env", "DATABASE=oracle\n");
    EXPECT_THAT(resolve({{"ds-config", yaml}, {"ds-env", env}}).warnings,
                ElementsAre(HasSubstr(env + ":1: DATABASE is oracle: ")));
}

TEST_F(DsHomeTest, AnAssignmentWinsOverTheEnvironmentAndThatOverTheYaml) {
    home.write(kConf, kYaml);
    home.write(kConfEnv,
               "export SPRING_DATASOURCE_URL=jdbc:postgresql://env/ds\n"
               "export SPRING_DATASOURCE_USERNAME=\n");
    const Settings settings = resolve(
        {{"ds-home", home.path()}}, {{"SPRING_DATASOURCE_URL", "jdbc:postgresql://environment/ds"},
                                     {"SPRING_DATASOURCE_USERNAME", "of-environment"},
                                     {"SPRING_DATASOURCE_PASSWORD", "of-environment"}});
    EXPECT_EQ(host(settings), "env");
    EXPECT_EQ(settings.database->user, "root");  // set to nothing is not set
    EXPECT_EQ(settings.database->password.reveal(), "of-environment");
}

TEST_F(DsHomeTest, PlaceholdersOfTheYamlSeeTheEnvFile) {
    home.write(kConf, "spring.datasource.url: jdbc:postgresql://${DB_HOST:localhost}/ds\n");
    home.write(kConfEnv, "export DB_HOST=db7\n");
    EXPECT_EQ(host(resolve({{"ds-home", home.path()}})), "db7");
}

TEST_F(DsHomeTest, APlaceNamedOnTheCommandLineIsThePlace) {
    home.write(kConf, kYaml);
    home.write(kConfEnv, kEnv);
    const Variables own = {{"DSFAILOVER_DATABASE", "postgresql://someone@own/ds"},
                           {"DSFAILOVER_DATABASE_PASSWORD", "own"},
                           {"DSFAILOVER_REGISTRY", "etcd://own/own"},
                           {"DSFAILOVER_TIME_ZONE", "+01:00"}};
    const Settings named = resolve({{"ds-home", home.path()}}, own);
    EXPECT_EQ(named.database->endpoint(), "mysql://env:3306/ds");
    EXPECT_EQ(named.database->user, "ds");
    EXPECT_EQ(named.database->password.reveal(), "Kx-9!7");
    EXPECT_THAT(named.registry->hosts, ElementsAre("zk1:2181"));
    EXPECT_EQ(named.registry->name_space, "/dolphinscheduler");
    EXPECT_EQ(named.time_zone, "Asia/Shanghai");
    EXPECT_FALSE(named.zone_is_own);
    EXPECT_THAT(named.warnings, IsEmpty());

    Variables all = own;
    all["DSFAILOVER_DS_HOME"] = home.path();
    const Settings usual = resolve({}, all);
    EXPECT_EQ(host(usual), "own");
    EXPECT_EQ(usual.database->password.reveal(), "own");
    EXPECT_EQ(usual.registry->name_space, "own");
    EXPECT_EQ(usual.time_zone, "+01:00");
    EXPECT_TRUE(usual.zone_is_own);

    const Settings options = resolve({{"ds-home", home.path()},
                                      {"database", "postgresql://me@option/ds"},
                                      {"registry", "zookeeper://option/option"},
                                      {"time-zone", "+02:00"}},
                                     own);
    EXPECT_EQ(host(options), "option");
    EXPECT_EQ(options.registry->name_space, "/option");
    EXPECT_EQ(options.time_zone, "+02:00");
}

TEST_F(DsHomeTest, WhatThePlaceLacksMayComeFromElsewhere) {
    home.write(kBinEnv, "export SPRING_DATASOURCE_URL=jdbc:postgresql://env/ds?user=u\n");
    const Settings settings =
        resolve({{"ds-home", home.path()}}, {{"DSFAILOVER_DATABASE_PASSWORD", "own"},
                                             {"DSFAILOVER_REGISTRY", "zookeeper://own/ds"},
                                             {"DSFAILOVER_TIME_ZONE", "+01:00"}});
    EXPECT_EQ(settings.database->password.reveal(), "own");
    EXPECT_EQ(settings.registry->name_space, "/ds");
    EXPECT_EQ(settings.time_zone, "+01:00");
    EXPECT_THAT(settings.warnings,
                ElementsAre(AllOf(HasSubstr(home.path(kBinEnv) + ":1: SPRING_DATASOURCE_URL"),
                                  HasSubstr("DSFAILOVER_REGISTRY"), HasSubstr("one cluster"))));
}

TEST_F(DsHomeTest, ThePlaceOfTheStrongestSourceIsTheOnlyOne) {
    home.write(kConf, kYaml);
    home.write(kConfEnv, kEnv);
    const std::string yaml = home.write(
        "own.yaml", "spring.datasource.url: jdbc:postgresql://own/ds\nregistry.type: jdbc\n");
    const Settings settings = resolve({{"ds-config", yaml}}, {{"DSFAILOVER_DS_HOME", home.path()}});
    EXPECT_EQ(host(settings), "own");
    EXPECT_EQ(settings.registry->type, RegistrySettings::Type::jdbc);
}

TEST(Settings, DatabaseAndRegistryFromDifferentKindsOfSourcesAreNamed) {
    const Variables environment = {{"DSFAILOVER_REGISTRY", "zookeeper://h/ds"}};
    EXPECT_THAT(
        resolve({{"database", "postgresql://u@db/ds"}}, environment).warnings,
        ElementsAre(AllOf(HasSubstr("option --database"), HasSubstr("DSFAILOVER_REGISTRY"))));
    EXPECT_THAT(resolve({{"database", "postgresql://u@db/ds"}, {"registry", "zookeeper://h/ds"}},
                        environment)
                    .warnings,
                IsEmpty());
    // In the database there is nothing to be mixed up.
    EXPECT_THAT(
        resolve({{"database", "postgresql://u@db/ds"}}, {{"DSFAILOVER_REGISTRY", "jdbc"}}).warnings,
        IsEmpty());
}

TEST_F(DsHomeTest, WhatItDoesNotNameIsSaidWithItsFiles) {
    home.write(kConf, "registry.zookeeper.connect-string: zk:2181\n");
    EXPECT_THAT(error_of({{"ds-home", home.path()}}),
                AllOf(HasSubstr("no database is configured"), HasSubstr(home.path(kConf)),
                      HasSubstr("--database postgresql://")));
    EXPECT_THAT(error_of({}), testing::StartsWith("no database is configured: give "
                                                  "DolphinScheduler's folder, --ds-home "));
}

TEST_F(DsHomeTest, EtcdHasTlsOnlyWhereTheMastersHaveIt) {
    const auto etcd = [&](std::string_view more) {
        home.write("master-server/conf/ca.pem", "");
        home.write("etcd.key", "");
        home.write(kConf, "registry:\n  type: etcd\n  endpoints: " + std::string(more));
        return resolve({{"ds-home", home.path()}});
    };
    const Settings plain = etcd("http://e:2379\n  cert-file: ca.pem\n");
    EXPECT_FALSE(plain.registry->tls);
    EXPECT_EQ(plain.registry->ca, "");
    EXPECT_THAT(plain.warnings,
                ElementsAre(AllOf(HasSubstr(":4: registry.cert-file"), HasSubstr("without TLS"))));
    const Settings by_scheme = etcd("https://e:2379\n  cert-file: ca.pem\n");
    EXPECT_TRUE(by_scheme.registry->tls);
    EXPECT_EQ(by_scheme.registry->ca, home.path("master-server/conf/ca.pem"));
    const Settings all =
        etcd("e:2379\n  certFile: ca.pem\n  keyCertChainFile: /client.pem\n  keyFile: etcd.key\n");
    EXPECT_TRUE(all.registry->tls);
    EXPECT_EQ(all.registry->cert, "/client.pem");
    EXPECT_EQ(all.registry->key, home.path("etcd.key"));
    EXPECT_THAT(all.warnings, IsEmpty());
    EXPECT_THAT(all.origins,
                Contains(testing::Field(&SettingOrigin::value, "etcds://e:2379/dolphinscheduler")));
}

/// The parts of a release's application.yaml that matter, as they stand around others.
struct Layout {
    const char* release;
    const char* yaml;
};
class ApplicationYaml : public testing::TestWithParam<Layout> {};

TEST_P(ApplicationYaml, IsUnderstoodAlone) {
    const TemporaryFolder home;
    home.write(kConf, GetParam().yaml);
    const Settings settings = resolve({{"ds-home", home.path()}});
    EXPECT_EQ(settings.database->endpoint(), "postgresql://127.0.0.1:5432/dolphinscheduler");
    EXPECT_EQ(settings.database->user, "root");
    EXPECT_EQ(settings.registry->name_space, "/dolphinscheduler");
    EXPECT_THAT(settings.warnings, IsEmpty());
    home.write(kBinEnv,
               "export DATABASE=${DATABASE:-mysql}\nexport SPRING_PROFILES_ACTIVE=${DATABASE}\n");
    const Settings mysql = resolve({{"ds-home", home.path()}});
    EXPECT_EQ(mysql.database->type, DatabaseType::mysql);
    EXPECT_THAT(mysql.warnings, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Releases, ApplicationYaml,
    testing::Values(
        Layout{
            "3.2",
            "spring:\n  banner:\n    charset: UTF-8\n  cache:\n    type: none\n    cache-names:\n"
            "      - tenant\n      - user\n    caffeine:\n      spec: "
            "maximumSize=100,expireAfterWrite=300s\n"
            "  datasource:\n    driver-class-name: org.postgresql.Driver\n"
            "    url: jdbc:postgresql://127.0.0.1:5432/dolphinscheduler\n"
            "    username: root\n    password: root\n"
            "registry:\n  type: zookeeper\n  zookeeper:\n    namespace: dolphinscheduler\n"
            "    connect-string: localhost:2181\n    session-timeout: 30s\n"
            "    connection-timeout: 9s\n    block-until-connected: 600ms\n    digest: ~\n"
            "metrics:\n  enabled: true\n# Override by profile\n---\nspring:\n  config:\n"
            "    activate:\n      on-profile: mysql\n  datasource:\n"
            "    url: "
            "jdbc:mysql://127.0.0.1:3306/dolphinscheduler?useUnicode=true&characterEncoding=UTF-8\n"
            "    username: root\n    password: root\n"},
        Layout{"3.3",
               "spring:\n  profiles:\n    active: postgresql\n  jackson:\n    time-zone: UTC\n"
               "  datasource:\n    url: jdbc:postgresql://127.0.0.1:5432/dolphinscheduler\n"
               "    username: root\n    password: root\n    hikari:\n      pool-name: "
               "DolphinScheduler\n"
               "  cloud.discovery.client.composite-indicator.enabled: false\n"
               "registry:\n  type: zookeeper\n  zookeeper:\n    namespace: dolphinscheduler\n"
               "    connect-string: localhost:2181\n    digest: ~\n"
               "management:\n  metrics:\n    tags:\n      application: ${spring.application.name}\n"
               "---\nspring:\n  config:\n    activate:\n      on-profile: postgresql\n  quartz:\n"
               "    properties:\n      org.quartz.jobStore.isClustered: true\n"
               "---\nspring:\n  config:\n    activate:\n      on-profile: mysql\n  datasource:\n"
               "    url: jdbc:mysql://127.0.0.1:3306/dolphinscheduler?useUnicode=true\n"},
        Layout{"3.4",
               "spring:\n  profiles:\n    active: postgresql\n  datasource:\n"
               "    url: jdbc:postgresql://127.0.0.1:5432/dolphinscheduler\n    username: root\n"
               "    password: root\n"
               "scheduler-plugin:\n  quartz:\n    using-separate-datasource: false\n    # hikari:\n"
               "registry:\n  type: zookeeper\n  zookeeper:\n    namespace: dolphinscheduler\n"
               "    connect-string: localhost:2181\n"
               "management:\n  security:\n    exclude: [health,metrics]\n"
               "\n---\nspring:\n  config:\n    activate:\n      on-profile: mysql\n  datasource:\n"
               "    url: jdbc:mysql://127.0.0.1:3306/dolphinscheduler\n"}),
    [](const auto& one) {
        std::string name = one.param.release;
        std::erase(name, '.');
        return "Release" + name;
    });

TEST(Settings, TheVariablesOfHelmAreEnough) {
    const Variables variables = {
        {"TZ", "Asia/Shanghai"},
        {"SPRING_JACKSON_TIME_ZONE", "Asia/Shanghai"},
        {"DATABASE", "postgresql"},
        {"SPRING_DATASOURCE_URL",
         "jdbc:postgresql://ds-postgresql:5432/dolphinscheduler?characterEncoding=utf8"},
        {"SPRING_DATASOURCE_USERNAME", "root"},
        {"SPRING_DATASOURCE_PASSWORD", "root"},
        {"REGISTRY_TYPE", "zookeeper"},
        {"REGISTRY_ZOOKEEPER_CONNECT_STRING", "ds-zookeeper:2181"}};
    const Settings settings = resolve({}, variables);
    EXPECT_EQ(host(settings), "ds-postgresql");
    EXPECT_THAT(settings.registry->hosts, ElementsAre("ds-zookeeper:2181"));
    EXPECT_EQ(settings.time_zone, "Asia/Shanghai");
    EXPECT_THAT(settings.warnings, IsEmpty());
    // In the container, whose folder has what its start script sources.
    const TemporaryFolder container;
    container.write("conf/application.yaml", kYaml);
    container.write(
        "conf/dolphinscheduler_env.sh",
        "export DATABASE=${DATABASE:-mysql}\nexport SPRING_PROFILES_ACTIVE=${DATABASE}\n"
        "export SPRING_DATASOURCE_URL\nexport REGISTRY_ZOOKEEPER_CONNECT_STRING="
        "${REGISTRY_ZOOKEEPER_CONNECT_STRING:-localhost:2181}\n");
    const Settings inside = resolve({{"ds-home", container.path()}}, variables);
    EXPECT_EQ(host(inside), "ds-postgresql");
    EXPECT_THAT(inside.registry->hosts, ElementsAre("ds-zookeeper:2181"));
    EXPECT_THAT(inside.warnings, IsEmpty());
}

TEST(Settings, EtcdHasALoginOnlyWhereTheMastersHaveIt) {
    const Variables variables = {{"REGISTRY_TYPE", "etcd"}, {"REGISTRY_ENDPOINTS", "e:2379"}};
    for (const auto& [name, value] :
         {std::pair("REGISTRY_USER", "u"), {"REGISTRY_PASSWORD", "p"}}) {
        Variables half = variables;
        half[name] = value;
        const Settings settings = resolve({}, half);
        EXPECT_EQ(settings.registry->user, "");
        EXPECT_TRUE(settings.registry->password.empty());
        EXPECT_THAT(settings.warnings, ElementsAre(HasSubstr(std::string(name) + ": ")));
    }
    Variables half = variables;
    half["REGISTRY_USER"] = "u";
    half["DSFAILOVER_REGISTRY_PASSWORD"] = "p";
    const Settings settings = resolve({}, half);
    EXPECT_EQ(settings.registry->user, "u");
    EXPECT_EQ(settings.registry->password.reveal(), "p");
}

TEST(OptionValues, OurOwnFilesAreReadWhereTheyUsuallyAre) {
    const TemporaryFolder home, machine;
    machine.write("config.yaml", "grace: 1m\nlimit: 1\nitems: 1\n");
    const auto values = [&](const Variables& variables, const GivenOptions& given = {}) {
        return collect_options(given, environment_of(variables), machine.path());
    };
    EXPECT_EQ(find(values({}), "grace")->origin, machine.path("config.yaml") + ":1");
    home.write(".config/dsfailover/config.yaml", "grace: 2m\nlimit: 2\n");
    const OptionValues user = values({{"HOME", home.path()}});
    EXPECT_EQ(find(user, "grace")->value, "2m");
    EXPECT_EQ(find(user, "items")->value, "1");
    home.write("xdg/dsfailover/config.yaml", "grace: 3m\n");
    const OptionValues xdg = values({{"HOME", home.path()}, {"XDG_CONFIG_HOME", home.path("xdg")}});
    EXPECT_EQ(find(xdg, "grace")->value, "3m");
    EXPECT_EQ(find(xdg, "limit")->value, "1");
    const std::string given = home.write("given.yaml", "grace: 4m\n");
    const OptionValues all = values({{"HOME", home.path()}}, {{"config", given}});
    EXPECT_EQ(find(all, "grace")->origin, given + ":1 (--config)");
    EXPECT_EQ(find(all, "limit")->value, "2");
    // XDG knows no relative folders.
    EXPECT_EQ(find(values({{"HOME", home.path()}, {"XDG_CONFIG_HOME", "xdg"}}), "grace")->value,
              "2m");
    home.write(".config/dsfailover/config.yaml", "grace: 2m\nfence: true\n");
    try {
        values({{"HOME", home.path()}});
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("config.yaml:2: --fence can only be given"));
    }
}

}  // namespace
}  // namespace dsfailover
