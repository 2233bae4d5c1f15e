// What is special about etcd: its keys, as the masters read them, and its endpoints. The contract
// that all registries share is in registry_conformance_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/base64.h"
#include "conformance/etcd_server.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;

const std::string kLock = "/lock/master-failover/127.0.1.1:5678";
const auto kNobodyWaits = [](const LockClaim&, Millis) {};

class EtcdRegistryTest : public ::testing::Test {
  protected:
    void SetUp() override {
        const char* address = std::getenv("DSFAILOVER_TEST_ETCD");
        if (address == nullptr) GTEST_SKIP() << "run_conformance.py starts this server";
        server_ = std::make_unique<EtcdServer>(address);
        settings_ = server_->settings();
    }

    /// What another client finds under exactly this key.
    Json read(const std::string& key) {
        const Json answer =
            EtcdClient(settings_, Millis(5000))
                .call(EtcdClient::Access::read, "kv/range", {{"key", to_base64(key)}}, "reading");
        const Json* const keys = answer.find("kvs");
        return keys ? keys->elements()[0] : Json();
    }

    std::unique_ptr<EtcdServer> server_;
    RegistrySettings settings_;
};

TEST_F(EtcdRegistryTest, AKeyIsTheNamespaceAndThePath) {
    const auto registry = open_registry(settings_);
    registry->put("/nodes/failover-finish-nodes/a:1-5-7", "1795331879415", "");
    EXPECT_EQ(
        etcd_bytes(read(settings_.name_space + "/nodes/failover-finish-nodes/a:1-5-7"), "value"),
        "1795331879415");
    EXPECT_TRUE(read(settings_.name_space + "/nodes/failover-finish-nodes").is_null())
        << "there are no folders";
}

TEST_F(EtcdRegistryTest, ALockIsTheKeyThatTheLockServiceNamesAfterALeaseOfTenSeconds) {
    const auto registry = open_registry(settings_);
    const LockAttempt attempt = registry->lock(kLock, Millis(2000), kNobodyWaits);
    const LockClaim claim = registry->claims(kLock).at(0);
    EXPECT_EQ(claim.id, settings_.name_space + kLock + "/" + claim.owner);
    const Json key = read(claim.id);
    EXPECT_EQ(etcd_integer(key, "lease"), std::stoll(claim.owner, nullptr, 16));
    const Json lease = EtcdClient(settings_, Millis(5000))
                           .call(EtcdClient::Access::read, "lease/timetolive",
                                 {{"ID", std::to_string(etcd_integer(key, "lease"))}}, "reading");
    EXPECT_EQ(etcd_integer(lease, "grantedTTL"), 10);
}

TEST_F(EtcdRegistryTest, AnEndpointThatDoesNotAnswerIsFollowedByTheNext) {
    settings_.hosts.insert(settings_.hosts.begin(), "127.0.0.1:1");
    const auto registry = open_registry(settings_);
    EXPECT_TRUE(registry->put("/stamps/a", "1", ""));
    EXPECT_TRUE(registry->lock(kLock, Millis(2000), kNobodyWaits).lock);
}

TEST_F(EtcdRegistryTest, EveryEndpointIsNamedWhenNoneAnswers) {
    settings_.hosts = {"127.0.0.1:1", "127.0.0.1:2"};
    try {
        open_registry(settings_);
        FAIL() << "somebody answered";
    } catch (const RegistryError& error) {
        EXPECT_EQ(error.kind(), RegistryError::Kind::unreachable);
        EXPECT_THAT(error.what(), HasSubstr("http://127.0.0.1:1"));
        EXPECT_THAT(error.what(), HasSubstr("http://127.0.0.1:2"));
    }
}

TEST_F(EtcdRegistryTest, AUserOfAnEtcdWithoutAuthenticationIsNamed) {
    settings_.user = "ds";
    settings_.password = Secret("s3cret");
    try {
        open_registry(settings_);
        FAIL() << "nobody objected";
    } catch (const RegistryError& error) {
        EXPECT_EQ(error.kind(), RegistryError::Kind::denied);
        EXPECT_THAT(error.what(), HasSubstr("ds"));
        EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("s3cret")));
    }
}

}  // namespace
}  // namespace dsfailover
