#include "report/report.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/terminal_text.h"
#include "report/conclusion.h"
#include "report/json_writer.h"
#include "report/print_report.h"
#include "support/sample_reports.h"

namespace dsfailover {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string print(const Report& report, std::string_view format) {
    std::ostringstream out;
    print_report(report, format, out);
    return out.str();
}

Report sample(std::string_view name) {
    for (auto& [each, report] : sample_reports())
        if (each == name) return report;
    throw std::logic_error("no such sample");
}

std::vector<std::string> keys(const ordered_json& object) {
    std::vector<std::string> result;
    for (const auto& [key, value] : object.items()) result.push_back(key);
    return result;
}

TEST(ExitCodeOfAReport, IsTheFirstThatAppliesInTheOrderOfTheContract) {
    const std::vector<ExitCode> order = {ExitCode::interrupted,
                                         ExitCode::usage,
                                         ExitCode::environment,
                                         ExitCode::failed,
                                         ExitCode::lock_unavailable,
                                         ExitCode::refused,
                                         ExitCode::needs_person,
                                         ExitCode::check_failed,
                                         ExitCode::done};
    for (std::size_t first = 0; first < order.size(); ++first)
        for (std::size_t second = first; second < order.size(); ++second) {
            EXPECT_EQ(more_urgent(order[first], order[second]), order[first]);
            EXPECT_EQ(more_urgent(order[second], order[first]), order[first]);
        }
}

TEST(ExitCodeOfAReport, NamesTheFirstSignal) {
    EXPECT_EQ(more_urgent(ExitCode::terminated, ExitCode::interrupted), ExitCode::terminated);
    EXPECT_EQ(more_urgent(ExitCode::usage, ExitCode::terminated), ExitCode::terminated);
}

Report concluded(Report report) {
    conclude(report);
    return report;
}

Report with_problem(ExitCode code, std::int64_t done, bool ended_run = false) {
    Report report;
    MasterSection master;
    master.workflows.done = done;
    report.masters = std::vector{master};
    report.problems.push_back({code, "a problem", ended_run});
    return report;
}

TEST(Conclusion, IsWhatTheSectionsSayWasDone) {
    Report report;
    EXPECT_EQ(concluded(report).outcome, Outcome::nothing_to_do);
    MasterSection master;
    master.outcome = Outcome::already_failed_over;
    report.masters = std::vector{master};
    EXPECT_EQ(concluded(report).outcome, Outcome::already_failed_over);
    report.masters->front().workflows.done = 1;
    EXPECT_EQ(concluded(report).outcome, Outcome::completed);
    report.dry_run = true;
    EXPECT_EQ(concluded(report).outcome, Outcome::planned);
    EXPECT_EQ(concluded(report).exit_code, ExitCode::done);
}

TEST(Conclusion, OfWhatHasNoSectionIsThatItWasDone) {
    Report report;
    report.command = "sandbox create";
    EXPECT_EQ(concluded(report).outcome, Outcome::completed);
}

TEST(Conclusion, OfWhatNeedsAPersonIsPartial) {
    const Report report = concluded(with_problem(ExitCode::needs_person, 0));
    EXPECT_EQ(report.outcome, Outcome::partial);
    EXPECT_EQ(report.exit_code, ExitCode::needs_person);
}

TEST(Conclusion, OfARefusalDependsOnWhatWasDoneBefore) {
    EXPECT_EQ(concluded(with_problem(ExitCode::refused, 0)).outcome, Outcome::refused);
    EXPECT_EQ(concluded(with_problem(ExitCode::refused, 1)).outcome, Outcome::partial);
    EXPECT_EQ(concluded(with_problem(ExitCode::lock_unavailable, 0)).outcome, Outcome::failed);
    EXPECT_EQ(concluded(with_problem(ExitCode::lock_unavailable, 1)).outcome, Outcome::partial);
}

TEST(Conclusion, OfARunThatSomethingEndedIsThat) {
    EXPECT_EQ(concluded(with_problem(ExitCode::failed, 1, true)).outcome, Outcome::failed);
    EXPECT_EQ(concluded(with_problem(ExitCode::refused, 1, true)).outcome, Outcome::refused);
    Report report = with_problem(ExitCode::failed, 1, true);
    report.problems.push_back({ExitCode::terminated, "interrupted", true});
    EXPECT_EQ(concluded(report).outcome, Outcome::interrupted);
    EXPECT_EQ(concluded(report).exit_code, ExitCode::terminated);
}

TEST(Conclusion, OfAFailedCheckIsTheExitStatusAlone) {
    Report report;
    report.status.emplace();
    report.check_failed = true;
    EXPECT_EQ(concluded(report).outcome, Outcome::completed);
    EXPECT_EQ(concluded(report).exit_code, ExitCode::check_failed);
}

TEST(JsonReport, IsOneObjectAndANewline) {
    for (const auto& [name, report] : sample_reports()) {
        const std::string text = print(report, "json");
        EXPECT_TRUE(ordered_json::accept(text)) << name << '\n' << text;
        EXPECT_EQ(text.substr(text.size() - 3), "\n}\n") << name;
    }
}

TEST(JsonReport, BeginsWithTheGeneralFieldsInTheirOrder) {
    for (const auto& [name, report] : sample_reports()) {
        auto fields = keys(ordered_json::parse(print(report, "json")));
        fields.resize(13);
        EXPECT_THAT(fields, ElementsAre("schema_version", "command", "dry_run", "outcome",
                                        "exit_code", "started_at", "finished_at", "duration_ms",
                                        "registry", "database", "event", "warnings", "errors"))
            << name;
    }
}

TEST(JsonReport, SaysWhatBecameOfAMaster) {
    const auto report = ordered_json::parse(print(sample("failover-master"), "json"));
    EXPECT_EQ(report["outcome"], "partial");
    EXPECT_EQ(report["exit_code"], 3);
    EXPECT_EQ(report["started_at"], "2026-11-22T07:18:10.740Z");
    EXPECT_EQ(report["duration_ms"], 1234);
    EXPECT_EQ(report["registry"]["namespace"], "/dolphinscheduler");
    EXPECT_EQ(report["event"]["startup_time"], 1'795'331'790'741);

    const auto& master = report["masters"][0];
    EXPECT_THAT(keys(master), ElementsAre("address", "alive", "startup_time", "deadline", "stamp",
                                          "new_host", "outcome", "old_process", "fence", "lock",
                                          "mark", "workflows", "recovery"));
    EXPECT_EQ(master["deadline"], 1'795'331'890'740);
    EXPECT_EQ(master["mark"]["previous_value"], "not-a-number");
    const auto& workflows = master["workflows"];
    EXPECT_EQ(workflows["selected"], 3);
    EXPECT_EQ(workflows["failed_over"], 1);
    EXPECT_EQ(workflows["skipped"]["in_doubt"], 1);
    EXPECT_EQ(workflows["unknown"], 1);
    EXPECT_EQ(workflows["items"].size(), 4U);
    EXPECT_EQ(workflows["items_omitted"], 1);
    EXPECT_EQ(workflows["items"][0]["command_id"], 501);
    EXPECT_EQ(workflows["items"][2]["reason"], "limit");

    const auto& bare = report["masters"][1];
    EXPECT_TRUE(bare["lock"].is_null());
    EXPECT_TRUE(bare["mark"].is_null());
    EXPECT_TRUE(bare["recovery"].is_null());
}

TEST(JsonReport, ReplacesBytesThatAreNoUtf8) {
    const auto report = ordered_json::parse(print(sample("failover-master"), "json"));
    EXPECT_EQ(report["masters"][0]["workflows"]["items"][0]["name"],
              "a \"name\"\n\x1b[31m\xef\xbf\xbd\xef\xbf\xbd 订单");
}

TEST(JsonReport, GivesMarkValuesAsNumbersWhereTheyAreNumbers) {
    const auto items = ordered_json::parse(print(sample("list-marks"), "json"))["marks"]["items"];
    EXPECT_EQ(items[0]["value"], 1'795'331'890'740);
    EXPECT_EQ(items[1]["value"], "0x12");
    Report report = sample("list-marks");
    for (const char* text : {"007", "-0", " 1", "1 ", "99999999999999999999", ""}) {
        report.marks->items.kept()[0].value = text;
        EXPECT_EQ(ordered_json::parse(print(report, "json"))["marks"]["items"][0]["value"], text);
    }
}

TEST(JsonReport, OfARequeueCountsWhatWasRequeued) {
    const auto report = ordered_json::parse(print(sample("requeue"), "json"));
    EXPECT_EQ(report["workflows"]["requeued"], 1);
    EXPECT_FALSE(report["workflows"].contains("failed_over"));
    EXPECT_EQ(report["recovery"]["recovered"], 1);
}

TEST(JsonReport, HasTheSectionsOfItsCommandAlsoWhenTheRunEndedEarly) {
    const auto master = ordered_json::parse(print(sample("failover-master-ended-early"), "json"));
    EXPECT_EQ(master["masters"], ordered_json::array());
    EXPECT_EQ(master["duration_ms"], 0);  // not negative
    const auto status = ordered_json::parse(print(sample("status-ended-early"), "json"));
    EXPECT_TRUE(status["masters"].is_null());
    EXPECT_TRUE(status["marks"].is_null());
}

TEST(JsonReport, IsWrittenPieceByPiece) {
    Report report = sample("failover-master");
    report.masters->resize(1);
    auto& workflows = report.masters->front().workflows;
    workflows.items = Items<WorkflowItem>(5000);
    for (int id = 0; id < 5000; ++id)
        workflows.items.add({id, "n", {}, WorkflowOutcome::failed_over, {}, id, {}, {}});
    const auto parsed = ordered_json::parse(print(report, "json"));
    const auto& items = parsed["masters"][0]["workflows"]["items"];
    ASSERT_EQ(items.size(), 5000U);
    for (std::size_t i = 0; i < items.size(); ++i) ASSERT_EQ(items[i]["id"], i);
}

TEST(JsonWriter, PutsInlineContainersOnOneLine) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.field("a", std::int64_t{-1});
    json.key("b").begin_array();
    json.begin_object(JsonWriter::Style::inline_);
    json.field("c", true);
    json.key("d").begin_array();
    json.value(nullptr);
    json.value("x");
    json.end_array();
    json.end_object();
    json.end_array();
    json.key("e").begin_array();
    json.end_array();
    json.end_object();
    EXPECT_EQ(text,
              "{\n  \"a\": -1,\n  \"b\": [\n    {\"c\": true, \"d\": [null, \"x\"]}\n  ],\n"
              "  \"e\": []\n}");
}

