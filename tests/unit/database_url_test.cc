#include "config/database_url.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "config/url.h"

namespace dsfailover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

DatabaseUrl read(std::string_view url) { return read_database_url(url, "--database"); }

std::string error_of(std::string_view url) {
    try {
        read(url);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

TEST(DatabaseUrl, SqliteNamesAFile) {
    EXPECT_EQ(read("sqlite:sandbox.db").settings.file, "sandbox.db");
    EXPECT_EQ(read("sqlite:/srv/x y.db").settings.file, "/srv/x y.db");
    EXPECT_EQ(read("sqlite:///srv/x.db").settings.file, "/srv/x.db");
    EXPECT_THAT(error_of("sqlite:"), HasSubstr("names no file"));
    EXPECT_THAT(error_of("sqlite::memory:"), HasSubstr("memory"));
}

struct Server {
    const char* url;
    DatabaseType type;
    std::vector<std::pair<std::string, int>> hosts;
    const char* database;
    const char* user;
    const char* password;
};

class ServerUrl : public testing::TestWithParam<Server> {};

TEST_P(ServerUrl, IsTakenApart) {
    const DatabaseUrl url = read(GetParam().url);
    EXPECT_EQ(url.settings.type, GetParam().type);
    EXPECT_EQ(url.settings.hosts, GetParam().hosts);
    EXPECT_EQ(url.settings.database, GetParam().database);
    EXPECT_EQ(url.settings.user, GetParam().user);
    EXPECT_EQ(url.settings.password.reveal(), GetParam().password);
    EXPECT_EQ(url.has_password, *GetParam().password != '\0');
    EXPECT_THAT(url.warnings, IsEmpty());
}

constexpr DatabaseType kPostgresql = DatabaseType::postgresql;
constexpr DatabaseType kMysql = DatabaseType::mysql;
INSTANTIATE_TEST_SUITE_P(
    Forms, ServerUrl,
    testing::Values(
        Server{"postgresql://ds@db/ds", kPostgresql, {{"db", 5432}}, "ds", "ds", ""},
        Server{"postgres://db:6432/ds", kPostgresql, {{"db", 6432}}, "ds", "", ""},
        Server{"postgresql://u%40x:p%2F%3A%25@db/a%20b",
               kPostgresql,
               {{"db", 5432}},
               "a b",
               "u@x",
               "p/:%"},
        Server{"postgresql://u:p@w@db/ds", kPostgresql, {{"db", 5432}}, "ds", "u", "p@w"},
        Server{"postgresql://[::1]:5433,db2/ds",
               kPostgresql,
               {{"::1", 5433}, {"db2", 5432}},
               "ds",
               "",
               ""},
        Server{"postgresql://%2Fvar%2Frun%2Fpostgresql/ds",
               kPostgresql,
               {{"/var/run/postgresql", 5432}},
               "ds",
               "",
               ""},
        Server{"postgresql:///ds?host=/var/run/postgresql&user=me",
               kPostgresql,
               {{"/var/run/postgresql", 5432}},
               "ds",
               "me",
               ""},
        Server{"mysql://ds@db/ds", kMysql, {{"db", 3306}}, "ds", "ds", ""},
        Server{"mariadb://db:3307/ds", kMysql, {{"db", 3307}}, "ds", "", ""},
        Server{"jdbc:postgresql://127.0.0.1:5432/dolphinscheduler",
               kPostgresql,
               {{"127.0.0.1", 5432}},
               "dolphinscheduler",
               "",
               ""},
        Server{"jdbc:postgresql:ds", kPostgresql, {{"localhost", 5432}}, "ds", "", ""},
        Server{"jdbc:postgresql:///ds", kPostgresql, {{"localhost", 5432}}, "ds", "", ""},
        Server{"jdbc:postgresql://a,b:5433,[fe80::2]/ds?user=u&password=p%26q",
               kPostgresql,
               {{"a", 5432}, {"b", 5433}, {"fe80::2", 5432}},
               "ds",
               "u",
               "p&q"},
        Server{"jdbc:mysql://127.0.0.1:3306/dolphinscheduler?useUnicode=true&characterEncoding="
               "UTF-8&allowPublicKeyRetrieval=true&zeroDateTimeBehavior=convertToNull",
               kMysql,
               {{"127.0.0.1", 3306}},
               "dolphinscheduler",
               "",
               ""},
        Server{
            "jdbc:mysql://u:p@h1,h2:3307/ds", kMysql, {{"h1", 3306}, {"h2", 3307}}, "ds", "u", "p"},
        Server{"jdbc:mariadb://h/ds", kMysql, {{"h", 3306}}, "ds", "", ""}));

TEST(DatabaseUrl, PostgresqlParametersAreUnderstood) {
    const DatabaseSettings settings =
        read(
            "jdbc:postgresql://db/ds?currentSchema=dolphin&connectTimeout=3&socketTimeout=120"
            "&sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem")
            .settings;
    EXPECT_EQ(settings.schema, "dolphin");
    EXPECT_EQ(settings.connect_timeout, Millis(3000));
    EXPECT_EQ(settings.statement_timeout, Millis(120'000));
    EXPECT_EQ(settings.tls_mode, "verify-full");
    EXPECT_EQ(settings.tls_ca, "/ca.pem");
    EXPECT_EQ(settings.tls_cert, "/c.pem");
    EXPECT_EQ(settings.tls_key, "/k.pem");
}

TEST(DatabaseUrl, TimesOfMysqlsJdbcDriverAreMilliseconds) {
    EXPECT_EQ(read("jdbc:mysql://db/ds?connectTimeout=3000").settings.connect_timeout,
              Millis(3000));
    EXPECT_EQ(read("mysql://db/ds?connectTimeout=3").settings.connect_timeout, Millis(3000));
}

TEST(DatabaseUrl, AShortSocketTimeoutDoesNotCutOffALongScan) {
    const Millis unchanged = DatabaseSettings().statement_timeout;
    EXPECT_EQ(read("jdbc:postgresql://db/ds?socketTimeout=5").settings.statement_timeout,
              unchanged);
    EXPECT_EQ(read("jdbc:mysql://db/ds?socketTimeout=0").settings.statement_timeout, unchanged);
    EXPECT_EQ(read("jdbc:mysql://db/ds?connectTimeout=0").settings.connect_timeout,
              DatabaseSettings().connect_timeout);
}

struct Tls {
    const char* url;
    const char* mode;
};
class TlsMode : public testing::TestWithParam<Tls> {};

TEST_P(TlsMode, FollowsTheDriver) {
    EXPECT_EQ(read(GetParam().url).settings.tls_mode, GetParam().mode);
}

INSTANTIATE_TEST_SUITE_P(
    Drivers, TlsMode,
    testing::Values(
        Tls{"jdbc:postgresql://db/ds", ""}, Tls{"jdbc:postgresql://db/ds?ssl=true", "verify-full"},
        Tls{"jdbc:postgresql://db/ds?ssl=false", "disable"},
        Tls{"jdbc:postgresql://db/ds?ssl=true&sslmode=require", "require"},
        Tls{"jdbc:postgresql://db/ds?sslfactory=org.postgresql.ssl.NonValidatingFactory&ssl=true",
            "require"},
        Tls{"postgresql://db/ds?sslmode=allow", "prefer"}, Tls{"jdbc:mysql://db/ds", "prefer"},
        Tls{"mysql://db/ds", ""}, Tls{"jdbc:mariadb://db/ds", ""},
        Tls{"jdbc:mysql://db/ds?requireSSL=true", "require"},
        Tls{"jdbc:mysql://db/ds?useSSL=false", "disable"},
        Tls{"jdbc:mysql://db/ds?useSSL=true", "prefer"},
        Tls{"jdbc:mysql://db/ds?requireSSL=true&useSSL=true", "require"},
        Tls{"jdbc:mysql://db/ds?requireSSL=true&useSSL=false", "disable"},
        Tls{"jdbc:mysql://db/ds?useSSL=true&verifyServerCertificate=true", "verify-ca"},
        Tls{"jdbc:mysql://db/ds?useSSL=false&sslMode=VERIFY_IDENTITY", "verify-full"},
        Tls{"jdbc:mysql://db/ds?sslMode=REQUIRED", "require"},
        Tls{"mysql://db/ds?ssl-mode=VERIFY_CA", "verify-ca"}));

TEST(DatabaseUrl, TheZoneOfMysqlsDriverIsKept) {
    EXPECT_EQ(read("jdbc:mysql://db/ds?serverTimezone=Asia/Shanghai").time_zone, "Asia/Shanghai");
    EXPECT_EQ(read("jdbc:mysql://db/ds?serverTimezone=GMT%2B8").time_zone, "GMT+8");
    EXPECT_EQ(read("jdbc:mysql://db/ds?serverTimezone=GMT+8").time_zone, "GMT+8");
    EXPECT_EQ(read("jdbc:mysql://db/ds?connectionTimeZone=SERVER").time_zone, "SERVER");
    EXPECT_EQ(read("jdbc:mysql://db/ds?connectionTimeZone=LOCAL").time_zone, std::nullopt);
    EXPECT_EQ(read("jdbc:mysql://db/ds?preserveInstants=false&serverTimezone=GMT").time_zone,
              std::nullopt);
}

TEST(DatabaseUrl, TheZoneOfMysqlsSessionIsThatOfTheMasters) {
    const auto session_zone = [](const char* parameters) {
        return read(std::string("jdbc:mysql://db/ds?") + parameters).settings.session_time_zone;
    };
    EXPECT_EQ(session_zone("serverTimezone=Asia/Shanghai"), "");
    const std::string force = "forceConnectionTimeZoneToSession=true&connectionTimeZone=";
    for (const auto& [zone, session] :
         std::vector<std::pair<std::string, std::string>>{{"Asia/Shanghai", "Asia/Shanghai"},
                                                          {"UTC", "+00:00"},
                                                          {"GMT%2B8", "+08:00"},
                                                          {"-0330", "-03:30"},
                                                          {"%2B05:30", "+05:30"},
                                                          {"SERVER", ""}})
        EXPECT_EQ(session_zone((force + zone).c_str()), session) << zone;
    EXPECT_EQ(session_zone("sessionVariables=sql_mode='',time_zone='%2B08:00'"), "+08:00");
    EXPECT_THAT(error_of("jdbc:mysql://db/ds?forceConnectionTimeZoneToSession=true"),
                HasSubstr("connectionTimeZone"));
    EXPECT_THAT(error_of("jdbc:mysql://db/ds?sessionVariables=time_zone"),
                HasSubstr("sessionVariables"));
}

TEST(DatabaseUrl, WhatTheDriversDoBesidesIsKept) {
    EXPECT_EQ(read("jdbc:postgresql://db/ds?channelBinding=require").settings.channel_binding,
              "require");
    EXPECT_TRUE(read("jdbc:mysql://a,b/ds").settings.fail_over_read_only);
    EXPECT_FALSE(read("jdbc:mysql://a,b/ds?failOverReadOnly=false").settings.fail_over_read_only);
}

TEST(DatabaseUrl, UnknownParametersAreWarnedAboutByName) {
    const DatabaseUrl url = read("jdbc:postgresql://db/ds?shoeSize=s3cret");
    EXPECT_THAT(url.warnings, ElementsAre(HasSubstr("shoeSize")));
    EXPECT_THAT(url.warnings[0], Not(HasSubstr("s3cret")));
}

struct Bad {
    const char* url;
    const char* reason;
};
TEST(DatabaseUrl, OceanBaseIsSpokenToAsMySqlWithAWarning) {
    const DatabaseUrl url = read_database_url("jdbc:oceanbase://127.0.0.1/ds", "--database");
    EXPECT_EQ(url.settings.type, DatabaseType::mysql);
    EXPECT_EQ(url.settings.hosts[0].second, 2881);
    ASSERT_EQ(url.warnings.size(), 1U);
    EXPECT_THAT(url.warnings[0], HasSubstr("as MySQL"));
}

class BadUrl : public testing::TestWithParam<Bad> {};

TEST_P(BadUrl, IsRefusedWithAReasonAndWithoutItsPassword) {
    const std::string message = error_of(GetParam().url);
    EXPECT_THAT(message, HasSubstr("--database"));
    EXPECT_THAT(message, HasSubstr(GetParam().reason));
    EXPECT_THAT(message, Not(HasSubstr("s3cret")));
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, BadUrl,
    testing::Values(
        Bad{"", "supported are"}, Bad{"oracle://u:s3cret@h/db", "supported are"},
        Bad{"db.example.com", "supported are"}, Bad{"jdbc:oracle:thin:@h", "Oracle is a kind"},
        Bad{"jdbc:dm://u:s3cret@h:5236/ds", "DM is a kind"},
        Bad{"jdbc:opengauss://h/ds", "openGauss is a kind"},
        Bad{"jdbc:kingbase8://h/ds?password=s3cret", "KingbaseES is a kind"},
        Bad{"jdbc:h2:mem:dolphinscheduler", "H2"}, Bad{"postgresql://u:s3cret@/ds", "no host"},
        Bad{"postgresql://u:s3cret@db", "no database"}, Bad{"postgresql://db/", "no database"},
        Bad{"postgresql://db/a/b", "no database"}, Bad{"postgresql://u:s3cret@db:x/ds", "port"},
        Bad{"mysql://u:s3cret@db:0/ds", "port"}, Bad{"mysql://u:s3cret@db:65536/ds", "port"},
        Bad{"mysql://u:s3cret@::1/ds", "IPv6"}, Bad{"mysql://u:s3cret@[::1/ds", "']'"},
        Bad{"mysql://u:s3cret@[::1]x/ds", "']'"}, Bad{"mysql://u:s3cret%zz@db/ds", "%25"},
        Bad{"mysql://u:s3cret@db/ds%0", "%25"}, Bad{"mysql://u:s3cret/x@db/ds", "%2F"},
        Bad{"mysql://u:p@s3cret:1:2/ds", "IPv6"},
        Bad{"jdbc:mysql:loadbalance://a,b/ds?password=s3cret", "primary"},
        Bad{"jdbc:mysql://address=(host=a)(port=1)(user=u)(password=s3cret)/ds", "HOST:PORT"},
        Bad{"jdbc:mysql://(host=h,port=3306,user=u,password=s3cret)/ds", "HOST:PORT"},
        Bad{"jdbc:sqlserver://h:1433;databaseName=ds;user=sa;password=s3cret", "supported are"},
        Bad{"jdbc:postgresql://h/d&user=u&password=s3cret", "begin with '?'"},
        Bad{"jdbc:mysql://h/d;user=u;password=s3cret", "begin with '?'"},
        Bad{"jdbc:postgresql:d;password=s3cret", "begin with '?'"},
        Bad{"jdbc:postgresql://db/ds?password=s3cret&sslmode=maybe", "sslmode"},
        Bad{"jdbc:postgresql://db/ds?connectTimeout=soon", "connectTimeout"},
        Bad{"jdbc:postgresql://db/ds?options=-c%20search_path=x", "currentSchema"},
        Bad{"jdbc:postgresql://db/ds?targetServerType=secondary", "targetServerType"},
        Bad{"jdbc:postgresql://db/ds?sslfactory=com.example.F", "sslfactory"},
        Bad{"jdbc:postgresql://db/ds?readOnly=true", "read-only"},
        Bad{"jdbc:postgresql://db/ds?sslpassword=s3cret", "a client key with a password"},
        Bad{"jdbc:mysql://db/ds?trustCertificateKeyStoreUrl=file:/x.jks", "PEM"},
        Bad{"jdbc:mysql://db/ds?useSSL=perhaps", "useSSL"}));

TEST(DatabaseUrl, APartOfAPasswordIsNotTakenForANameThatCanBeShown) {
    for (const char* url : {"jdbc:mysql://db/ds?password=ab&s3cret=1", "mysql://u:p@db/ds?s3cret",
                            "postgresql://"
                            "db/ds?s3cret&password=ab"}) {
        const DatabaseUrl result = read(url);
        ASSERT_EQ(result.warnings.size(), 1U) << url;
        EXPECT_THAT(result.warnings[0], HasSubstr("%26"));
        EXPECT_THAT(result.warnings[0], Not(HasSubstr("s3cret")));
    }
}

TEST(ShownUrl, HasNoSecretInIt) {
    for (const auto& [text, shown] : std::vector<std::pair<const char*, const char*>>{
             {"postgresql://db/ds", "postgresql://db/ds"},
             {"postgresql://u:s3cret@db/ds", "postgresql://..."},
             {"--database=postgresql://u:s3cret@db/ds", "--database=postgresql://..."},
             {"--database=jdbc:mysql://db/ds?password=s3cret", "--database=jdbc:mysql://db/ds"},
             {"jdbc:mysql://address=(host=h)(password=s3cret)/ds", "jdbc:mysql://address"},
             {"jdbc:sqlserver://h:1;user=sa;password=s3cret", "jdbc:sqlserver://h:1"},
             {"jdbc:h2:mem:ds;PASSWORD=s3cret", "jdbc:h2:mem:ds"},
             {"password=s3cret://x", "URL (hidden)"},
             {"u:s3cret@db/ds", "URL (hidden)"},
             {"failover", "failover"}})
        EXPECT_EQ(shown_url(text), shown);
}

}  // namespace
}  // namespace dsfailover
