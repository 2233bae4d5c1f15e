#include "cli/options.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "cli/command_line.h"
#include "map_environment.h"

namespace dsfailover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

OptionValues values(const GivenOptions& given) {
    return collect_options(given, environment_of({}));
}

template <typename Function>
std::string error_of(Function function) {
    try {
        function();
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

TEST(Options, AreTheContractsDefaultsWhenNothingIsGiven) {
    const FailoverOptions options = failover_options({});
    EXPECT_EQ(options.grace, Millis(30'000));
    EXPECT_EQ(options.lock_timeout, Millis(30'000));
    EXPECT_EQ(options.fence_timeout, Millis(90'000));
    EXPECT_EQ(options.items, 1000U);
    EXPECT_FALSE(options.dry_run || options.fence || options.no_lock || options.redispatch);
    EXPECT_FALSE(options.limit || options.wait);
    EXPECT_FALSE(options.in_doubt.all);
    EXPECT_TRUE(options.announce);
}

TEST(Options, AreReadFromTheirTexts) {
    const FailoverOptions options = failover_options(values({{"grace", "0s"},
                                                             {"lock-timeout", "2m"},
                                                             {"fence", "true"},
                                                             {"fence-timeout", "1h"},
                                                             {"no-lock", "true"},
                                                             {"limit", "500"},
                                                             {"wait", "7d"},
                                                             {"redispatch", "true"},
                                                             {"no-announce", "true"},
                                                             {"dry-run", "true"},
                                                             {"in-doubt", "42,7"},
                                                             {"items", "0"}}));
    EXPECT_EQ(options.grace, Millis(0));
    EXPECT_EQ(options.lock_timeout, Millis(120'000));
    EXPECT_EQ(options.fence_timeout, Millis(3'600'000));
    EXPECT_EQ(options.limit, 500);
    EXPECT_EQ(options.wait, Millis(7 * 86'400'000LL));
    EXPECT_TRUE(options.fence && options.no_lock && options.redispatch && options.dry_run);
    EXPECT_FALSE(options.announce);
    EXPECT_THAT(options.in_doubt.ids, ElementsAre(7, 42));
    EXPECT_EQ(options.items, 0U);
}

TEST(Options, InDoubtIsAllOrIds) {
    EXPECT_TRUE(parse_in_doubt("all").all);
    for (const char* bad : {"", "a", "1,", ",1", "1,,2", "-1", "0", "1;2", "all,1", "1 ,2"})
        EXPECT_THAT(error_of([&] { parse_in_doubt(bad); }), HasSubstr("--in-doubt")) << bad;
}

TEST(Options, BadValuesNameTheirOption) {
    const auto failing = [](const char* name, const char* value) {
        return error_of([&] { failover_options(values({{name, value}})); });
    };
    EXPECT_THAT(failing("grace", "30"), HasSubstr("--grace"));
    EXPECT_THAT(failing("lock-timeout", "-1s"), HasSubstr("--lock-timeout"));
    EXPECT_THAT(failing("limit", "0"), HasSubstr("--limit"));
    EXPECT_THAT(failing("limit", "many"), HasSubstr("'many'"));
    EXPECT_THAT(failing("items", "-1"), HasSubstr("--items"));
    EXPECT_THAT(failing("items", "99999999999"), HasSubstr("--items"));
    EXPECT_THAT(failing("wait", ""), HasSubstr("--wait"));
}

TEST(Options, BadValuesFromElsewhereNameWhere) {
    const OptionValues from_environment =
        collect_options({}, environment_of({{"DSFAILOVER_GRACE", "soon"}}));
    EXPECT_THAT(error_of([&] { failover_options(from_environment); }),
                HasSubstr("DSFAILOVER_GRACE"));
}

TEST(Options, StartupTimeAndProcessIdGoTogether) {
    EXPECT_EQ(process_option({}), std::nullopt);
    const auto process =
        process_option(values({{"startup-time", "1577836800123"}, {"process-id", "7074"}}));
    ASSERT_TRUE(process);
    EXPECT_EQ(process->startup_time, 1577836800123);
    EXPECT_EQ(process->process_id, 7074);
    EXPECT_THAT(error_of([] {
                    process_option(values({{"process-id", "1"}}));
                }),
                HasSubstr("--startup-time is missing"));
    EXPECT_THAT(error_of([] {
                    process_option(values({{"startup-time", "2020-01-01T00:00:00.000Z"}}));
                }),
                HasSubstr("--process-id is missing"));
}

TEST(Options, AStartupTimeNeedsItsMilliseconds) {
    EXPECT_THAT(
        error_of([] {
            process_option(values({{"startup-time", "2020-01-01T00:00:00Z"}, {"process-id", "1"}}));
        }),
        HasSubstr("--startup-time"));
    EXPECT_THAT(
        error_of([] {
            process_option(values({{"startup-time", "1577836800123"}, {"process-id", "0"}}));
        }),
        HasSubstr("--process-id"));
}

TEST(Options, AnEventTimeLiesNotInTheFuture) {
    const auto event_time = [](EpochMs time) {
        return event_time_option(values({{"event-time", std::to_string(time)}}));
    };
    EXPECT_EQ(event_time(1577836800123), 1577836800123);
    EXPECT_NO_THROW(event_time(now_ms() + 3000));
    EXPECT_THAT(error_of([&] { event_time(now_ms() + 60'000); }), HasSubstr("future"));
}

CommandLine parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "dsfailover");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, IsTakenApart) {
    const CommandLine line =
        parse({"failover-master", "[::1]:5678", "--grace=0s", "--no-lock", "--in-doubt", "1,2"});
    EXPECT_EQ(line.command->name, "failover-master");
    EXPECT_THAT(line.arguments, ElementsAre("[::1]:5678"));
    EXPECT_EQ(line.options.at("grace"), "0s");
    EXPECT_EQ(line.options.at("no-lock"), "true");
    EXPECT_EQ(line.options.at("in-doubt"), "1,2");
    EXPECT_EQ(line.options.size(), 3U);
}

TEST(CommandLine, KeepsValuesAsTheyWereWritten) {
    EXPECT_THAT(parse({"failover-master", "[::1]"}).arguments, ElementsAre("[::1]"));
    EXPECT_THAT(parse({"failover-master", ""}).arguments, ElementsAre(""));
    const CommandLine line = parse({"global", "--grace=", "--registry=a=b", "--no-lock=true"});
    EXPECT_EQ(line.options.at("grace"), "");
    EXPECT_EQ(line.options.at("registry"), "a=b");
    EXPECT_EQ(line.options.at("no-lock"), "true");
    EXPECT_FALSE(parse({"global", "--no-lock=false"}).options.contains("no-lock"));
}

TEST(CommandLine, HelpAndVersionAreTexts) {
    EXPECT_THAT(*parse({"--version"}).text, HasSubstr("dsfailover "));
    EXPECT_THAT(*parse({"global", "--help"}).text, HasSubstr("--in-doubt"));
}

TEST(CommandLine, MistakesAreNamed) {
    const auto failing = [](std::vector<const char*> arguments) {
        return error_of([&] { parse(arguments); });
    };
    EXPECT_THAT(failing({"sandbox"}), HasSubstr("a command is required"));
    EXPECT_THAT(failing({"sandbox", "sho"}),
                AllOf(HasSubstr("there is no command 'sandbox sho'"), HasSubstr("show"),
                      HasSubstr("Try 'dsfailover sandbox --help'")));
    EXPECT_THAT(failing({"sandbox", "nosuch", "--help"}),
                HasSubstr("there is no command 'sandbox nosuch'"));
    EXPECT_THAT(failing({}), HasSubstr("a command is required"));
    EXPECT_THAT(failing({"destroy"}), HasSubstr("no command 'destroy'"));
    EXPECT_THAT(failing({"global", "--foo"}), HasSubstr("--foo"));
    EXPECT_THAT(failing({"global", "--grace"}), HasSubstr("--grace"));
    EXPECT_THAT(failing({"global", "--grace", "1s", "--grace", "2s"}),
                HasSubstr("--grace is given more than once"));
    EXPECT_THAT(failing({"global", "127.0.1.1:1"}), HasSubstr("127.0.1.1:1"));
    EXPECT_THAT(failing({"failover-master"}), HasSubstr("ADDRESS"));
    EXPECT_THAT(failing({"failover-master", "a:1", "b:1"}), HasSubstr("b:1"));
    EXPECT_THAT(failing({"--grace", "1s", "global"}), HasSubstr("options come after"));
    EXPECT_THAT(failing({"list-marks", "--dry-run"}), HasSubstr("--dry-run"));
    EXPECT_THAT(failing({"global", "--dry-run=maybe"}), HasSubstr("--dry-run"));
}

TEST(CommandLine, MistakesShowNoPassword) {
    const char* const url = "postgresql://ds:S3CRETpw@db/ds";
    for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
             {url},
             {"--databse=postgresql://ds:S3CRETpw@db/ds", "global"},
             {"failover-master", "H:1", url},
             {"global", "--databse", url},
             {"global", "--databse=postgresql://ds:S3CRETpw@db/ds"},
             {"global", "--database-password", "S3CRETpw"},
             {"sandbox", url}}) {
        const std::string error = error_of([&] { parse(arguments); });
        EXPECT_THAT(error, Not(HasSubstr("S3CRETpw")));
        EXPECT_THAT(error, HasSubstr("--help"));
    }
    EXPECT_THAT(error_of([&] { parse({"global", "--databse", url}); }), HasSubstr("--databse"));
    EXPECT_THAT(error_of([&] { server_address(url, "ADDRESS"); }),
                AllOf(Not(HasSubstr("S3CRETpw")), HasSubstr("ADDRESS")));
    EXPECT_THAT(error_of([&] { workflow_ids({url}); }), Not(HasSubstr("S3CRETpw")));
}

}  // namespace
}  // namespace dsfailover
