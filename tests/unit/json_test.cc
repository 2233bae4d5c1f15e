#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

namespace dsfailover {
namespace {

TEST(Json, AnObjectIsWrittenInItsOrder) {
    const Json json = {{"z", "text"},
                       {"a", 3},
                       {"inner", {{"flag", true}, {"none", nullptr}}},
                       {"list", Json::Elements{1, "two", 0.0}}};
    EXPECT_EQ(json.dump(),
              R"({"z":"text","a":3,"inner":{"flag":true,"none":null},"list":[1,"two",0.0]})");
    EXPECT_EQ(Json({{"a", 1}}).dump(2), "{\n  \"a\": 1\n}");
}

TEST(Json, AMemberIsMadeOrReplaced) {
    Json json;
    json["a"] = 1;
    json["b"]["c"] = "x";
    json["a"] = 2;
    EXPECT_EQ(json.dump(), R"({"a":2,"b":{"c":"x"}})");
}

TEST(Json, WhatIsThereIsRead) {
    const auto json =
        Json::parse(R"({"text":"x","whole":-5,"half":0.5,"flag":false,"list":[1,2]})");
    ASSERT_TRUE(json && json->is_object());
    EXPECT_EQ(*json->text("text"), "x");
    EXPECT_EQ(json->integer("whole"), -5);
    EXPECT_EQ(json->find("half")->number(), 0.5);
    EXPECT_EQ(json->find("whole")->number(), -5.0);
    EXPECT_EQ(json->flag("flag"), false);
    ASSERT_EQ(json->find("list")->elements().size(), 2u);
    EXPECT_EQ(json->find("list")->elements()[1].integer(), 2);
}

TEST(Json, WhatIsOfAnotherKindIsNotThere) {
    const Json json = Json::parse_object(R"({"text":"1","whole":1,"half":1.0,"none":null})");
    EXPECT_EQ(json.integer("text"), std::nullopt);
    EXPECT_EQ(json.integer("half"), std::nullopt);
    EXPECT_EQ(json.integer("none"), std::nullopt);
    EXPECT_EQ(json.flag("whole"), std::nullopt);
    EXPECT_EQ(json.text("whole"), nullptr);
    EXPECT_EQ(json.find("missing"), nullptr);
    EXPECT_EQ(json.find("text")->find("inside"), nullptr);
    EXPECT_TRUE(json.find("text")->elements().empty());
    EXPECT_TRUE(json.find("none")->is_null());
}

TEST(Json, AnIntegerThatDoesNotFitIsANumberAlone) {
    const auto json = Json::parse("[9223372036854775807, 9223372036854775808, 1e3]");
    ASSERT_TRUE(json);
    EXPECT_EQ(json->elements()[0].integer(), INT64_MAX);
    EXPECT_EQ(json->elements()[1].integer(), std::nullopt);
    EXPECT_EQ(json->elements()[1].number(), 9223372036854775808.0);
    EXPECT_EQ(json->elements()[2].integer(), std::nullopt);
}

TEST(Json, OfMembersOfOneNameTheLastCounts) {
    const Json json = Json::parse_object(R"({"a":1,"a":2})");
    EXPECT_EQ(json.integer("a"), 2);
    EXPECT_EQ(json.dump(), R"({"a":2})");
}

TEST(Json, WhatIsNoJsonIsNothing) {
    for (const char* text : {"", "{", "{}x", "[1,]", "nul", "{'a':1}", "1e999", "\"\xFF\""})
        EXPECT_FALSE(Json::parse(text)) << text;
    EXPECT_TRUE(Json::parse_object("[]").is_null());
    EXPECT_TRUE(Json::parse_object("x").is_null());
}

TEST(Json, WhatIsNestedTooDeepIsNotRead) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(Json::parse(nested(100)));
    EXPECT_FALSE(Json::parse(nested(101)));
    EXPECT_FALSE(Json::parse(std::string(1'000'000, '[')));
}

TEST(Json, AnObjectMayBeLong) {
    std::string text = "{";
    for (int i = 0; i < 300'000; ++i) text += "\"" + std::to_string(i) + "\":0,";
    const Json json = Json::parse_object(text + "\"last\":1}");
    EXPECT_EQ(json.integer("last"), 1);
    EXPECT_EQ(json.integer("0"), 0);
}

TEST(Json, ATextIsMadeValid) {
    EXPECT_EQ(json_string("a\"b\n"), R"("a\"b\n")");
    EXPECT_EQ(json_string("\xFF"), "\"\uFFFD\"");
    EXPECT_EQ(Json("\xC3").dump(), "\"\uFFFD\"");
    EXPECT_TRUE(is_plain_json("plain ~"));
    for (const char* text : {"\"", "\\", "\n", "\x7F", "\xC3\xA9"})
        EXPECT_FALSE(is_plain_json(text)) << text;
}

}  // namespace
}  // namespace dsfailover
