// The stand-ins of a sandbox's servers, on a clock of the test's own.

#include "sandbox/served_cluster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "registry/jdbc/registry.h"
#include "registry/paths.h"
#include "sandbox/sandbox.h"
#include "servers/rpc_question.h"
#include "store/command_param.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kMaster = "127.0.1.2:5678";
const std::string kWorker = "127.0.1.12:1234";

class ServedClusterTest : public testing::Test {
  protected:
    void SetUp() override {
        char folder[] = "/tmp/served-test-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        settings_.file = folder_ + "/demo.db";
        create_sandbox(settings_.file);
        database_ = open();
        // What waits would be taken beside what a test is about, and half of it would not.
        database_->execute("DELETE FROM t_ds_command");
        database_->execute("DELETE FROM sandbox_counted");
    }
    void TearDown() override {
        cluster_.reset();
        database_.reset();
        std::filesystem::remove_all(folder_);
    }

    std::unique_ptr<Database> open() {
        settings_.lock_timeout = Millis(0);
        auto database = open_database(settings_);
        database->query("PRAGMA synchronous = OFF");
        return database;
    }

    void serve(ServedCluster::Departures departures = ServedCluster::Departures::unheard) {
        schema_ = read_schema(*database_);
        RegistrySettings tables;
        tables.type = RegistrySettings::Type::jdbc;
        tables.database = settings_;
        const Servers servers = read_servers(*open_jdbc_registry(tables), false);
        said_.clear();
        cluster_.emplace(*database_, schema_, servers, departures, now_,
                         [&](const std::string& line) { said_.push_back(line); });
    }
    void pass(Millis time) {
        for (const EpochMs until = now_ + time.count(); now_ < until; now_ += 250)
            cluster_->step(now_);
    }

    std::string number(const std::string& sql) {
        const Rows rows = database_->query(sql);
        return rows.empty() ? "" : std::string(rows[0].text(0));
    }
    std::string state(std::int64_t workflow) {
        return number(
            fmt::format("SELECT state FROM t_ds_workflow_instance WHERE id = {}", workflow));
    }
    std::int64_t command(std::int64_t workflow, const std::string& param) {
        database_->execute(
            "INSERT INTO t_ds_command (command_type, workflow_definition_code, command_param, "
            "workflow_instance_id) VALUES (2, 1, ?, ?)",
            {param, workflow});
        return database_->last_insert_id();
    }
    /// As a failover leaves it.
    std::int64_t fail_over(std::int64_t workflow) {
        const int before = std::stoi(state(workflow));
        database_->execute("UPDATE t_ds_workflow_instance SET state = 18 WHERE id = ?", {workflow});
        return command(workflow, recovery_command_param(before));
    }
    void put_mark(const std::string& address, const std::string& startup) {
        const std::string pid = address == kMaster ? "7074" : "5121";
        database_->execute(
            "INSERT INTO t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id) "
            "VALUES (?, '0', 'PERSISTENT', 1)",
            {fmt::format("/nodes/failover-finish-nodes/{}-{}-{}", address, startup, pid)});
    }
    std::string startup_of(const std::string& folder, const std::string& address) {
        return number(
            fmt::format("SELECT json_extract(data_value, '$.startupTime') "
                        "FROM t_ds_jdbc_registry_data WHERE data_key = '{}/{}'",
                        folder, address));
    }
    Answer asked(const std::string& address, Question question, std::int64_t id) {
        FrameReader question_reader, answer_reader;
        question_reader.add(question_bytes(question, id, 1));
        answer_reader.add(cluster_->answer(address, question_reader.next().value()));
        return read_answer(question, id, answer_reader.next()->body).answer;
    }
    Answer holds(std::int64_t workflow) {
        return asked(kMaster, Question::holds_workflow, workflow);
    }

    std::string folder_;
    DatabaseSettings settings_;
    std::unique_ptr<Database> database_;
    Schema schema_;
    std::optional<ServedCluster> cluster_;
    std::vector<std::string> said_;
    EpochMs now_ = now_ms();
};

TEST_F(ServedClusterTest, AMasterHoldsWhatTheSandboxSaysAndForgotTheRest) {
    serve();
    for (const std::int64_t held : {1, 13, 14}) EXPECT_EQ(holds(held), Answer::yes) << held;
    for (const std::int64_t other : {8, 15, 18, 20, 999}) EXPECT_EQ(holds(other), Answer::no);
}

TEST_F(ServedClusterTest, WhereTheFileDoesNotSayAMasterHoldsWhatHasItsHost) {
    database_->execute("DROP TABLE sandbox_held");
    serve();
    for (const std::int64_t held : {13, 14, 20}) EXPECT_EQ(holds(held), Answer::yes) << held;
    EXPECT_EQ(holds(1), Answer::no);
}

