// status --ask: what the masters' answers make of workflows.

#include "coordinator/world_test.h"
#include "support/fake_servers.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// kLiving holds workflow 1, which is its control.
template <typename Base>
class Asking : public Base {
  protected:
    Asking() {
        servers.holds[kLiving] = {1};
        this->world.worker(kLivingWorker);
    }

    /// A fresh status, which wrote nothing.
    const AskedSection& asked() {
        const std::string before = this->world.snapshot();
        this->run.servers = &servers;
        this->run.status();
        EXPECT_EQ(this->world.snapshot(), before);
        if (!this->run.report.status || !this->run.report.status->asked) {
            ADD_FAILURE() << this->run.said();
            this->run.report.status.emplace().asked.emplace();
        }
        return *this->run.report.status->asked;
    }
    std::vector<std::int64_t> abandoned() {
        std::vector<std::int64_t> ids;
        for (const AbandonedWorkflow& one : asked().abandoned.kept()) ids.push_back(one.id);
        return ids;
    }
    std::vector<std::string> misplaced() {
        std::vector<std::string> all;
        for (const MisplacedWorkflow& one : asked().misplaced.kept())
            all.push_back(std::to_string(one.id) + " " + one.host.value_or("-") + " " + one.holder);
        return all;
    }
    const CheckItem& check() {
        for (const CheckItem& one : this->run.report.status->checks)
            if (one.name == CheckName::abandoned) return one;
        ADD_FAILURE() << "no such check";
        static const CheckItem none;
        return none;
    }
    /// Does something when the masters were asked for the first time.
    void after_first_round(std::function<void()> act) {
        servers.after_round = [this, act = std::move(act)] {
            if (servers.rounds.size() == 1) act();
        };
    }

    FakeServers servers;
};

using AskedMastersTest = Asking<WorldTest>;
using AskedLaterMastersTest = Asking<LaterReleaseTest>;

TEST_F(AskedMastersTest, WhereAllIsHeldByItsHostNothingIsWrongAndTheyAreAskedOnce) {
    EXPECT_THAT(abandoned(), IsEmpty());
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_TRUE(check().ok);
    ASSERT_THAT(servers.rounds, SizeIs(1));
    const MasterAsked& master = run.report.status->asked->masters.at(0);
    EXPECT_EQ(master.address, kLiving);
    EXPECT_EQ(master.peer, kLiving);
    EXPECT_EQ(master.control, "passed");
    EXPECT_EQ(master.problem, std::nullopt);
    EXPECT_EQ(master.held, 1);
    EXPECT_EQ(master.questions, 1) << "its control is among what is asked about";
}

TEST_F(AskedMastersTest, WhatNobodyHoldsTwiceIsAbandoned) {
    world.workflow(7);
    world.workflow(8).host(kLiving).state(2);
    world.workflow(9).host(std::nullopt).state(0);
    world.task(80, 8).submitted("-20m");
    EXPECT_THAT(abandoned(), ElementsAre(7, 8, 9));
    EXPECT_THAT(servers.rounds, SizeIs(2));
    const auto& kept = run.report.status->asked->abandoned.kept();
    EXPECT_EQ(kept[0].since, world.time("-1h"));
    EXPECT_EQ(kept[1].since, world.time("-20m"));
    EXPECT_EQ(kept[1].state, "READY_PAUSE");
    EXPECT_EQ(kept[2].state, "SUBMITTED_SUCCESS");
    EXPECT_EQ(kept[2].host, std::nullopt);
    EXPECT_TRUE(kept[0].name);
    EXPECT_FALSE(check().ok);
    EXPECT_EQ(run.exit_code(), 7);
}

TEST_F(AskedMastersTest, WhatIsFinishedInFailoverOrHasACommandIsNotAskedAbout) {
    world.workflow(7).state(18);
    world.workflow(8).state(7);
    world.workflow(9);
    world.command(9, 1, 0);
    EXPECT_THAT(abandoned(), IsEmpty());
    ASSERT_THAT(servers.rounds, SizeIs(1));
    EXPECT_THAT(servers.rounds[0].at(0).ids, ElementsAre(1));
}

TEST_F(AskedMastersTest, OneThatIsHeldTheSecondTimeIsNot) {
    world.workflow(7);
    after_first_round([&] { servers.holds[kLiving].insert(7); });
    EXPECT_THAT(abandoned(), IsEmpty());
    EXPECT_THAT(servers.rounds, SizeIs(2));
}

