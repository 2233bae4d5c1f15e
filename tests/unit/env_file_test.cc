#include "config/env_file.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "map_environment.h"
#include "temporary_file.h"

namespace dsfailover {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kUrl = "SPRING_DATASOURCE_URL";

EnvFile read(const std::string& text, const Variables& variables = {}) {
    const TemporaryFile file(text);
    return {file.path(), environment_of(variables), "--ds-env"};
}

std::string value_in(const std::string& text, std::string_view name,
                     const Variables& variables = {}) {
    const EnvFile file = read(text, variables);
    const EnvFile::Assignment* found = file.find(name);
    return found == nullptr ? "(not set)" : found->value;
}

/// One line of a file, and what the variable X is by it.
struct Line {
    const char* text;
    const char* value;
};

class ShellLine : public testing::TestWithParam<Line> {};

TEST_P(ShellLine, MeansWhatAShellMakesOfIt) {
    const std::string script = "#!/bin/bash\nA=one\nEMPTY=\n" + std::string(GetParam().text) + "\n";
    EXPECT_EQ(value_in(script, "X", {{"HOME_OF", "/opt"}}), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Quotes, ShellLine,
    testing::Values(Line{"X=plain", "plain"}, Line{"  export X=plain", "plain"},
                    Line{"X='a b $A'", "a b $A"}, Line{"X=\"a b $A\"", "a b one"},
                    Line{R"(X="a\"b\$c\\d\e")", R"(a"b$c\d\e)"}, Line{R"(X=a\ b\$c)", "a b$c"},
                    Line{"X='it'\\''s'", "it's"}, Line{"X=a\"b\"'c'd", "abcd"},
                    Line{"X='two\nlines'", "two\nlines"}, Line{"X=\"on\\\none\"", "onone"},
                    Line{"X=a\\\nb", "ab"}, Line{"X=", ""}, Line{"X=''", ""}, Line{"X=a#b", "a#b"},
                    Line{"X=a #b", "a"}, Line{"X=a\t# it's", "a"}, Line{"X='#a'", "#a"},
                    Line{"# X=a", "(not set)"}, Line{"X=a$", "a$"}, Line{"X=\"$ \"", "$ "}));

INSTANTIATE_TEST_SUITE_P(
    Expansions, ShellLine,
    testing::Values(Line{"X=$A-$A", "one-one"}, Line{"X=${A}s", "ones"}, Line{"X=$NONE", ""},
                    Line{"X=${HOME_OF}/x", "/opt/x"}, Line{"X=${NONE:-d}", "d"},
                    Line{"X=${A:-d}", "one"}, Line{"X=${EMPTY:-d}", "d"}, Line{"X=${EMPTY-d}", ""},
                    Line{"X=${NONE:-${A}}", "one"}, Line{"X=${NONE:-\"a b\"}", "a b"},
                    Line{"X=\"${NONE:-a b}\"", "a b"}, Line{"X=${NONE:-${NO:-x}}", "x"},
                    Line{"X=${A:+set}", "set"}, Line{"X=${EMPTY:+set}", ""},
                    Line{"X=${EMPTY+set}", "set"}, Line{"X=${A:?no}", "one"},
                    Line{": ${X:=default}", "default"}, Line{": \"${X=default}\"", "default"},
                    Line{"X=${N:=v}; X=$X$N", "vv"}, Line{"X=a; X+=b", "ab"},
                    Line{"X=\"${NONE:-jdbc:mysql://h/d?a=b&c=d}\"", "jdbc:mysql://h/d?a=b&c=d"}));

INSTANTIATE_TEST_SUITE_P(
    Commands, ShellLine,
    testing::Values(Line{"X=a; X=b", "b"}, Line{"Y=1 X=a", "a"}, Line{"Y=1 && export X=a", "a"},
                    Line{"X=a || X=b", "a"}, Line{"export Y=1 X=a Z", "a"},
                    Line{"export -n X=a", "(not set)"}, Line{"declare -x X=a", "a"},
                    Line{"typeset -rx X=a", "a"}, Line{"readonly X=a", "a"},
                    Line{"X=a; unset X", ""}, Line{"echo X=a", "(not set)"},
                    Line{"export X=a > /dev/null 2>&1", "a"}, Line{"cat <<EOF\nX=a\nEOF\nX=b", "b"},
                    Line{"cat <<-'E'\nX=a\n\tE", "(not set)"},
                    Line{"X=jdbc:mysql://h:1/d?a=b&c=d # mine", "jdbc:mysql://h:1/d?a=b&c=d"},
                    Line{"X=a & X=b", "b"}, Line{"if true; then\n:\nfi\nX=a", "a"},
                    Line{"case $A in\n one) Y=1;;\nesac\nX=a", "a"},
                    Line{"f() {\n Y=1\n}\nX=a", "a"}, Line{"(cd /; Y=1)\nX=a", "a"},
                    Line{"for i in 1 2; do Y=$i; done; X=a", "a"}));

INSTANTIATE_TEST_SUITE_P(
    AreNotRun, ShellLine,
    testing::Values(Line{"X=$(touch /tmp/x)", "(not set)"}, Line{"X=`id`", "(not set)"},
                    Line{"X=\"a$(id)\"", "(not set)"}, Line{"X=$((1+1))", "(not set)"},
                    Line{"X=${A%e}", "(not set)"}, Line{"X=${#A}", "(not set)"},
                    Line{"X=${!A}", "(not set)"}, Line{"X=$1", "(not set)"},
                    Line{"X=$[1+1]", "(not set)"}, Line{"X=$'a\\n'", "(not set)"},
                    Line{"X=(1 2)", "(not set)"}, Line{"X=~/a", "(not set)"},
                    Line{"X=${NONE:?must be}", "(not set)"}, Line{"Y=$(id)\nX=a$Y", "(not set)"},
                    Line{"Y=$(id)\nY=b\nX=a$Y", "ab"}, Line{"if true; then X=a; fi", "(not set)"},
                    Line{"true && X=a", "(not set)"},
                    Line{"[ -z \"$A\" ] || export X=a", "(not set)"},
                    Line{"echo a | X=b", "(not set)"}, Line{"X=b | cat", "(not set)"},
                    Line{"f() { X=a; }", "(not set)"}, Line{"X=a cmd", "(not set)"},
                    Line{"X=$HOSTNAME", "(not set)"}));

class ListLine : public testing::TestWithParam<Line> {};

TEST_P(ListLine, MeansWhatDockerAndSystemdMakeOfIt) {
    const std::string list = "A=one\n" + std::string(GetParam().text) + "\n";
    EXPECT_EQ(value_in(list, "X", {{"HOME_OF", "/opt"}}), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Values, ListLine,
                         testing::Values(Line{"X=plain", "plain"}, Line{"X = plain ", "plain"},
                                         Line{"X=two words", "two words"},
                                         Line{"X=a;b|c&d", "a;b|c&d"}, Line{"X=a # comment", "a"},
                                         Line{"X=a#b", "a#b"}, Line{"X=\"a # b\" # c", "a # b"},
                                         Line{"X='a$A'", "a$A"}, Line{"X=${A}-$A", "one-one"},
                                         Line{"X=pa$word", "pa$word"},
                                         Line{"X=${NONE:-${HOME_OF}}", "/opt"},
                                         Line{"X=it's", "it's"}, Line{"X=a\"b", "a\"b"},
                                         Line{"X=a`b", "a`b"}, Line{"X=a\\d", "a\\d"},
                                         Line{"; X=a", "(not set)"}, Line{"X", "(not set)"},
                                         Line{"X=$(id)", "(not set)"}, Line{"X=", ""}));

TEST(EnvFile, IsReadWhateverItsLineEndsAre) {
    EXPECT_EQ(value_in("\xEF\xBB\xBFX=a\r\nexport Y=\"$X\"\r\n", "Y"), "a");
    EXPECT_EQ(value_in("X=a\r\nY=b c\r\n", "Y"), "b c");
    EXPECT_EQ(value_in("export X=a", "X"), "a");
    EXPECT_EQ(value_in("", "X"), "(not set)");
}

TEST(EnvFile, ItsDefaultsGiveWayToTheEnvironment) {
    const char* text = "export REGISTRY_TYPE=${REGISTRY_TYPE:-zookeeper}\n";
    EXPECT_EQ(value_in(text, "REGISTRY_TYPE"), "zookeeper");
    EXPECT_EQ(value_in(text, "REGISTRY_TYPE", {{"REGISTRY_TYPE", "jdbc"}}), "jdbc");
    EXPECT_EQ(
        value_in("export DATABASE=${DATABASE:-mysql}\nexport SPRING_PROFILES_ACTIVE=${DATABASE}",
                 "SPRING_PROFILES_ACTIVE"),
        "mysql");
    // Exporting is not an assignment.
    EXPECT_EQ(value_in("export SPRING_DATASOURCE_URL\n", kUrl), "(not set)");
}

TEST(EnvFile, AnAssignmentKnowsItsLine) {
    const EnvFile file = read("# a\n\nexport A=1 \\\n  B=2\nC='x\ny'\nD=3\n");
    EXPECT_EQ(file.find("A")->line, 3U);
    EXPECT_EQ(file.find("B")->line, 4U);
    EXPECT_EQ(file.find("C")->line, 5U);
    EXPECT_EQ(file.find("D")->line, 7U);
}

TEST(EnvFile, ALineThatWouldNeedAShellIsNamedWhereItMatters) {
    const EnvFile file = read(
        "export JAVA_HOME=$(readlink -f /usr/bin/java)\n"
        "HOST_OF_IT=`hostname`\n"
        "export SPRING_DATASOURCE_URL=jdbc:mysql://$HOST_OF_IT/ds?password=s3cret\n"
        "if [ -n \"$X\" ]; then\n"
        "  export REGISTRY_TYPE=etcd\n"
        "fi\n");
    EXPECT_THAT(file.warnings(),
                ElementsAre(AllOf(HasSubstr(":3: SPRING_DATASOURCE_URL: HOST_OF_IT of line 2"),
                                  Not(HasSubstr("s3cret"))),
                            AllOf(HasSubstr(":5: REGISTRY_TYPE: "), HasSubstr("condition"))));
}

TEST(EnvFile, WhatRunsSomethingElseIsNamed) {
    for (const char* line : {"source /etc/profile", ". ./other.sh", "eval \"$X\"",
                             "export $(grep -v '^#' .env | xargs)"})
        EXPECT_THAT(read(std::string("export A=1\n") + line).warnings(),
                    ElementsAre(HasSubstr(":2: ")))
            << line;
}

TEST(EnvFile, WhatDoesNotReachTheMastersIsUsedAndNamed) {
    EXPECT_THAT(read("export A=1\nSPRING_DATASOURCE_URL=jdbc:mysql://h/d\n").warnings(),
                ElementsAre(HasSubstr(":2: SPRING_DATASOURCE_URL: it is never exported")));
    for (const char* exported : {"export SPRING_DATASOURCE_URL\nSPRING_DATASOURCE_URL=a",
                                 "A=1\nSPRING_DATASOURCE_URL=a\nexport A SPRING_DATASOURCE_URL",
                                 "set -a\nSPRING_DATASOURCE_URL=a", "SPRING_DATASOURCE_URL=a",
                                 "DATABASE=a\nexport B=$DATABASE"})
        EXPECT_THAT(read(exported).warnings(), IsEmpty()) << exported;
    const EnvFile file = read("export SPRING_DATASOURCE_URL=jdbc:mysql://h/d?a=b&c=s3cret\n");
    EXPECT_EQ(file.find(kUrl)->value, "jdbc:mysql://h/d?a=b&c=s3cret");
    EXPECT_THAT(file.warnings(), ElementsAre(AllOf(HasSubstr("quotes"), Not(HasSubstr("s3cret")))));
    EXPECT_THAT(read("export SPRING_DATASOURCE_URL='jdbc:mysql://h/d?a=b&c=d'\n").warnings(),
                IsEmpty());
    EXPECT_THAT(read("SPRING_DATASOURCE_URL=jdbc:mysql://h/d?a=b&c=d\n").warnings(), IsEmpty());
    EXPECT_THAT(
        read("export A=1\nSPRING_DATASOURCE_PASSWORD=s3cret more\n").warnings(),
        ElementsAre(AllOf(HasSubstr(":2: SPRING_DATASOURCE_PASSWORD"), HasSubstr("blank"))));
}

TEST(EnvFile, AQuoteThatIsNeverClosedIsAnError) {
    for (const char* text : {"export A=1\nexport B='s3cret\n", "export A=1\nexport B=\"${C\n"}) {
        try {
            read(text);
            FAIL();
        } catch (const UsageError& error) {
            EXPECT_THAT(error.what(), AllOf(HasSubstr(":2: "), HasSubstr("never closed"),
                                            Not(HasSubstr("s3cret"))));
        }
    }
}

TEST(EnvFile, WhatNestsWithoutEndIsAnError) {
    for (const char* one : {"${A:-", "$(", "$(("}) {
        std::string nested;
        for (int i = 0; i < 50'000; ++i) nested += one;
        EXPECT_THROW(read("export B=" + nested + "\n"), UsageError) << one;
        // Of a list of variables brackets that are not closed are part of the value.
        EXPECT_EQ(value_in("B=" + nested, "B"), nested) << one;
    }
    EXPECT_EQ(value_in("export B=${A:-${A:-${A:-x}}}\n", "B"), "x");
}

TEST(EnvFile, WhatTheMastersStartScriptSetsIsReadWithoutAWord) {
    const EnvFile file = read(
        "# where java is\n"
        "export JAVA_HOME=${JAVA_HOME:-/opt/java}\n"
        "export DATABASE=${DATABASE:-postgresql}\n"
        "export SPRING_PROFILES_ACTIVE=${DATABASE}\n"
        "export SPRING_DATASOURCE_URL\n"
        "export REGISTRY_ZOOKEEPER_CONNECT_STRING=${REGISTRY_ZOOKEEPER_CONNECT_STRING:-zk:2181}\n"
        "export PATH=$JAVA_HOME/bin:$PATH\n");
    EXPECT_THAT(file.warnings(), IsEmpty());
    EXPECT_THAT(file.read_names(), SizeIs(3));
}

}  // namespace
}  // namespace dsfailover