TEST_F(ServedClusterTest, AWorkerKnowsTheTasksItRuns) {
    serve();
    const auto task = [&](const std::string& name) {
        return std::stoll(number("SELECT id FROM t_ds_task_instance WHERE name = '" + name + "'"));
    };
    EXPECT_EQ(asked(kWorker, Question::task_lives, task("score")), Answer::yes);
    EXPECT_EQ(asked(kWorker, Question::task_lives, task("rates")), Answer::no);
    EXPECT_EQ(asked(kWorker, Question::task_lives, task("archive_invoices")), Answer::no);
}

TEST_F(ServedClusterTest, HeartbeatsMove) {
    serve();
    pass(1min);
    for (const char* key : {"/nodes/master/127.0.1.2:5678", "/nodes/worker/127.0.1.12:1234"}) {
        const auto reported =
            number(fmt::format("SELECT json_extract(data_value, '$.reportTime') FROM "
                               "t_ds_jdbc_registry_data WHERE data_key = '{}'",
                               key));
        EXPECT_GT(std::stoll(reported), now_ - 5000) << key;
    }
    EXPECT_GT(std::stoll(number("SELECT MIN(last_heartbeat_time) FROM "
                                "t_ds_jdbc_registry_client_heartbeat")),
              now_ - 5000);
}

TEST_F(ServedClusterTest, ARecoveredWorkflowIsRunToItsEndAndKeepsItsHost) {
    serve();
    const std::int64_t id = fail_over(8);
    pass(1s);
    EXPECT_EQ(holds(8), Answer::yes);
    EXPECT_EQ(state(8), "1");
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_command"), "0");
    // Its task was on the dead worker: that row is given up, and a new one dispatched.
    EXPECT_EQ(number("SELECT GROUP_CONCAT(state || ' ' || flag, ', ') FROM t_ds_task_instance "
                     "WHERE workflow_instance_id = 8 AND name = 'parse'"),
              "8 0, 1 1");
    pass(1min);
    EXPECT_EQ(holds(8), Answer::no);
    EXPECT_EQ(number("SELECT state || host || COALESCE(restart_time, '-') FROM "
                     "t_ds_workflow_instance WHERE id = 8 AND end_time IS NOT NULL"),
              "7127.0.1.1:5678-");
    EXPECT_THAT(said_,
                Contains(fmt::format("{} took command {}: workflow 8 runs again", kMaster, id)));
    EXPECT_THAT(said_, Contains(kMaster + " workflow 8 ended: SUCCESS"));
}

TEST_F(ServedClusterTest, WorkflowsToBePausedOrStoppedGoThere) {
    serve();
    fail_over(11);
    fail_over(12);
    pass(1s);
    EXPECT_EQ(state(11), "3");
    EXPECT_EQ(state(12), "5");
    EXPECT_EQ(number("SELECT GROUP_CONCAT(state) FROM t_ds_task_instance "
                     "WHERE workflow_instance_id IN (11, 12)"),
              "3,9");
}

TEST_F(ServedClusterTest, TheNextTasksAreThoseOfAnEarlierRun) {
    serve();
    fail_over(9);  // its task starts a sub-workflow; "report" follows it in workflow 3
    pass(1min);
    EXPECT_EQ(state(9), "7");
    EXPECT_EQ(number("SELECT GROUP_CONCAT(name || ' ' || host, ', ') FROM t_ds_task_instance "
                     "WHERE workflow_instance_id = 9 AND flag = 1"),
              "load_orders 127.0.1.2:5678, report 127.0.1.12:1234");
}

TEST_F(ServedClusterTest, ATaskThatEndedUnheardIsTakenOver) {
    serve();
    pass(3min);  // "sync" of 11 ended meanwhile, and its master is dead
    fail_over(11);
    pass(1s);
    EXPECT_EQ(number("SELECT GROUP_CONCAT(state || ' ' || flag) FROM t_ds_task_instance "
                     "WHERE workflow_instance_id = 11"),
              "7 1");
}

TEST_F(ServedClusterTest, AMasterWaitsForAWorkerThatIsGone) {
    serve();
    pass(10min);
    EXPECT_EQ(state(14), "7");
    EXPECT_EQ(state(13), "1");
    EXPECT_EQ(holds(13), Answer::yes);
}

TEST_F(ServedClusterTest, ATriggeredWorkflowStartsAtItsMaster) {
    database_->execute(
        "INSERT INTO t_ds_command (command_type, workflow_definition_code, command_param, "
        "workflow_instance_id) SELECT 6, 1, command_param, 21 FROM t_ds_workflow_instance "
        "WHERE id = 21");
    serve();
    pass(1s);
    EXPECT_EQ(number("SELECT state || host FROM t_ds_workflow_instance WHERE id = 21"),
              "1" + kMaster);
    pass(1min);
    EXPECT_EQ(state(21), "7");
}

