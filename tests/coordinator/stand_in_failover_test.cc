// What a stand-in of a master does when another server goes, or when it starts itself: on a clock
// and a registry of the test's own, call by call.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "registry/paths.h"
#include "stand_ins/master.h"
#include "store/command_param.h"
#include "world.h"

namespace dsfailover {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr EpochMs kSecond = 1000;

/// What all masters of a test share.
struct SharedNodes {
    std::map<std::string, std::vector<ServerProcess>> living;  // by folder
    std::map<std::string, std::string> marks;
    std::map<std::string, std::string> locks;  // path to holder
};

class NodesOf : public StandInRegistry {
  public:
    NodesOf(SharedNodes& nodes, std::string address)
        : nodes_(nodes), address_(std::move(address)) {}
    std::vector<ServerProcess> living(std::string_view folder) override {
        return nodes_.living[std::string(folder)];
    }
    bool take_lock(const std::string& path) override {
        return nodes_.locks.try_emplace(path, address_).first->second == address_;
    }
    void release_lock(const std::string& path) override { nodes_.locks.erase(path); }
    std::optional<std::string> mark(const std::string& path) override {
        const auto found = nodes_.marks.find(path);
        if (found == nodes_.marks.end()) return std::nullopt;
        return found->second;
    }
    void write_mark(const std::string& path, const std::string& value) override {
        nodes_.marks[path] = value;
    }

  private:
    SharedNodes& nodes_;
    const std::string address_;
};

class StandInFailoverTest : public testing::TestWithParam<Release> {
  protected:
    /// A master and what it is told.
    struct Master {
        Master(StandInFailoverTest& test, const std::string& its_address, FailoverLocks locks)
            : address(its_address),
              registry(test.nodes_, its_address),
              model(test.world_.database(), test.schema_, registry, its_address, locks,
                    [this](const std::string& what) { said.push_back(what); }) {}
        std::string address;
        NodesOf registry;
        std::vector<std::string> said;
        StandInMaster model;
    };

    void SetUp() override {
        world_.workflow(1).state(7);
        lives(paths::kMasters, kLiving, -2 * 3600 * kSecond);
    }

    void lives(std::string_view folder, const std::string& address, EpochMs started) {
        nodes_.living[std::string(folder)].push_back({address, {now_ + started, 77}});
    }
    std::unique_ptr<Master> master(const std::string& address = kLiving,
                                   FailoverLocks locks = FailoverLocks::leaked) {
        return std::make_unique<Master>(*this, address, locks);
    }
    /// It takes no commands: what it fails over is seen as it left it.
    void pass(Master& master, EpochMs time) {
        for (const EpochMs until = now_ + time; now_ < until; now_ += 250)
            while (master.model.step({now_, 0, 0, workers_})) continue;
    }
    std::string mark(const std::string& address, const std::optional<ProcessIdentity>& process) {
        const auto found = nodes_.marks.find(mark_path(address, process));
        return found == nodes_.marks.end() ? "" : found->second;
    }
    std::vector<std::string> states(std::int64_t workflow) {
        std::vector<std::string> result;
        for (const WaitingRow& command : world_.commands_of(workflow))
            result.push_back(command.state);
        return result;
    }

