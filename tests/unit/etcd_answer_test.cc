#include <gmock/gmock.h>

#include "registry/etcd/answer.h"
#include "registry/registry.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

TEST(EtcdAnswer, IsTheFirstLineOfAStream) {
    EXPECT_EQ(etcd_integer(etcd_answer("{\"result\":{\"ID\":\"7\"}}\n{\"result\":{}}\n"), "ID"), 7);
}

TEST(EtcdAnswer, LeavesOutZerosAndWhatIsEmpty) {
    const auto answer = etcd_answer("{\"lease\":null}");
    EXPECT_EQ(etcd_integer(answer, "lease"), 0);
    EXPECT_EQ(etcd_bytes(answer, "value"), "");
    EXPECT_EQ(etcd_text(answer, "token"), "");
    EXPECT_FALSE(etcd_flag(answer, "more"));
    EXPECT_EQ(etcd_time_to_live(answer), Millis(0));
    EXPECT_THAT(etcd_keys(answer), IsEmpty());
}

TEST(EtcdAnswer, SaysWhyItIsOfNoUse) {
    EXPECT_EQ(etcd_problem(200, etcd_answer("{}")), "");
    EXPECT_EQ(etcd_problem(503, etcd_answer(R"({"error":"a","message":"b"})")), "b");
    EXPECT_EQ(etcd_problem(503, etcd_answer(R"({"error":"a","message":1})")), "a");
    EXPECT_EQ(etcd_problem(503, etcd_answer(R"({"error":"","message":""})")),
              "answers HTTP status 503");
    EXPECT_EQ(etcd_problem(404, etcd_answer("{}")), "answers HTTP status 404");
    for (const char* body : {"<html>", "", "[1]", R"({"result":"x"})"})
        EXPECT_THAT(etcd_problem(200, etcd_answer(body)), HasSubstr("without JSON")) << body;
}

TEST(EtcdAnswer, HasGrpcsCodeWhereThatIsANumber) {
    EXPECT_EQ(etcd_code(etcd_answer(R"({"code":7})")), 7);
    for (const char* body : {R"({"code":"x"})", R"({"code":[]})", "{}", "7", "<html>"})
        EXPECT_EQ(etcd_code(etcd_answer(body)), 0) << body;
}

// A proxy before etcd, or what is not an etcd, may answer anything.
TEST(EtcdAnswer, IsRefusedWhereAFieldIsOfAnotherKind) {
    const auto answer = etcd_answer(
        R"({"a":[[1]],"b":1,"c":"x y","d":18446744073709551615,"e":"7 ","kvs":["k"],"f":0.5})");
    const auto refused = [](const char* what) {
        return ThrowsMessage<RegistryError>(HasSubstr(what));
    };
    EXPECT_THAT([&] { etcd_integer(answer, "a"); }, refused("etcd answers a list for a, which is"));
    EXPECT_THAT([&] { etcd_integer(answer, "c"); }, refused("\"x y\" for c"));
    EXPECT_THAT([&] { etcd_integer(answer, "d"); }, refused("e+19 for d"));
    EXPECT_THAT([&] { etcd_integer(answer, "e"); }, refused("not an integer"));
    EXPECT_THAT([&] { etcd_integer(answer, "f"); }, refused("not an integer"));
    EXPECT_THAT([&] { etcd_bytes(answer, "b"); }, refused("1 for b, which is not Base64"));
    EXPECT_THAT([&] { etcd_bytes(answer, "c"); }, refused("not Base64"));
    EXPECT_THAT([&] { etcd_text(answer, "b"); }, refused("not text"));
    EXPECT_THAT([&] { etcd_flag(answer, "c"); }, refused("not true or false"));
    EXPECT_THAT([&] { etcd_keys(answer); }, refused("not a list of keys"));
    EXPECT_THAT([] { etcd_keys(etcd_answer(R"({"kvs":{"key":"eA=="}})")); },
                refused("not a list of keys"));
}

TEST(EtcdAnswer, MayGiveALeaseForEver) {
    EXPECT_GT(etcd_time_to_live(etcd_answer(R"({"TTL":"9223372036854775807"})")), Millis(0));
    EXPECT_LT(etcd_time_to_live(etcd_answer(R"({"TTL":"-9223372036854775808"})")), Millis(0));
}

TEST(EtcdAnswer, HasKeysInTheirOrder) {
    const auto keys = etcd_keys(etcd_answer(
        R"({"kvs":[{"key":"Yg==","value":"eA==","mod_revision":"5","lease":"255"},{"key":"YQ=="}]})"));
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0].key, "b");
    EXPECT_EQ(keys[0].value, "x");
    EXPECT_EQ(keys[0].mod_revision, 5);
    EXPECT_EQ(keys[0].lease_hex(), "ff");
    EXPECT_EQ(keys[1].key, "a");
    EXPECT_EQ(keys[1].lease_hex(), "");
}

}  // namespace
}  // namespace dsfailover