TEST_F(ServedClusterTest, WhatCannotBeUsedBecomesAFailedCommand) {
    serve();
    const auto fails = [&](std::int64_t workflow, const std::string& param) {
        const std::int64_t id = command(workflow, param);
        pass(1s);
        EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_command"), "0");
        return number(fmt::format("SELECT message FROM t_ds_error_command WHERE id = {}", id));
    };
    EXPECT_THAT(fails(16, "{}"), HasSubstr("command_param cannot be read"));
    EXPECT_THAT(fails(16, R"({"commandType":7})"), HasSubstr("command_param cannot be read"));
    EXPECT_THAT(fails(999, recovery_command_param(1)), HasSubstr("no workflow instance 999"));
    EXPECT_THAT(fails(8, recovery_command_param(1)), HasSubstr("RUNNING_EXECUTION, not FAILOVER"));
    EXPECT_THAT(fails(17, recovery_command_param(1)), HasSubstr("Duplicate key render"));
    database_->execute("UPDATE t_ds_workflow_instance SET command_param = '{}' WHERE id = 16");
    EXPECT_THAT(fails(16, recovery_command_param(1)), HasSubstr("of the workflow instance"));
    EXPECT_EQ(state(16), "18");
    EXPECT_EQ(state(17), "18");
}

TEST_F(ServedClusterTest, ASecondCommandMakesAWorkflowHang) {
    serve();
    fail_over(8);
    pass(1s);
    fail_over(8);
    pass(10min);
    EXPECT_EQ(state(8), "1");
    EXPECT_EQ(holds(8), Answer::yes);
    EXPECT_THAT(said_, Contains(HasSubstr("workflow 8 is held already, and hangs for ever now")));
}

/// A second master at 127.0.1.4, which knows no workflow.
void add_master(Database& database, const std::string& status) {
    database.execute(
        "INSERT INTO t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id) "
        "SELECT '/nodes/master/127.0.1.4:5678', json_set(data_value, '$.serverStatus', ?, "
        "'$.host', '127.0.1.4'), 'EPHEMERAL', client_id FROM t_ds_jdbc_registry_data "
        "WHERE data_key = '/nodes/master/127.0.1.2:5678'",
        {status});
}

TEST_F(ServedClusterTest, MastersShareCommandsOutByTheirIds) {
    add_master(*database_, "NORMAL");
    serve();
    const std::int64_t one = fail_over(8), two = fail_over(10);
    pass(1s);
    const auto taker_of = [&](std::int64_t id) {
        const std::string taken = fmt::format(" took command {}: ", id);
        const auto line = std::ranges::find_if(
            said_, [&](const auto& each) { return each.find(taken) != std::string::npos; });
        return line == said_.end() ? "" : line->substr(0, line->find(' '));
    };
    EXPECT_EQ(taker_of(one), one % 2 == 0 ? kMaster : "127.0.1.4:5678");
    EXPECT_EQ(taker_of(two), two % 2 == 0 ? kMaster : "127.0.1.4:5678");
}

TEST_F(ServedClusterTest, ABusyMasterTakesNoneAndIsNotCounted) {
    add_master(*database_, "BUSY");
    serve();
    fail_over(8);
    fail_over(10);
    pass(1s);
    EXPECT_EQ(holds(8), Answer::yes);
    EXPECT_EQ(holds(10), Answer::yes);
}

TEST_F(ServedClusterTest, TheSurvivorGoesOnCountingAMasterThatStopped) {
    add_master(*database_, "NORMAL");
    serve();
    put_mark(kMaster, startup_of("/nodes/master", kMaster));
    pass(1s);
    EXPECT_FALSE(cluster_->lives(kMaster));
    fail_over(8);
    fail_over(10);
    pass(50s);
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_command"), "1");
    EXPECT_EQ(state(13), "1");  // it fails nobody over
}

TEST_F(ServedClusterTest, AMasterCountsThoseThatTheSandboxSays) {
    database_->execute(
        "INSERT INTO sandbox_counted VALUES ('127.0.1.2:5678', '127.0.1.2:5678'), "
        "('127.0.1.2:5678', '127.0.1.1:5678')");
    serve();
    const std::int64_t odd = fail_over(8) % 2 == 1 ? 8 : 10;
    fail_over(10);
    pass(5min);
    EXPECT_EQ(state(odd), "18");
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_command"), "1");
    serve(ServedCluster::Departures::heard);  // who hears of departures does not count it
    pass(1s);
    EXPECT_EQ(state(odd), "1");
}