TEST(TableReport, BeginsWithWhatHappenedAndWhatIsWrong) {
    const std::string text = print(sample("failover-master-ended-early"), "table");
    EXPECT_THAT(text, StartsWith("failover-master: failed, exit status 6"));
    EXPECT_THAT(text, HasSubstr("\nERROR: zookeeper://h1:2181 cannot be reached\n"));
    const std::string other = print(sample("failover-master"), "table");
    EXPECT_THAT(other, StartsWith("failover-master 127.0.1.1:5678: partial, exit status 3, 1.2 s\n"
                                  "1 of 3 workflows failed over, skipped: in_doubt 1, "
                                  "running_elsewhere 1\n"
                                  "ERROR: Workflows of 127.0.1.1:5678 are left\n"
                                  "WARNING: a warning"));
    EXPECT_THAT(other, HasSubstr("3 selected, 1 failed over, 2 LEFT, 1 UNKNOWN; skipped: "
                                 "in_doubt 1, running_elsewhere"));
    EXPECT_THAT(other, HasSubstr("... and 1 more"));
}

TEST(TableReport, SaysThatADryRunWroteNothing) {
    const std::string text = print(sample("global"), "table");
    EXPECT_THAT(text, StartsWith("global: planned (dry run, nothing was written)"));
}