TEST_F(AskedMastersTest, NorOneThatWasHeldTheFirstTime) {
    world.workflow(7);
    world.workflow(8);
    servers.holds[kLiving].insert(7);
    after_first_round([&] { servers.holds[kLiving].erase(7); });
    EXPECT_THAT(abandoned(), ElementsAre(8));
}

TEST_F(AskedMastersTest, NorOneThatChangedGotACommandOrEndedMeanwhile) {
    world.workflow(7);
    world.workflow(8);
    world.workflow(9);
    world.workflow(10);
    servers.after_round = [&] {
        if (servers.rounds.size() != 1) return;
        world.workflow(7).restarted("-1s");
        world.command(8);
        world.workflow(9).state(7);
    };
    run.servers = &servers;
    run.status();
    const auto& kept = run.report.status->asked->abandoned.kept();
    ASSERT_THAT(kept, SizeIs(1));
    EXPECT_EQ(kept[0].id, 10);
}

TEST_F(AskedMastersTest, NorOneThatChangedDuringTheSecondRound) {
    world.workflow(7);
    servers.after_round = [&] {
        if (servers.rounds.size() == 2) world.command(7);
    };
    run.servers = &servers;
    run.status();
    EXPECT_THAT(run.report.status->asked->abandoned.kept(), IsEmpty());
}

TEST_F(AskedMastersTest, WhereOneMasterDoesNotAnswerNothingIsAbandoned) {
    world.master(kOther);
    world.workflow(7);
    servers.silent = {kOther};
    EXPECT_THAT(abandoned(), IsEmpty());
    EXPECT_THAT(run.said(), HasSubstr(kOther + ": it is silent"));
    EXPECT_THAT(run.said(), HasSubstr("Whether 1 unfinished workflow (7) is abandoned is not"));
    EXPECT_TRUE(check().ok);
    EXPECT_THAT(check().detail, HasSubstr("of 1 it is not known"));
    EXPECT_THAT(servers.rounds, SizeIs(1)) << "a second round could not change it";
    EXPECT_EQ(run.report.status->asked->masters.at(1).unanswered, 2);
}

TEST_F(AskedMastersTest, NorWhereOneIsSilentInTheSecondRoundAlone) {
    world.master(kOther);
    world.workflow(7);
    after_first_round([&] { servers.silent = {kOther}; });
    EXPECT_THAT(abandoned(), IsEmpty());
    EXPECT_THAT(run.said(), HasSubstr("it is silent"));
}

TEST_F(AskedMastersTest, NorWhereNoMasterLives) {
    world.workflow(7);
    world.leave(kLiving);
    EXPECT_THAT(abandoned(), IsEmpty());
    EXPECT_THAT(run.said(), HasSubstr("no master lives"));
    EXPECT_THAT(run.report.status->asked->masters, IsEmpty());
}

TEST_F(AskedMastersTest, AMasterThatRegisteredMeanwhileDidNotAnswer) {
    world.workflow(7);
    servers.after_round = [&] {
        if (servers.rounds.size() == 2) world.master(kOther);
    };
    run.servers = &servers;
    run.status();
    EXPECT_THAT(run.report.status->asked->abandoned.kept(), IsEmpty());
    EXPECT_THAT(run.said(), HasSubstr(kOther + ": it registered while the masters were asked"));
}

TEST_F(AskedMastersTest, OneThatHoldsNothingItMustHoldIsAnotherClusters) {
    world.workflow(7);
    servers.holds.clear();
    EXPECT_THAT(abandoned(), IsEmpty());
    const MasterAsked& master = run.report.status->asked->masters.at(0);
    EXPECT_EQ(master.control, "failed");
    EXPECT_EQ(master.unanswered, master.questions);
    EXPECT_EQ(master.not_held, 0);
    EXPECT_THAT(run.said(), HasSubstr("like another cluster's master"));
}

TEST_F(AskedMastersTest, OneOfItsControlsIsEnough) {
    for (const std::int64_t id : {20, 21, 22}) {
        world.workflow(id).host(kLiving).started("-30m");
        world.task(id * 10, id).submitted("-1m");
    }
    servers.holds[kLiving] = {21};
    EXPECT_THAT(abandoned(), ElementsAre(1, 20, 22));
    EXPECT_EQ(run.report.status->asked->masters.at(0).control, "passed");
}

