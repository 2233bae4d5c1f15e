// Whether tasks live: whom a round asks about them, and what becomes of the answers.

#include "coordinator/asking/worker_round.h"

#include "coordinator/world_test.h"
#include "store/schema.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WorkerRoundTest : public WorldTest {
  protected:
    WorkerRoundTest() {
        world.worker(kLivingWorker);
        world.workflow(7);
    }

    WorkerRound ask() {
        const auto registry = world.registry.open("run");
        const auto database = world.open();
        AuditLog audit;
        Report report;
        const Schema schema = read_schema(*database);
        const TimeZone zone;
        const RunContext context{*registry, *database, schema, zone, audit, report, true, &servers};
        const std::int64_t ids[] = {7};
        const auto tasks = TaskInstanceStore(context.store()).unfinished(ids, false);
        return ask_living_workers(context, tasks, Millis(100));
    }

    FakeServers servers;
};

TEST_F(WorkerRoundTest, EachIsAskedForAtTheWorkerThatIsItsHost) {
    const std::string other = "127.0.2.3:1234";
    world.worker(other);
    world.task(70, 7).host(kLivingWorker);
    world.task(71, 7).host(other).state(17);
    world.task(72, 7).host(kLivingWorker).type("SPARK");
    servers.holds[kLivingWorker] = {72, 71};
    const WorkerRound round = ask();
    ASSERT_THAT(servers.rounds, SizeIs(1));
    ASSERT_THAT(servers.rounds[0], SizeIs(2));
    EXPECT_EQ(servers.rounds[0][0].address, kLivingWorker);
    EXPECT_THAT(servers.rounds[0][0].ids, ElementsAre(70, 72));
    EXPECT_THAT(servers.rounds[0][1].ids, ElementsAre(71));
    ASSERT_THAT(round.tasks, SizeIs(3));
    EXPECT_EQ(round.tasks[0].answer, Answer::no);
    EXPECT_EQ(round.tasks[1].answer, Answer::no);
    EXPECT_EQ(round.tasks[2].answer, Answer::yes);
    ASSERT_THAT(round.workers, SizeIs(2));
    EXPECT_EQ(round.workers[0].address, kLivingWorker);
    EXPECT_EQ(round.workers[0].questions, 2);
    EXPECT_EQ(round.workers[0].alive, 1);
    EXPECT_EQ(round.workers[0].unknown_task, 1);
    EXPECT_EQ(round.workers[0].unanswered, 0);
    EXPECT_EQ(round.workers[0].problem, std::nullopt);
}

TEST_F(WorkerRoundTest, NobodyIsAskedAboutAStreamATaskOfAMasterOrAnUnknownType) {
    for (const std::string type : {"FLINK_STREAM", "SUB_WORKFLOW", "SWITCH", "CONDITIONS",
                                   "DEPENDENT", "DYNAMIC", "OUR_OWN", "shell", ""}) {
        world.task(70, 7).host(kLivingWorker).type(type);
        const WorkerRound round = ask();
        EXPECT_EQ(round.tasks.at(0).answer, Answer::unanswered) << type;
        EXPECT_TRUE(round.tasks.at(0).at_living_worker) << type;
        EXPECT_THAT(round.tasks.at(0).reason, HasSubstr("of type " + type));
        EXPECT_THAT(round.workers, IsEmpty());
    }
    EXPECT_THAT(servers.rounds, IsEmpty());
}

TEST_F(WorkerRoundTest, NorAboutATaskWhoseHostIsNoLivingWorker) {
    world.task(70, 7).host(kGoneWorker);
    world.task(71, 7).host(kLiving);
    world.task(72, 7).host(std::nullopt).state(0);
    const WorkerRound round = ask();
    for (const TaskLife& life : round.tasks) {
        EXPECT_EQ(life.answer, Answer::unanswered);
        EXPECT_FALSE(life.at_living_worker);
        EXPECT_NE(life.reason, "");
    }
    EXPECT_THAT(servers.rounds, IsEmpty());
}

TEST_F(WorkerRoundTest, OneThatDoesNotAnswerIsNamedWithWhy) {
    world.task(70, 7).host(kLivingWorker);
    servers.silent.insert(kLivingWorker);
    const WorkerRound round = ask();
    EXPECT_EQ(round.tasks.at(0).answer, Answer::unanswered);
    EXPECT_TRUE(round.tasks.at(0).at_living_worker);
    EXPECT_THAT(round.tasks.at(0).reason, HasSubstr(kLivingWorker));
    EXPECT_EQ(round.workers.at(0).unanswered, 1);
    EXPECT_THAT(round.workers.at(0).problem.value_or(""), HasSubstr(kLivingWorker));
}

}  // namespace
}  // namespace dsfailover