TEST(TableReport, LetsNoControlCharacterThrough) {
    for (const auto& [name, report] : sample_reports())
        for (const char c : print(report, "table"))
            ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << name;
}

TEST(TableReport, ShowsEverySectionOfAStatus) {
    const std::string text = print(sample("status"), "table");
    for (const char* part :
         {"127.0.1.2:5678  yes    NORMAL", "127.0.1.1:5678 (GONE)", "its heartbeat is not JSON",
          "needs failover", "8 failover commands wait, the oldest for", "4 that no master takes",
          "stuck in FAILOVER", "java.lang.IllegalStateException", "in_doubt", "SUSPECTED",
          "127.0.1.7, 127.0.1.8", "8, 3 older than 7 days, 1 unreadable, 2 fences",
          "127.0.1.5:5678-1795331879415-7074", "-12 ms", "waiting for a kill",
          "child workflow is unfinished too"})
        EXPECT_THAT(text, HasSubstr(part));
}

std::size_t longest_word(const std::string& line) {
    std::istringstream words(line);
    std::size_t longest = 0;
    for (std::string word; words >> word;) longest = std::max(longest, columns(word));
    return longest;
}

TEST(TableReport, IsNoWiderThanTheScreen) {
    for (const auto& [name, report] : sample_reports()) {
        for (const std::size_t width : {80U, 100U, 200U}) {
            std::ostringstream out;
            print_report(report, "table", out, {.width = width});
            std::istringstream lines(out.str());
            for (std::string line; std::getline(lines, line);) {
                // A value is never broken: a path, an id, an address.
                if (longest_word(line) < 40) {
                    EXPECT_LE(columns(line), width) << name << ": " << line;
                }
            }
        }
    }
}

TEST(TableReport, EndsWithWhatToDoNext) {
    EXPECT_THAT(print(sample("failover-master"), "table"),
                HasSubstr("\nnext: dsfailover explain 12\n"));
    EXPECT_THAT(print(sample("global"), "table"),
                HasSubstr("\nnext: the same command without --dry-run\n"));
}

