#include "sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "database/database.h"
#include "registry/jdbc/registry.h"
#include "registry/jdbc/schema.h"
#include "registry/living_servers.h"
#include "registry/paths.h"
#include "registry/registry.h"
#include "store/schema.h"

namespace dsfailover {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Le;
using testing::SizeIs;

class SandboxTest : public testing::Test {
  protected:
    void SetUp() override {
        char folder[] = "/tmp/sandbox-test-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        file_ = folder_ + "/demo.db";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::set<std::string> files() const {
        std::set<std::string> result;
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            result.insert(entry.path().filename());
        return result;
    }

    DatabaseSettings settings() const {
        DatabaseSettings result;
        result.type = DatabaseType::sqlite;
        result.file = file_;
        return result;
    }

    std::unique_ptr<Registry> registry() const {
        RegistrySettings result;
        result.type = RegistrySettings::Type::jdbc;
        result.database = settings();
        return open_jdbc_registry(result);
    }

    std::string folder_, file_;
};

std::set<std::int64_t> ids_of(const SandboxSection& sandbox, const std::string& host,
                              const std::string& state) {
    std::set<std::int64_t> result;
    for (const SandboxWorkflow& workflow : sandbox.workflows)
        if (workflow.host == host && workflow.state == state) result.insert(workflow.id);
    return result;
}

TEST_F(SandboxTest, IsOneFileInWalModeWithTheTablesOf330) {
    create_sandbox(file_);
    EXPECT_THAT(files(), ElementsAre("demo.db"));
    const auto database = open_database(settings());
    EXPECT_EQ(database->query("PRAGMA journal_mode")[0].text(0), "wal");
    const Schema schema = read_schema(*database);
    EXPECT_EQ(schema.version, "3.3.0");
    EXPECT_TRUE(schema.has_test_flag);
    EXPECT_NO_THROW(check_jdbc_registry_schema(*database));
}

TEST_F(SandboxTest, HasADeadAndALivingMasterAndWorker) {
    create_sandbox(file_);
    const auto cluster = registry();
    const Servers servers = read_servers(*cluster, false);
    ASSERT_THAT(servers.masters, SizeIs(1));
    ASSERT_THAT(servers.workers, SizeIs(1));
    EXPECT_EQ(servers.masters[0].address, "127.0.1.2:5678");
    EXPECT_EQ(servers.workers[0].address, "127.0.1.12:1234");
    for (const Server& server : {servers.masters[0], servers.workers[0]}) {
        EXPECT_EQ(server.problem, "");
        EXPECT_EQ(server.server_status, "NORMAL");
        EXPECT_THAT(server.report_time.value(), Le(now_ms()));
    }
    EXPECT_EQ(cluster->get(std::string(paths::kCoordinator))->value, "127.0.1.2:5678");
}

TEST_F(SandboxTest, KeepsItsLivingServersAliveForTenYears) {
    create_sandbox(file_);
    const auto database = open_database(settings());
    const Rows clients = database->query(
        "SELECT connection_config FROM t_ds_jdbc_registry_client_heartbeat ORDER BY id");
    ASSERT_EQ(clients.size(), 2U);
    EXPECT_EQ(clients[0].text(0), "{\"sessionTimeout\":315360000000}");
    EXPECT_EQ(clients[1].text(0), "{\"sessionTimeout\":315360000000}");
}

TEST_F(SandboxTest, HasEverythingAFailoverMeets) {
    create_sandbox(file_);
    const SandboxSection sandbox = read_sandbox(file_);
    EXPECT_THAT(sandbox.servers, ElementsAre(Field(&SandboxServer::address, "127.0.1.2:5678"),
                                             Field(&SandboxServer::address, "127.0.1.12:1234")));
    EXPECT_THAT(sandbox.servers, Each(Field(&SandboxServer::alive, true)));
    const std::string dead = "127.0.1.1:5678", living = "127.0.1.2:5678";
    EXPECT_THAT(ids_of(sandbox, dead, "RUNNING_EXECUTION"), ElementsAre(1, 7, 8, 9, 10));
    EXPECT_THAT(ids_of(sandbox, dead, "READY_PAUSE"), ElementsAre(11));
    EXPECT_THAT(ids_of(sandbox, dead, "READY_STOP"), ElementsAre(12));
    EXPECT_THAT(ids_of(sandbox, dead, "FAILOVER"), ElementsAre(15, 16, 17));
    EXPECT_THAT(ids_of(sandbox, living, "RUNNING_EXECUTION"), ElementsAre(13, 14, 20));
    for (const char* state : {"SUCCESS", "FAILURE", "STOP", "PAUSE", "SUBMITTED_SUCCESS"})
        EXPECT_THAT(ids_of(sandbox, dead, state), Not(testing::IsEmpty())) << state;
    EXPECT_EQ(sandbox.workflows[9].parent_id, 9);
    EXPECT_EQ(sandbox.workflows[6].command_type, 4);

    std::set<std::int64_t> with_dead_worker;
    for (const SandboxTask& task : sandbox.tasks)
        if (task.host == "127.0.1.11:1234" &&
            (task.state == "DISPATCH" || task.state == "RUNNING_EXECUTION"))
            with_dead_worker.insert(*task.workflow_instance_id);
    EXPECT_THAT(with_dead_worker, ElementsAre(7, 8, 10, 12, 13, 15, 16));

    EXPECT_THAT(sandbox.commands, Contains(Field(&SandboxCommand::workflow_instance_id, 15)));
    EXPECT_THAT(sandbox.error_commands,
                ElementsAre(Field(&SandboxCommand::workflow_instance_id, 16),
                            Field(&SandboxCommand::workflow_instance_id, 17)));
    EXPECT_THAT(sandbox.marks, SizeIs(8));
    EXPECT_THAT(sandbox.marks, Contains(Field(&SandboxNode::value, "not-a-number")));
    EXPECT_THAT(sandbox.stamps, SizeIs(0));
    EXPECT_THAT(sandbox.locks,
                ElementsAre(Field(&SandboxLock::path, "/lock/master-failover/127.0.1.3:5678")));
}

TEST_F(SandboxTest, GivesANewCommandAnIdAboveThoseThatFailed) {
    create_sandbox(file_);
    const auto database = open_database(settings());
    database->execute("INSERT INTO t_ds_command (workflow_definition_code) VALUES (1)");
    EXPECT_EQ(database->last_insert_id(), 106);
}

TEST_F(SandboxTest, ShowsTheSameTwiceAndWritesNothing) {
    create_sandbox(file_);
    const auto written = std::filesystem::last_write_time(file_);
    const auto size = std::filesystem::file_size(file_);
    const SandboxSection first = read_sandbox(file_);
    const SandboxSection second = read_sandbox(file_);
    ASSERT_EQ(first.workflows.size(), second.workflows.size());
    for (std::size_t i = 0; i < first.workflows.size(); ++i) {
        EXPECT_EQ(first.workflows[i].id, static_cast<std::int64_t>(i + 1));
        EXPECT_EQ(first.workflows[i].start_time, second.workflows[i].start_time);
    }
    EXPECT_EQ(std::filesystem::last_write_time(file_), written);
    EXPECT_EQ(std::filesystem::file_size(file_), size);
    EXPECT_THAT(files(), ElementsAre("demo.db"));
}

TEST_F(SandboxTest, NeverOverwrites) {
    // A -wal file left beside a removed database would be replayed into a new one.
    for (const char* suffix : {"", "-wal", "-journal"}) {
        const std::string existing = file_ + suffix;
        std::ofstream(existing) << "mine";
        try {
            create_sandbox(file_);
            FAIL() << "made over " << existing;
        } catch (const UsageError& error) {
            EXPECT_THAT(error.what(), HasSubstr(existing + " exists already"));
        }
        EXPECT_EQ(std::filesystem::file_size(existing), 4U);
        EXPECT_THAT(files(), SizeIs(1)) << "something was left behind";
        std::filesystem::remove(existing);
    }
}

TEST_F(SandboxTest, LeavesNothingHalfMade) {
    EXPECT_THROW(create_sandbox(""), UsageError);
    EXPECT_THROW(create_sandbox(folder_ + "/missing/demo.db"), UsageError);
    // The database can be made but not get its name: as long as a name may be, but for the suffix.
    const std::string longest = folder_ + '/' + std::string(255, 'x');
    EXPECT_THROW(create_sandbox(longest), Error);
    EXPECT_THAT(files(), SizeIs(0));
}

TEST_F(SandboxTest, ShowRefusesWhatIsNoSandbox) {
    EXPECT_THROW(read_sandbox(file_), DatabaseError);
    std::ofstream(file_)
        << "this is not a database, but long enough to be looked at as one, is it?";
    EXPECT_THROW(read_sandbox(file_), Error);
    std::filesystem::remove(file_);
    std::ofstream(file_).close();  // an empty file is an empty database
    try {
        read_sandbox(file_);
        FAIL() << "read";
    } catch (const EnvironmentError& error) {
        EXPECT_THAT(error.what(), HasSubstr(file_));
    }
}

TEST_F(SandboxTest, ShowsAServerThatReportsAsAliveWhateverItsClientRowSays) {
    create_sandbox(file_);
    {
        const auto database = open_database(settings());
        database->execute(
            "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = 0, "
            "connection_config = '{\"sessionTimeout\":60000}' WHERE client_name = "
            "'127.0.1.2_7074'");
    }
    EXPECT_THAT(read_sandbox(file_).servers, ElementsAre(Field(&SandboxServer::alive, true),
                                                         Field(&SandboxServer::alive, true)));
}

}  // namespace
}  // namespace dsfailover