TEST_F(AskedMastersTest, AControlThatEndedMeanwhileProvesNothing) {
    world.workflow(7);
    servers.holds.clear();
    servers.after_round = [&] { world.workflow(1).state(7); };
    run.servers = &servers;
    run.status();
    ASSERT_THAT(run.report.status->asked->abandoned.kept(), SizeIs(1));
    EXPECT_EQ(run.report.status->asked->masters.at(0).control, std::nullopt);
}

TEST_F(AskedMastersTest, WhatWasResumedOrRecoveredOrStandsStillIsNoControl) {
    world.workflow(1).state(7);
    world.workflow(20).host(kLiving).started("-30m").command_type(4);
    world.task(200, 20).submitted("-1m");
    world.workflow(21).host(kLiving).started("-3h");  // before the process
    world.task(210, 21).submitted("-1m");
    world.workflow(22).host(kLiving).started("-30m");
    world.task(220, 22).submitted("-11m");
    servers.holds.clear();
    EXPECT_THAT(abandoned(), ElementsAre(20, 21, 22));
    EXPECT_EQ(run.report.status->asked->masters.at(0).control, std::nullopt);
}

TEST_F(AskedMastersTest, BeyondTheLimitNothingIsAskedAndThatIsSaid) {
    for (const std::int64_t id : {10, 8, 9, 7}) world.workflow(id);
    run.options.ask.limit = 3;
    EXPECT_THAT(abandoned(), ElementsAre(7, 8));
    EXPECT_THAT(run.said(), HasSubstr("2 unfinished workflows were not asked about"));
}

TEST_F(AskedMastersTest, ControlsBeyondTheLimitAreAskedAllTheSame) {
    world.workflow(1).state(7);
    for (const std::int64_t id : {7, 8}) world.workflow(id);
    world.workflow(20).host(kLiving).started("-30m");
    world.task(200, 20).submitted("-1m");
    servers.holds.clear();
    run.options.ask.limit = 2;
    EXPECT_THAT(abandoned(), IsEmpty());
    EXPECT_EQ(run.report.status->asked->masters.at(0).control, "failed");
    servers.holds[kLiving] = {20};
    EXPECT_THAT(abandoned(), ElementsAre(7, 8));
}

TEST_F(AskedMastersTest, WhatAnotherThanItsHostHoldsIsMisplaced) {
    world.master(kOther);
    world.workflow(7);
    world.workflow(8).host(kLiving);
    world.workflow(9).host(kOther);
    servers.holds[kLiving] = {1, 7};
    servers.holds[kOther] = {8, 9};
    EXPECT_THAT(misplaced(),
                ElementsAre("7 " + kGone + " " + kLiving, "8 " + kLiving + " " + kOther));
    EXPECT_TRUE(check().ok);
}

TEST_F(AskedMastersTest, WhatTwoHoldIsNotMisplacedButSaid) {
    world.master(kOther);
    world.workflow(7);
    servers.holds[kLiving] = servers.holds[kOther] = {1, 7};
    EXPECT_THAT(misplaced(), IsEmpty());
    EXPECT_THAT(run.said(), HasSubstr("2 workflows are held by two masters each (1, 7)"));
}

TEST_F(AskedMastersTest, WhereAnotherMayHoldItTooItIsNotCalledMisplaced) {
    world.master(kOther);
    world.workflow(7);
    servers.holds[kLiving] = {1, 7};
    servers.silent = {kOther};
    EXPECT_THAT(misplaced(), IsEmpty());
}

TEST_F(AskedLaterMastersTest, WhereRecoverySetsTheHostNothingIsMisplaced) {
    world.workflow(7);
    servers.holds[kLiving] = {1, 7};
    EXPECT_THAT(misplaced(), IsEmpty());
}

TEST_F(AskedMastersTest, NobodyIsAskedWithoutIt) {
    world.workflow(7);
    run.status();
    EXPECT_FALSE(run.report.status->asked);
    for (const CheckItem& one : run.report.status->checks)
        EXPECT_NE(one.name, CheckName::abandoned);
}

}  // namespace
}  // namespace dsfailover
