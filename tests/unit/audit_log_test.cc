#include "report/audit_log.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace dsfailover {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class AuditLogTest : public testing::Test {
  protected:
    void SetUp() override {
        char folder[] = "/tmp/audit-log-test-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        file_ = folder_ + "/audit.jsonl";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::vector<json> lines() const {
        std::ifstream in(file_);
        std::vector<json> result;
        for (std::string line; std::getline(in, line);) result.push_back(json::parse(line));
        return result;
    }

    std::string folder_, file_;
};

TEST_F(AuditLogTest, AppendsOneLinePerEntry) {
    for (int run = 0; run < 2; ++run) {
        AuditLog log(file_, "failover-master");
        log.write({"workflow", "failed_over", "127.0.1.1:5678", 7, 31, "", "RUNNING_EXECUTION"});
        log.write({"mark", "written", "127.0.1.1:5678", {}, {}, "/nodes/x-unknown-unknown", "5"});
        log.flush();
    }
    const auto written = lines();
    ASSERT_EQ(written.size(), 4U);
    EXPECT_EQ(written[0]["command"], "failover-master");
    EXPECT_EQ(written[0]["kind"], "workflow");
    EXPECT_EQ(written[0]["action"], "failed_over");
    EXPECT_EQ(written[0]["address"], "127.0.1.1:5678");
    EXPECT_EQ(written[0]["id"], 7);
    EXPECT_EQ(written[0]["command_id"], 31);
    EXPECT_EQ(written[0]["value"], "RUNNING_EXECUTION");
    EXPECT_THAT(std::string(written[0]["at"]),
                testing::MatchesRegex("[0-9-]+T[0-9:]+\\.[0-9][0-9][0-9]Z"));
    EXPECT_EQ(written[3]["path"], "/nodes/x-unknown-unknown");
    EXPECT_FALSE(written[3].contains("id"));
}

TEST_F(AuditLogTest, IsForItsOwnerOnly) {
    AuditLog log(file_, "global");
    struct stat status {};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(AuditLogTest, HasEveryLineAtOnce) {
    AuditLog log(file_, "global");
    log.write({"workflow", "failed_over", "", 1, {}, "", ""});
    EXPECT_EQ(lines().size(), 1U);
    log.write({"workflow", "failed_over", "", 2, {}, "", ""});
    EXPECT_EQ(lines().size(), 2U);
    log.flush();
    EXPECT_EQ(lines().size(), 2U);
}

TEST_F(AuditLogTest, KeepsManyEntriesInOrder) {
    AuditLog log(file_, "global");
    for (int id = 0; id < 5000; ++id) log.write({"workflow", "failed_over", "", id, {}, "", ""});
    log.flush();
    const auto written = lines();
    ASSERT_EQ(written.size(), 5000U);
    for (std::size_t i = 0; i < written.size(); ++i) ASSERT_EQ(written[i]["id"], i);
}

TEST_F(AuditLogTest, NamesTheFileThatCannotBeOpened) {
    try {
        AuditLog log(folder_ + "/missing/audit.jsonl", "global");
        FAIL() << "opened";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr(folder_ + "/missing/audit.jsonl"));
        EXPECT_THAT(error.what(), HasSubstr("No such file"));
    }
}

TEST_F(AuditLogTest, SaysWhenTheDiskIsFull) {
    AuditLog log("/dev/full", "global");
    EXPECT_NO_THROW(log.check());
    EXPECT_NO_THROW(log.write({"workflow", "failed_over", "", 1, {}, "", ""}));
    try {
        log.flush();
        FAIL() << "flushed";
    } catch (const Error& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::failed);
        EXPECT_THAT(error.what(), HasSubstr("/dev/full"));
        EXPECT_THAT(error.what(), HasSubstr("No space left"));
    }
}

TEST_F(AuditLogTest, KeepsAFailedWriteForCheckAndTellsItOnce) {
    AuditLog log("/dev/full", "global");
    log.write({"workflow", "failed_over", "", 1, {}, "", ""});
    EXPECT_NO_THROW(log.write({"workflow", "failed_over", "", 2, {}, "", ""}));
    EXPECT_THROW(log.check(), Error);
    EXPECT_THROW(log.check(), Error);
    EXPECT_NO_THROW(log.flush());
}

TEST(AuditLogWithoutAFile, WritesNowhere) {
    AuditLog log;
    log.write({"workflow", "failed_over", "", 1, {}, "", ""});
    EXPECT_NO_THROW(log.flush());
}

}  // namespace
}  // namespace dsfailover
