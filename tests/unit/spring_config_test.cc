#include "config/spring_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "map_environment.h"
#include "temporary_file.h"

namespace dsfailover {
namespace {

using testing::HasSubstr;
/// The value of one property of a YAML text, "(none)" if it has none.
std::string value_in(std::string_view yaml, std::string_view property, Variables variables = {},
                     std::string_view profiles = "") {
    const TemporaryFile file(yaml);
    const auto value =
        SpringConfig(file.path(), profiles, environment_of(std::move(variables))).get(property);
    return value ? value->value : "(none)";
}

std::string error_in(std::string_view yaml, std::string_view property,
                     std::string_view profiles = "") {
    try {
        value_in(yaml, property, {}, profiles);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

struct Shape {
    const char* yaml;
    const char* value;
};
class YamlShape : public testing::TestWithParam<Shape> {};

TEST_P(YamlShape, IsReadAsSpringReadsIt) {
    EXPECT_EQ(value_in(GetParam().yaml, "registry.zookeeper.connect-string"), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Relaxed, YamlShape,
    testing::Values(Shape{"registry: {zookeeper: {connect-string: 'h:2181'}}", "h:2181"},
                    Shape{"registry.zookeeper.connect-string: h:2181", "h:2181"},
                    Shape{"registry.zookeeper:\n  connectString: h:2181", "h:2181"},
                    Shape{"registry:\n  zookeeper:\n    connect_string: h:2181", "h:2181"},
                    Shape{"registry.zookeeper.connect-string: [a:1, b:2]", "a:1,b:2"},
                    Shape{"registry.zookeeper.connect-string: ~", "(none)"},
                    Shape{"registry.zookeeper.connect-string: ''", "(none)"},
                    Shape{"other: {list: [{a: 1}]}", "(none)"}, Shape{"", "(none)"}));

TEST(SpringConfig, IsRefusedWhereItWouldBeReadWithoutEnd) {
    EXPECT_THAT(error_in(", a: 1", "a"), HasSubstr("line 1, column 1: no document begins here"));
    EXPECT_THAT(error_in("a: 1\nb: &x\n  - *x\n", "a"),
                HasSubstr("line 3, column 5: an alias stands inside of what it stands for"));
    std::string laughs = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 40; ++i) laughs += fmt::format("a{0}: &a{0} [*a{1}, *a{1}]\n", i, i - 1);
    EXPECT_THAT(error_in(laughs, "a"), HasSubstr("more than a million values"));
    EXPECT_EQ(value_in("a: &x {b: 1}\nc: *x\nd: *x", "d.b"), "1");
}

TEST(SpringConfig, PlaceholdersMayNotMultiply) {
    std::string laughs = "a0: x\n";
    for (int i = 1; i < 20; ++i) laughs += fmt::format("a{0}: '${{a{1}}}${{a{1}}}'\n", i, i - 1);
    EXPECT_EQ(value_in(laughs, "a5"), std::string(32, 'x'));
    EXPECT_THAT(error_in(laughs, "a19"), HasSubstr("or are more than 100"));
}

TEST(SpringConfig, AProfileExpressionMayNotNestWithoutEnd) {
    for (const char* one : {"!", "("}) {
        std::string expression;
        for (int i = 0; i < 100'000; ++i) expression += one;
        EXPECT_THROW(profile_expression_holds(expression + "a", {"a"}), UsageError) << one;
    }
    EXPECT_TRUE(profile_expression_holds("!!((a))", {"a"}));
}

TEST(SpringConfig, EnvironmentVariablesWinOverTheFile) {
    const char* yaml = "registry.zookeeper.connect-string: file:1";
    const char* property = "registry.zookeeper.connect-string";
    EXPECT_EQ(value_in(yaml, property, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", "env:1"}}), "env:1");
    EXPECT_EQ(value_in(yaml, property, {{"REGISTRY_ZOOKEEPER_CONNECTSTRING", "env:2"}}), "env:2");
    EXPECT_EQ(value_in(yaml, property, {{"REGISTRY_ZOOKEEPER_CONNECT_STRING", ""}}), "file:1");
}

TEST(SpringConfig, ValuesKnowWhereTheyAreFrom) {
    const TemporaryFile file("spring: {datasource: {userName: u}}");
    const SpringConfig config(file.path(), "", environment_of({{"SPRING_DATASOURCE_URL", "x"}}));
    EXPECT_EQ(config.get("spring.datasource.username")->origin,
              file.path() + ":1: spring.datasource.userName");
    EXPECT_EQ(config.get("spring.datasource.username")->source, Source::ds_config);
    EXPECT_EQ(config.get("spring.datasource.url")->origin, "SPRING_DATASOURCE_URL");
    EXPECT_EQ(config.get("spring.datasource.url")->source, Source::ds_environment);
}

struct Placeholder {
    const char* text;
    const char* value;
};
class Placeholders : public testing::TestWithParam<Placeholder> {};

TEST_P(Placeholders, AreReplaced) {
    const std::string yaml =
        std::string("my: {host: from-file, loop: '${my.host}'}\nx: '") + GetParam().text + "'";
    EXPECT_EQ(value_in(yaml, "x", {{"DB_HOST", "db"}, {"WHICH", "DB_HOST"}}), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Placeholders,
    testing::Values(Placeholder{"${DB_HOST}", "db"}, Placeholder{"a-${DB_HOST}-b", "a-db-b"},
                    Placeholder{"${NONE:fall}", "fall"}, Placeholder{"${NONE:}x", "x"},
                    Placeholder{"${NONE:h:5432/d}", "h:5432/d"},
                    Placeholder{"${NONE:${DB_HOST:x}}", "db"},
                    Placeholder{"${NONE:${NEITHER:last}}", "last"},
                    Placeholder{"${${WHICH}}", "db"}, Placeholder{"${my.host}", "from-file"},
                    Placeholder{"${my.loop}", "from-file"},
                    Placeholder{"jdbc:postgresql://${DB_HOST:127.0.0.1}:${DB_PORT:5432}/ds",
                                "jdbc:postgresql://db:5432/ds"},
                    Placeholder{"no $ {placeholder}", "no $ {placeholder}"}));

TEST(SpringConfig, PlaceholdersWithoutAValueAreErrorsOnlyWhereTheyAreUsed) {
    const char* yaml = "used: '${MISSING_ONE}'\nother: fine";
    EXPECT_EQ(value_in(yaml, "other"), "fine");
    EXPECT_THAT(error_in(yaml, "used"), HasSubstr("MISSING_ONE"));
    EXPECT_THAT(error_in("a: '${b}'\nb: '${a}'", "a"), HasSubstr("refer to each other"));
    EXPECT_THAT(error_in("a: '${b'", "a"), HasSubstr("closing"));
}

constexpr std::string_view kDocuments = R"(
spring: {profiles: {active: one}}
x: base
---
spring.config.activate.on-profile: mysql
x: of-mysql
---
spring: {profiles: legacy}
x: of-legacy
---
spring.config.activate.on-profile: "one & !mysql"
y: of-one
---
spring.config.activate.on-profile: [first, second]
x: of-first-or-second
)";

TEST(SpringConfig, DocumentsOfAProfileCountOnlyWhenItIsActive) {
    EXPECT_EQ(value_in(kDocuments, "x"), "base");
    EXPECT_EQ(value_in(kDocuments, "y"), "of-one");
    EXPECT_EQ(value_in(kDocuments, "x", {}, "mysql"), "of-mysql");
    EXPECT_EQ(value_in(kDocuments, "y", {}, "mysql"), "(none)");
    EXPECT_EQ(value_in(kDocuments, "x", {}, "legacy"), "of-legacy");
    EXPECT_EQ(value_in(kDocuments, "x", {}, "second"), "of-first-or-second");
    EXPECT_EQ(value_in(kDocuments, "y", {}, "one,mysql"), "(none)");
}

TEST(SpringConfig, LaterDocumentsWin) {
    EXPECT_EQ(value_in(kDocuments, "x", {}, "mysql, legacy"), "of-legacy");
}

TEST(SpringConfig, TheProfileComesFromTheOptionThenTheEnvironmentThenTheFile) {
    const Variables mysql = {{"SPRING_PROFILES_ACTIVE", "mysql"}};
    EXPECT_EQ(value_in(kDocuments, "x", mysql), "of-mysql");
    EXPECT_EQ(value_in(kDocuments, "x", mysql, "legacy"), "of-legacy");
}

TEST(SpringConfig, AProfileThatTheFileItselfNamesNeedsNoDocument) {
    constexpr std::string_view kYaml =
        "spring: {profiles: {active: postgresql}}\nx: base\n---\n"
        "spring.config.activate.on-profile: mysql\nx: of-mysql";
    EXPECT_EQ(value_in(kYaml, "x", {}, "postgresql"), "base");
    EXPECT_THAT(
        error_in(kYaml, "x", "postgres"),
        HasSubstr("documents for mysql alone; its own spring.profiles.active is postgresql"));
}

TEST(ProfileExpression, FollowsSpring) {
    const std::vector<std::string> active = {"a", "b"};
    for (const char* yes : {"a", "a & b", "c | b", "!c", "!(c | d)", "(a & c) | b", "c, a", "!c&a"})
        EXPECT_TRUE(profile_expression_holds(yes, active)) << yes;
    for (const char* no : {"c", "a & c", "!a", "!(a | c)", "c, d"})
        EXPECT_FALSE(profile_expression_holds(no, active)) << no;
    for (const char* bad : {"", "a &", "(a", "a b", "!"})
        EXPECT_THROW(profile_expression_holds(bad, active), UsageError) << bad;
}

TEST(SpringConfig, ABrokenFileIsNamedWithItsLine) {
    EXPECT_THAT(error_in("a: 1\nb: [1,\nc: }", "a"), HasSubstr("line 3"));
    EXPECT_THAT(error_in("- just\n- a list", "a"), HasSubstr("application.yaml"));
    try {
        SpringConfig("/nowhere/application.yaml", "", environment_of({}));
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("--ds-config /nowhere/application.yaml"));
        EXPECT_THAT(error.what(), HasSubstr("No such file"));
    }
}

}  // namespace
}  // namespace dsfailover
