#include "config/option_values.h"

#include <gmock/gmock.h>

#include <set>

#include "base/error.h"
#include "config/option_table.h"
#include "map_environment.h"
#include "report/words.h"
#include "temporary_file.h"

namespace dsfailover {
namespace {

using testing::HasSubstr;

std::string error_of(const GivenOptions& given, const Variables& variables = {}) {
    try {
        collect_options(given, environment_of(variables));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

std::string error_in_file(std::string_view text) {
    const TemporaryFile file(text);
    return error_of({{"config", file.path()}});
}

TEST(OptionValues, TheCommandLineWinsOverTheEnvironmentAndThatOverTheFile) {
    const TemporaryFile file("grace: 1m\nlimit: 3\nitems: 7\n");
    const OptionValues values =
        collect_options({{"grace", "0s"}}, environment_of({{"DSFAILOVER_CONFIG", file.path()},
                                                           {"DSFAILOVER_GRACE", "2m"},
                                                           {"DSFAILOVER_LIMIT", "5"}}));
    EXPECT_EQ(find(values, "grace")->value, "0s");
    EXPECT_EQ(find(values, "grace")->origin, "option --grace");
    EXPECT_EQ(find(values, "limit")->value, "5");
    EXPECT_EQ(find(values, "limit")->origin, "DSFAILOVER_LIMIT");
    EXPECT_EQ(find(values, "items")->value, "7");
    EXPECT_EQ(find(values, "items")->origin, file.path() + ":3 (--config)");
    EXPECT_EQ(find(values, "lock-timeout"), nullptr);
}

TEST(OptionValues, WhatIsForOneRunOnlyIsRefusedElsewhere) {
    for (const char* name : {"fence", "in-doubt", "no-lock"}) {
        EXPECT_TRUE(find_option(name)->command_line_only);
        EXPECT_THAT(error_of({}, {{environment_name(name), "true"}}),
                    HasSubstr(environment_name(name)));
        EXPECT_THAT(error_in_file(std::string("grace: 1s\n") + name + ": true\n"),
                    HasSubstr(":2 (--config): --" + std::string(name)));
    }
}

TEST(OptionValues, AFileWithSomethingElseInItIsRefusedWithTheLine) {
    EXPECT_THAT(error_in_file("grace: 1s\ngrase: 1s\n"), HasSubstr(":2 (--config)"));
    EXPECT_THAT(error_in_file("grase: 1s\n"), HasSubstr("no option 'grase'"));
    for (const char* line : {"database-password s3cret:\n", "database-password=s3cret: 1\n"}) {
        EXPECT_THAT(error_in_file(line), HasSubstr("no option 'database-password'"));
        EXPECT_THAT(error_in_file(line), testing::Not(HasSubstr("s3cret")));
    }
    EXPECT_THAT(error_in_file("database-password s3cret\ngrace: 3s\n"),
                testing::Not(HasSubstr("s3cret")));
    EXPECT_THAT(error_in_file("grace: {a: b}\n"), HasSubstr("nested"));
    EXPECT_THAT(error_in_file("config: x\n"), HasSubstr("another"));
    EXPECT_THAT(error_in_file("- grace\n"), HasSubstr("option names"));
    EXPECT_THAT(error_in_file("grace: [1s\n"), HasSubstr("line "));
    EXPECT_THAT(error_of({{"config", "/nowhere"}}), HasSubstr("--config /nowhere"));
}

TEST(OptionValues, AnEmptyFileAndAnEmptyValueSayNothing) {
    const TemporaryFile empty("");
    EXPECT_EQ(find(collect_options({{"config", empty.path()}}, environment_of({})), "grace"),
              nullptr);
    const TemporaryFile null("grace:\n");
    EXPECT_EQ(find(collect_options({{"config", null.path()}}, environment_of({})), "grace"),
              nullptr);
}

TEST(OptionValues, FlagsAreTrueOrFalse) {
    const auto flag = [](const std::string& value) {
        return is_set(collect_options({}, environment_of({{"DSFAILOVER_QUIET", value}})), "quiet");
    };
    for (const char* yes : {"true", "TRUE", "yes", "on", "1"}) EXPECT_TRUE(flag(yes)) << yes;
    for (const char* no : {"false", "no", "Off", "0", ""}) EXPECT_FALSE(flag(no)) << no;
    EXPECT_THROW(flag("perhaps"), UsageError);
}

TEST(OptionTable, ACommandHasOneOptionOfAName) {
    std::set<std::pair<std::string_view, std::string_view>> names;
    for (const OptionSpec& option : all_options())
        EXPECT_TRUE(names.insert({option.command, option.name}).second) << option.name;
}

TEST(OptionTable, ACommandsOwnOptionGoesBeforeTheOneOfAll) {
    EXPECT_EQ(find_option("as", "finish")->choices.front(), "failure");
    EXPECT_EQ(find_option("as", "requeue")->choices.front(), "running");
    EXPECT_EQ(find_option("ask", "status")->default_text(), "");
    EXPECT_EQ(find_option("ask", "global")->default_text(), "doubtful");
    EXPECT_EQ(find_option("older-than", "config")->default_text(), "7d");
    EXPECT_EQ(find_option("nothing", "global"), nullptr);
}

TEST(OptionTable, KnowsTheChecksOfStatus) {
    EXPECT_EQ(find_option("check")->choices, words_of<CheckName>());
    EXPECT_TRUE(find_option("check")->takes("stuck,marks"));
    EXPECT_FALSE(find_option("check")->takes("--items"));
}

TEST(OptionTable, WhatOneCommandTakesFromTheEnvironmentIsNotRefusedThere) {
    EXPECT_TRUE(find_option("idle", "finish")->command_line_only);
    EXPECT_TRUE(is_for_environment("idle"));
    EXPECT_EQ(error_of({}, {{"DSFAILOVER_IDLE", "1h"}}), "no error");
}

}  // namespace
}  // namespace dsfailover