TEST_F(ServedClusterTest, WhoHearsOfAMasterThatStoppedFailsItOver) {
    add_master(*database_, "NORMAL");
    serve(ServedCluster::Departures::heard);
    put_mark(kMaster, startup_of("/nodes/master", kMaster));
    pass(1s);
    fail_over(8);
    fail_over(10);
    pass(1s);
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_command"), "0");  // it is not counted any more
    EXPECT_EQ(state(13), "1");
    pass(40s);
    for (const int id : {13, 14, 20})
        EXPECT_THAT(said_, Contains(HasSubstr(fmt::format("workflow {} runs again", id))));
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_jdbc_registry_data WHERE data_key LIKE "
                     "'/nodes/failover-finish-nodes/127.0.1.2:5678-%-7074' AND data_value > '1'"),
              "1");
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_jdbc_registry_lock WHERE lock_key = "
                     "'/lock/master-failover/127.0.1.2:5678'"),
              "1");  // leaked
}

TEST_F(ServedClusterTest, WhoHearsOfAnAnnouncementGivesUpTheTasksOfThatWorker) {
    serve(ServedCluster::Departures::heard);
    database_->execute(
        "INSERT INTO t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id) VALUES "
        "('/nodes/worker/127.0.1.11:1234', ?, 'EPHEMERAL', 1)",
        {departing_worker_heartbeat("127.0.1.11:1234", now_ - 1000, 9999, now_)});
    pass(2s);
    database_->execute("DELETE FROM t_ds_jdbc_registry_data WHERE client_id = 1");
    pass(5min);
    EXPECT_EQ(state(13), "7");  // its task was on that worker
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_jdbc_registry_data WHERE data_key LIKE "
                     "'/nodes/failover-finish-nodes/127.0.1.11:1234-%-9999'"),
              "1");
}

TEST_F(ServedClusterTest, AServerThatStoppedIsStartedAgainAsAnotherProcess) {
    serve();
    const std::string startup = startup_of("/nodes/master", kMaster);
    put_mark(kMaster, startup);
    put_mark(kWorker, startup_of("/nodes/worker", kWorker));
    pass(59s);
    EXPECT_FALSE(cluster_->lives(kMaster));
    pass(30s);
    EXPECT_TRUE(cluster_->lives(kMaster));
    EXPECT_TRUE(cluster_->lives(kWorker));
    EXPECT_GT(startup_of("/nodes/master", kMaster), startup);
    EXPECT_THAT(said_, Contains(kMaster + " was started again: a master, holds no workflow"));
    // It fails over what is left of all hosts, on 3.3.0 also what ran elsewhere, and takes it.
    for (const std::int64_t id : {1, 7, 8, 13, 14, 20}) EXPECT_NE(state(id), "18") << id;
    EXPECT_THAT(said_, Contains(HasSubstr("workflow 13 runs again")));
    pass(3min);
    EXPECT_EQ(state(13), "7");
    serve();
    EXPECT_TRUE(cluster_->lives(kMaster));
}

TEST_F(ServedClusterTest, AServerObeysTheMarkOfItsOwnProcessAlone) {
    serve();
    put_mark(kMaster, "1");
    pass(1s);
    EXPECT_TRUE(cluster_->lives(kMaster));
    put_mark(kMaster, startup_of("/nodes/master", kMaster));
    put_mark(kWorker, startup_of("/nodes/worker", kWorker));
    pass(1s);
    EXPECT_FALSE(cluster_->lives(kMaster));
    EXPECT_FALSE(cluster_->lives(kWorker));
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_jdbc_registry_data WHERE data_key LIKE "
                     "'/nodes/master/%' OR data_key LIKE '/nodes/worker/%'"),
              "0");
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_jdbc_registry_client_heartbeat"), "0");
    EXPECT_EQ(number("SELECT COUNT(*) FROM sandbox_held"), "0");
    EXPECT_EQ(number("SELECT COUNT(*) FROM t_ds_jdbc_registry_lock"), "1");
    EXPECT_THAT(said_,
                Contains(kMaster + " found its mark and stopped; it held workflow 1, 13, 14"));
    EXPECT_THROW(cluster_->answer(kMaster, {}), FrameError);
}

TEST_F(ServedClusterTest, WhatAMasterHoldsOutlastsIt) {
    serve();
    fail_over(8);
    pass(1s);
    serve();
    EXPECT_EQ(holds(8), Answer::yes);
    pass(3min);
    EXPECT_EQ(holds(8), Answer::no);
    serve();
    EXPECT_EQ(holds(8), Answer::no);
}

TEST_F(ServedClusterTest, WhileAnotherProcessWritesItWaitsAndAnswers) {
    serve();
    fail_over(8);
    {
        const auto other = open();
        Transaction writing(*other);
        pass(10s);
        EXPECT_EQ(state(8), "18");
        EXPECT_EQ(holds(13), Answer::yes);
    }
    pass(1s);
    EXPECT_EQ(state(8), "1");
}

}  // namespace
}  // namespace dsfailover