    World world_{GetParam()};
    const Schema schema_ = read_schema(world_.database());
    SharedNodes nodes_;
    EpochMs now_ = world_.began;
    const ServerProcess gone_{kGone, {world_.began - 7200 * kSecond, 2911}};
    std::vector<LivingWorker> workers_;
};

INSTANTIATE_TEST_SUITE_P(Releases, StandInFailoverTest,
                         testing::Values(Release::v3_3_0, Release::later), [](const auto& each) {
                             return each.param == Release::v3_3_0 ? "v3_3_0" : "later";
                         });

TEST_P(StandInFailoverTest, AMasterThatWentIsFailedOverHalfAMinuteLater) {
    world_.workflow(8);
    world_.workflow(9).state(2);
    world_.workflow(10).state(4);
    world_.workflow(11).state(0);
    world_.workflow(12).host(kLiving);
    const auto master = this->master();
    const EpochMs seen = now_;
    master->model.failover().master_gone(gone_, seen);
    world_.workflow(13).restarted("+10s");  // after it went
    pass(*master, 29 * kSecond);
    EXPECT_EQ(world_.workflow(8).state(), 1);
    pass(*master, 10 * kSecond);
    EXPECT_THAT(states(8), ElementsAre("RUNNING_EXECUTION"));
    EXPECT_THAT(states(9), ElementsAre("READY_PAUSE"));
    EXPECT_THAT(states(10), ElementsAre("READY_STOP"));
    for (const std::int64_t id : {8, 9, 10}) EXPECT_EQ(world_.workflow(id).state(), 18) << id;
    for (const std::int64_t id : {11, 12, 13}) EXPECT_THAT(states(id), IsEmpty()) << id;
    EXPECT_EQ(mark(kGone, gone_.identity), std::to_string(seen));
}

TEST_P(StandInFailoverTest, OneThatCameBackIsNot) {
    world_.workflow(8);
    const auto master = this->master();
    master->model.failover().master_gone(gone_, now_);
    nodes_.living[std::string(paths::kMasters)].push_back(gone_);
    pass(*master, 60 * kSecond);
    EXPECT_EQ(world_.workflow(8).state(), 1);
    EXPECT_THAT(nodes_.marks, IsEmpty());
}

TEST_P(StandInFailoverTest, WhatTheMasterHoldsIsItsOwn) {
    world_.workflow(8);
    world_.task(80, 8).host("127.0.9.9:1234");
    const auto master = this->master();
    master->model.hold(8, 1, now_);
    master->model.failover().master_gone(gone_, now_);
    pass(*master, 60 * kSecond);
    EXPECT_EQ(world_.workflow(8).state(), 1);
}

TEST_P(StandInFailoverTest, ItsOwnMarkWithTheSameDeadlineEndsIt) {
    world_.workflow(8);
    nodes_.marks[mark_path(kGone, gone_.identity)] = std::to_string(now_);
    const auto master = this->master();
    master->model.failover().master_gone(gone_, now_);
    pass(*master, 60 * kSecond);
    EXPECT_EQ(world_.workflow(8).state(), 1);
}

TEST_P(StandInFailoverTest, ALeakedLockKeepsTheOtherFromAnyFailover) {
    world_.workflow(8);
    world_.workflow(9).host("127.0.1.7:5678");
    const auto one = master(), other = master(kOther);
    one->model.failover().master_gone(gone_, now_);
    other->model.failover().master_gone(gone_, now_);
    other->model.failover().master_gone({"127.0.1.7:5678", {1, 1}}, now_);
    pass(*one, 40 * kSecond);
    EXPECT_THAT(nodes_.locks, ElementsAre(Pair(failover_lock_path(kGone), kLiving)));
    pass(*other, 3600 * kSecond);
    EXPECT_EQ(world_.workflow(9).state(), 1);
    EXPECT_EQ(std::ranges::count_if(other->said,
                                    [](const auto& line) { return line.starts_with("waits for"); }),
              1);
    one->model.failover().master_gone(gone_, now_);  // it does not stand in its own way
    world_.workflow(10);
    pass(*one, 40 * kSecond);
    EXPECT_EQ(world_.workflow(10).state(), 18);
}

TEST_P(StandInFailoverTest, ALockThatIsGivenBackKeepsNobody) {
    world_.workflow(8);
    const auto one = master(kLiving, FailoverLocks::given_back), other = master(kOther);
    one->model.failover().master_gone(gone_, now_);
    other->model.failover().master_gone(gone_, now_ + 1);
    pass(*one, 40 * kSecond);
    EXPECT_THAT(nodes_.locks, IsEmpty());
    pass(*other, 40 * kSecond);
    EXPECT_THAT(other->said, Contains("fails over " + kGone + ": 0 of its workflows"));
}

TEST_P(StandInFailoverTest, ARowThatChangedEndsTheRunWhichComesAgainTenSecondsLater) {
    world_.workflow(8);
    world_.workflow(9);
    const auto master = this->master();
    const EpochMs seen = now_;
    master->model.failover().master_gone(gone_, seen);
    pass(*master, 29 * kSecond);
    while (states(8).empty()) {
        if (master->said.size() == 1) world_.workflow(8).state(2);  // after it was selected
        master->model.step({now_, 0, 0, workers_});
        if (world_.workflow(8).state() == 2 && master->said.size() == 2) break;
        now_ += 50;
    }
    EXPECT_THAT(master->said, Contains(HasSubstr("workflow 8 is not in state RUNNING_EXECUTION")));
    EXPECT_EQ(world_.workflow(9).state(), 1);
    EXPECT_THAT(states(8), IsEmpty());
    pass(*master, 9 * kSecond);
    EXPECT_EQ(world_.workflow(9).state(), 1);
    pass(*master, 3 * kSecond);
    EXPECT_THAT(states(8), ElementsAre("READY_PAUSE"));
    EXPECT_EQ(world_.workflow(9).state(), 18);
    EXPECT_EQ(mark(kGone, gone_.identity), std::to_string(seen));
}

TEST_P(StandInFailoverTest, AMasterThatStartsFailsOverWhatIsLeftOfAllHosts) {
    const EpochMs startup = now_ - 10 * kSecond;
    nodes_.living[std::string(paths::kMasters)] = {{kOther, {startup, 9}},
                                                   {kLiving, {now_ - 1800 * kSecond, 7}}};
    world_.workflow(8);
    world_.workflow(9).host(kLiving);                     // before the living one's start
    world_.workflow(10).host(kLiving).restarted("-20m");  // after it
    world_.workflow(11).host(kOther);                     // of its own address
    world_.workflow(12).restarted("+1m");
    const auto master = this->master(kOther);
    master->model.failover().started(startup, now_);
    pass(*master, 20 * kSecond);
    for (const std::int64_t id : {8, 9, 11}) EXPECT_EQ(world_.workflow(id).state(), 18) << id;
    for (const std::int64_t id : {10, 12}) EXPECT_EQ(world_.workflow(id).state(), 1) << id;
    EXPECT_EQ(mark(kGone, std::nullopt), std::to_string(startup));
    EXPECT_EQ(mark(kLiving, std::nullopt), std::to_string(now_ - 1820 * kSecond));
    EXPECT_EQ(mark(kOther, std::nullopt), std::to_string(startup));
    EXPECT_EQ(nodes_.locks.size(), 3U);
}

TEST_P(StandInFailoverTest, AWorkflowWithoutAHostKeepsItFromTheHostsBehind) {
    world_.workflow(8).host(std::nullopt);
    world_.workflow(9);
    const auto master = this->master();
    master->model.failover().started(now_, now_);
    pass(*master, 60 * kSecond);
    EXPECT_EQ(world_.workflow(9).state(), 1);
    EXPECT_GT(master->said.size(), 4U);
    world_.workflow(8).host(kGone);
    pass(*master, 15 * kSecond);
    EXPECT_EQ(world_.workflow(9).state(), 18);
}

TEST_P(StandInFailoverTest, AnEmptyHostIsEverybodys) {
    world_.workflow(8).host("");
    world_.workflow(9).host(kLiving);
    const auto master = this->master();
    master->model.failover().started(now_, now_);
    pass(*master, 10 * kSecond);
    EXPECT_EQ(world_.workflow(8).state(), 18);
    EXPECT_EQ(world_.workflow(9).state(), 18);
}

TEST_P(StandInFailoverTest, TasksOfAWorkerThatWentRunAgain) {
    world_.workflow(8).host(kLiving);
    world_.workflow(9);
    world_.task(80, 8).state(17);
    world_.task(81, 8).host(kLivingWorker).name("elsewhere");
    world_.task(90, 9).name("of another master");
    const auto master = this->master();
    TaskExecutor executor;
    executor.start(81, now_ + 3600 * kSecond);
    workers_ = {{kLivingWorker, &executor}};
    master->model.hold(8, 1, now_);
    const ServerProcess worker{kGoneWorker, {now_ - 7200 * kSecond, 3120}};
    master->model.failover().worker_gone(worker, now_);
    pass(*master, 35 * kSecond);
    EXPECT_EQ(world_.task(80, 8).state(), 8);
    EXPECT_EQ(world_.task(80, 8).flag(), 0);
    EXPECT_EQ(world_.task(81, 8).state(), 1);
    EXPECT_EQ(world_.task(90, 9).flag(), 1);
    EXPECT_NE(mark(kGoneWorker, worker.identity), "");
    EXPECT_THAT(nodes_.locks, IsEmpty());
}

TEST_P(StandInFailoverTest, AWorkerThatCameBackKeepsItsTasks) {
    world_.workflow(8).host(kLiving);
    world_.task(80, 8);
    const auto master = this->master();
    master->model.hold(8, 1, now_);
    const ServerProcess worker{kGoneWorker, {now_ - 7200 * kSecond, 3120}};
    nodes_.living[std::string(paths::kWorkers)] = {worker};
    master->model.failover().worker_gone(worker, now_);
    pass(*master, 60 * kSecond);
    EXPECT_EQ(world_.task(80, 8).flag(), 1);
    EXPECT_THAT(nodes_.marks, IsEmpty());
}

TEST_P(StandInFailoverTest, WhoseHostARecoveredWorkflowHas) {
    world_.workflow(8).state(18);
    world_.database().execute(
        R"(UPDATE t_ds_workflow_instance SET command_param = '{"commandType":"SCHEDULER"}')");
    world_.command(8);
    const auto master = this->master();
    for (int step = 0; step < 2; ++step) master->model.step({now_, 0, 1, {}});
    EXPECT_EQ(world_.workflow(8).state(), 1);
    EXPECT_THAT(master->model.held(), IsEmpty());  // for a moment nobody has it
    master->model.step({now_, 0, 1, {}});
    EXPECT_THAT(master->model.held(), ElementsAre(Pair(8, 1)));
    const bool leaves_host = GetParam() == Release::v3_3_0;
    EXPECT_EQ(world_.workflow(8).get("host"), leaves_host ? kGone : kLiving);
    EXPECT_EQ(world_.workflow(8).restart_time().has_value(), !leaves_host);
}

TEST_P(StandInFailoverTest, AHolderWritesItsOwnHostBack) {
    world_.workflow(8).restarted("-50m");
    world_.task(80, 8).host("127.0.9.9:1234");
    const auto master = this->master();
    master->model.hold(8, 1, now_);
    world_.workflow(8).host(kOther).restarted("-1m");
    EXPECT_FALSE(master->model.end_early(9, 4, now_));
    EXPECT_TRUE(master->model.end_early(8, 4, now_));
    EXPECT_EQ(world_.workflow(8).state(), 4);
    EXPECT_EQ(world_.workflow(8).get("host"), kGone);
    EXPECT_EQ(world_.workflow(8).restart_time(), world_.time("-50m"));
}

TEST_P(StandInFailoverTest, AResumedWorkflowRunsItsFailedTaskAgain) {
    world_.workflow(8).state(6);
    world_.task(80, 8).state(6);
    world_.database().execute(
        "INSERT INTO t_ds_command (command_type, workflow_definition_code, workflow_instance_id) "
        "VALUES (4, 1, 8)");
    const auto master = this->master();
    TaskExecutor executor;
    workers_ = {{kLivingWorker, &executor}};
    for (const EpochMs until = now_ + 2 * kSecond; now_ < until; now_ += 250)
        while (master->model.step({now_, 0, 1, workers_})) continue;
    EXPECT_EQ(world_.workflow(8).state(), 1);
    EXPECT_EQ(world_.workflow(8).get("command_type"), "4");
    EXPECT_EQ(world_.task(80, 8).state(), 1);
    EXPECT_EQ(world_.task(80, 8).get("host"), kLivingWorker);
    EXPECT_EQ(world_.workflow(8).get("host"), GetParam() == Release::v3_3_0 ? kGone : kLiving);
    EXPECT_TRUE(world_.workflow(8).restart_time().has_value());
}

TEST_P(StandInFailoverTest, AResumedParentSendsItsChildACommandWhateverThatIsDoing) {
    world_.workflow(10);
    for (const int type : {0, 3, 4}) {
        const std::int64_t id = 20 + 10 * type;  // task ids are given out behind it
        world_.workflow(id).command_type(type).state(18);
        world_.command(id);
        world_.task(id, id).type("SUB_WORKFLOW").app_link(R"({"subWorkflowInstanceId":10})");
        const auto master = this->master();
        while (master->model.step({now_, 0, 1, {}})) continue;
        while (master->model.step({now_, 0, 0, {}})) continue;  // runs the task
        const auto sent = world_.commands_of(10);
        ASSERT_EQ(sent.size(), type == 0 ? 0 : 1) << type;
        if (type != 0) {
            EXPECT_EQ(sent[0].type, type);
        }
        world_.database().execute("DELETE FROM t_ds_command");
    }
}

}  // namespace
}  // namespace dsfailover
