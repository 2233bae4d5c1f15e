#include "config/registry_url.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace dsfailover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Type = RegistrySettings::Type;

RegistryUrl read(std::string_view url) { return read_registry_url(url, "--registry"); }

std::string error_of(std::string_view url) {
    try {
        read(url);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

TEST(RegistryUrl, ZookeeperHasHostsAndANamespace) {
    const RegistrySettings settings = read("zookeeper://h1:2182,h2,[::1]:2181/prod/ds").settings;
    EXPECT_EQ(settings.type, Type::zookeeper);
    EXPECT_THAT(settings.hosts, ElementsAre("h1:2182", "h2:2181", "[::1]:2181"));
    EXPECT_EQ(settings.name_space, "/prod/ds");
    EXPECT_FALSE(settings.tls);
}

TEST(RegistryUrl, TheNamespaceOfTheReferenceIsTheDefault) {
    EXPECT_EQ(read("zookeeper://h").settings.name_space, "/dolphinscheduler");
    EXPECT_EQ(read("zookeeper://h/").settings.name_space, "/dolphinscheduler");
    EXPECT_EQ(read("etcd://h").settings.name_space, "dolphinscheduler");
}

TEST(RegistryUrl, ANamespaceOfEtcdIsKeptAsItIs) {
    EXPECT_EQ(read("etcd://h/ds").settings.name_space, "ds");
    EXPECT_EQ(read("etcd://h//ds").settings.name_space, "/ds");
    EXPECT_EQ(read("etcd://h/%2Fds").settings.name_space, "/ds");
    EXPECT_EQ(read("etcd://h/ds/").settings.name_space, "ds/");
    EXPECT_EQ(registry_name_space(Type::etcd, "/ds", "x"), "/ds");
}

TEST(RegistryUrl, EtcdCanHaveTls) {
    EXPECT_THAT(read("etcd://h").settings.hosts, ElementsAre("h:2379"));
    EXPECT_FALSE(read("etcd://h").settings.tls);
    EXPECT_TRUE(read("etcds://h").settings.tls);
    EXPECT_TRUE(read("etcd://h/ds?tls=true").settings.tls);
}

TEST(RegistryUrl, OurSessionIsShortUnlessAskedOtherwise) {
    EXPECT_EQ(read("zookeeper://h").settings.session_timeout, Millis(10'000));
    const RegistrySettings settings =
        read("zookeeper://h/ds?session-timeout=20s&connect-timeout=3s").settings;
    EXPECT_EQ(settings.session_timeout, Millis(20'000));
    EXPECT_EQ(settings.connect_timeout, Millis(3'000));
}

TEST(RegistryUrl, JdbcIsInTheDatabaseOrInOneOfItsOwn) {
    EXPECT_TRUE(read("jdbc").in_database);
    EXPECT_EQ(read("jdbc").settings.type, Type::jdbc);
    for (const char* url : {"jdbc:postgresql://reg/ds", "postgresql://reg/ds"}) {
        const RegistryUrl own = read(url);
        EXPECT_FALSE(own.in_database);
        EXPECT_EQ(own.settings.type, Type::jdbc);
        EXPECT_EQ(own.settings.database.hosts[0].first, "reg");
        EXPECT_EQ(own.settings.name_space, "");
    }
    EXPECT_EQ(read("sqlite:x.db").settings.database.file, "x.db");
}

TEST(RegistryUrl, AUserAndPasswordInTheUrlWork) {
    const RegistryUrl url = read("etcd://u:s3cret@h");
    EXPECT_EQ(url.settings.user, "u");
    EXPECT_EQ(url.settings.password.reveal(), "s3cret");
    EXPECT_TRUE(url.has_password);
}

struct Bad {
    const char* url;
    const char* reason;
};
class BadRegistryUrl : public testing::TestWithParam<Bad> {};

TEST_P(BadRegistryUrl, IsRefusedWithAReasonAndWithoutItsPassword) {
    const std::string message = error_of(GetParam().url);
    EXPECT_THAT(message, HasSubstr("--registry"));
    EXPECT_THAT(message, HasSubstr(GetParam().reason));
    EXPECT_THAT(message, Not(HasSubstr("s3cret")));
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, BadRegistryUrl,
    testing::Values(Bad{"", "supported are"}, Bad{"h1:2181", "supported are"},
                    Bad{"consul://u:s3cret@h", "supported are"},
                    Bad{"zookeepers://u:s3cret@h/ds", "stunnel"},
                    Bad{"zookeeper:h", "supported are"}, Bad{"zookeeper://", "no host"},
                    Bad{"zookeeper://h:0", "port"}, Bad{"zookeeper://u:s3cret@h:x", "port"},
                    Bad{"zookeeper://h,,i/ds", "host"}, Bad{"zookeeper://h/ds/../x", "namespace"},
                    Bad{"zookeeper://h/a//b", "namespace"}, Bad{"etcd://h/a%0Ab", "namespace"},
                    Bad{"zookeeper://h/ds?tls=true", "tls"}, Bad{"etcd://h?tls=maybe", "tls"},
                    Bad{"zookeeper://h/ds?session-timeout=1ms", "session-timeout"},
                    Bad{"zookeeper://h/ds?session-timeout=soon", "session-timeout"},
                    Bad{"jdbc:oracle:thin:@u/s3cret@h", "supported are"},
                    Bad{"sqlite:", "names no file"}));

}  // namespace
}  // namespace dsfailover