TEST(TableReport, HasColoursOnlyWhereTheyAreWanted) {
    std::ostringstream out;
    print_report(sample("failover-master"), "table", out, {.colour = true});
    EXPECT_THAT(out.str(), StartsWith("\x1b[33mfailover-master 127.0.1.1:5678: partial"));
    EXPECT_THAT(out.str(), HasSubstr("\x1b[31mERROR\x1b[0m: "));
    EXPECT_THAT(print(sample("failover-master"), "table"), Not(HasSubstr("\x1b")));
}

TEST(Printable, ReplacesWhatATerminalWouldObey) {
    EXPECT_EQ(printable("plain"), "plain");
    EXPECT_EQ(printable("a\x1b[2Jb\x7f\n"), "a?[2Jb??");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "?31m");  // C1 control
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "evil"),
              "?evil");  // right-to-left override
    EXPECT_EQ(printable("\xff"), "\xef\xbf\xbd");
    EXPECT_EQ(printable("\"quoted\" ü 订"), "\"quoted\" ü 订");
}

TEST(PrintReport, KnowsTwoFormats) { EXPECT_THROW(print(Report(), "xml"), UsageError); }

TEST(JsonLine, IsTheReportOnOneLine) {
    for (const auto& [name, report] : sample_reports()) {
        const std::string line = print(report, "json-line");
        EXPECT_EQ(std::ranges::count(line, '\n'), 1) << name;
        EXPECT_EQ(ordered_json::parse(line), ordered_json::parse(print(report, "json"))) << name;
    }
}

TEST(PrometheusReport, HasTheCountsOfTheStatus) {
    const std::string text = print(sample("status"), "prometheus");
    for (const char* line : {
             "dsfailover_up 1",
             "dsfailover_last_run_timestamp_seconds 1795331891.974",
             "dsfailover_last_run_duration_seconds 1.234",
             "schema_version=\"3.3.0\"} 1",
             "dsfailover_check_ok{check=\"clocks\"} 1",
             "dsfailover_check_ok{check=\"marks\"} 0",
             "dsfailover_masters{status=\"BUSY\"} 1",
             "dsfailover_masters{status=\"NORMAL\"} 2",
             "dsfailover_masters{status=\"unknown\"} 1",
             "dsfailover_workflows{state=\"RUNNING_EXECUTION\"} 12",
             "dsfailover_workflows_to_fail_over 12",
             "dsfailover_workflows_to_fail_over_oldest_age_seconds 101.222",
             "dsfailover_workflows_in_doubt 2",
             "dsfailover_workflows_stuck 2",
             "dsfailover_workers_gone 2",
             "dsfailover_workers_gone_tasks{route=\"announced\"} 4",
             "dsfailover_workers_gone_tasks{route=\"stuck\"} 0",
             "dsfailover_commands{type=\"2\"} 8",
             "dsfailover_commands_unclaimed{type=\"2\"} 4",
             "dsfailover_commands_oldest_age_seconds{type=\"0\"} 0",
             "dsfailover_commands_oldest_age_seconds{type=\"2\"} 601.222",
             "dsfailover_locks_leaked 1",
             "dsfailover_fences{alive=\"true\"} 1",
             "dsfailover_clock_skew_seconds -0.012",
             "dsfailover_workflows_abandoned 2",
         })
        EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
}

TEST(PrometheusReport, NamesNoWorkflowAndNoServer) {
    const std::string text = print(sample("status"), "prometheus");
    EXPECT_THAT(text, Not(HasSubstr("127.0.")));
    EXPECT_THAT(text, Not(HasSubstr("name")));
}

TEST(PrometheusReport, OfCommandTypesThatAreNoneIsASum) {
    Report report = sample("status");
    report.status->commands.by_type = {{-1, {1, {}, 1}}, {13, {2, {}, 0}}, {14, {4, {}, 0}}};
    const std::string text = print(report, "prometheus");
    EXPECT_THAT(text, HasSubstr("dsfailover_commands{type=\"2\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("dsfailover_commands{type=\"13\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("dsfailover_commands{type=\"other\"} 5\n"));
}

TEST(PrometheusReport, OfAFailureIsWhenItWas) {
    const std::string text = print(sample("status-ended-early"), "prometheus");
    EXPECT_THAT(text, HasSubstr("dsfailover_up 0\n"));
    EXPECT_THAT(text, HasSubstr("dsfailover_last_run_timestamp_seconds 1795331890.735\n"));
    EXPECT_THAT(text, HasSubstr("dsfailover_last_run_duration_seconds 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("check_ok")));
}

}  // namespace
}  // namespace dsfailover
