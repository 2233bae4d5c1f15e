// What a MemoryWorld lets a test do that no server lets it. That it is a registry is tested by the
// conformance suite.

#include "support/memory_world.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using Kind = RegistryCall::Kind;
using Fault = RegistryError::Kind;

class MemoryWorldTest : public ::testing::Test {
  protected:
    /// How `call` fails.
    static std::optional<Fault> fault_of(const std::function<void()>& call) {
        try {
            call();
        } catch (const RegistryError& error) {
            return error.kind();
        }
        return std::nullopt;
    }

    MemoryWorld world;
    std::unique_ptr<Registry> run = world.open("run");
    std::unique_ptr<Registry> master = world.open("master");
};

TEST_F(MemoryWorldTest, SomethingHappensBetweenTwoCalls) {
    world.before({Kind::get, "/a"}, [&] { master->put("/a", "1", ""); });
    EXPECT_EQ(run->get("/a").value().value, "1");
    world.after({Kind::get, "/a"}, [&] { master->put("/a", "2", master->get("/a")->version); });
    EXPECT_EQ(run->get("/a").value().value, "1") << "it had been read";
    EXPECT_EQ(run->get("/a").value().value, "2");
}

TEST_F(MemoryWorldTest, ARuleIsForTheCallThatItSays) {
    std::vector<std::string> happened;
    const auto note = [&](std::string what) {
        return [&happened, what = std::move(what)] { happened.push_back(what); };
    };
    world.before({.path = "/a", .nth = 3}, note("third below a"));
    world.before({.kind = Kind::put}, note("first put"));
    world.before({.path = "/a", .nth = 0, .client = "master"}, note("the master's"));
    run->get("/a");
    run->get("/a/b");
    run->get("/ab");
    EXPECT_THAT(happened, ElementsAre());
    EXPECT_FALSE(world.all_rules_used());
    run->put("/a", "1", "");
    EXPECT_THAT(happened, ElementsAre("third below a", "first put"));
    EXPECT_TRUE(world.all_rules_used());
    run->put("/a/c", "1", "");
    master->get("/a");
    master->get("/a");
    EXPECT_THAT(happened,
                ElementsAre("third below a", "first put", "the master's", "the master's"));
}

TEST_F(MemoryWorldTest, AnOutcomeIsUnknownWithOrWithoutTheEffect) {
    world.fail({Kind::put}, Fault::outcome_unknown);
    EXPECT_EQ(fault_of([&] { run->put("/a", "1", ""); }), Fault::outcome_unknown);
    EXPECT_EQ(run->get("/a"), std::nullopt);
    world.lose_answer({Kind::put}, Fault::outcome_unknown);
    EXPECT_EQ(fault_of([&] { run->put("/a", "1", ""); }), Fault::outcome_unknown);
    EXPECT_EQ(run->get("/a").value().value, "1");
}

TEST_F(MemoryWorldTest, WhatIsDeniedIsToldOfEachNode) {
    master->put("/marks/a", "1", "");
    master->put("/marks/b", "1", "");
    world.fail({.path = "/marks/a", .nth = 0}, Fault::denied);
    EXPECT_EQ(fault_of([&] { run->get("/marks/a"); }), Fault::denied);
    std::vector<std::string> read;
    run->read_children("/marks", [&](const NodeRead& child) {
        read.push_back(child.name + (child.node ? " is read" : " is not"));
    });
    EXPECT_THAT(read, ElementsAre("a is not", "b is read"));
    Removal removal;
    removal.path = "/marks/a";
    removal.version = master->get("/marks/a")->version;
    run->remove({&removal, 1});
    EXPECT_EQ(removal.outcome, RemoveOutcome::failed);
}

TEST_F(MemoryWorldTest, WhoIsCutOffKeepsItsSessionUntilThatEnds) {
    const auto lock = run->lock("/lock/a", Millis(0), [](auto&&...) {}).lock;
    world.cut_off("run");
    EXPECT_EQ(fault_of([&] { run->get("/a"); }), Fault::unreachable);
    EXPECT_EQ(fault_of([&] { lock->still_held(); }), Fault::unreachable);
    EXPECT_FALSE(master->claims("/lock/a").empty());
    world.end_sessions_of("run");
    EXPECT_TRUE(master->claims("/lock/a").empty());
    world.let_in("run");
    EXPECT_EQ(fault_of([&] { run->get("/a"); }), Fault::session_lost);
    EXPECT_EQ(fault_of([&] { run->get("/a"); }), std::nullopt) << "one word, and on it goes";
    EXPECT_FALSE(lock->still_held());
}

TEST(MemoryWorldByHand, WaitingForALockTakesNoTime) {
    MemoryWorld world(MemoryWorld::Clock::by_hand);
    const auto run = world.open("run"), master = world.open("master");
    auto held = master->lock("/lock/a", Millis(0), [](auto&&...) {}).lock;
    const auto began = std::chrono::steady_clock::now();
    const EpochMs then = world.now();
    int words = 0;
    const auto in_vain =
        run->lock("/lock/a", std::chrono::minutes(10), [&](const LockClaim&, Millis) { ++words; });
    EXPECT_FALSE(in_vain.lock);
    EXPECT_EQ(in_vain.waited, std::chrono::minutes(10));
    EXPECT_EQ(world.now(), then + 600'000);
    EXPECT_EQ(words, 600) << "one a second";

    world.before({.kind = Kind::wait, .nth = 4}, [&] { held->release(); });
    const auto attempt = run->lock("/lock/a", std::chrono::minutes(10), [](auto&&...) {});
    EXPECT_TRUE(attempt.lock);
    EXPECT_EQ(attempt.waited, std::chrono::seconds(3));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST(MemoryWorldByHand, TimesAreThoseOfItsClock) {
    MemoryWorld world(MemoryWorld::Clock::by_hand);
    const auto run = world.open("run");
    run->put("/a", "1", "");
    const EpochMs made = world.now();
    world.advance(std::chrono::hours(1));
    run->put("/a", "2", run->get("/a")->version);
    EXPECT_EQ(run->get("/a")->created_at, made);
    EXPECT_EQ(run->get("/a")->modified_at, made + 3'600'000);
}

/// By the rules of the JDBC registry, on a clock by hand.
class MemoryJdbcTest : public ::testing::Test {
  protected:
    MemoryJdbcTest() { world.go_by_jdbc_rules(); }
    std::string heartbeat() const { return fmt::format(R"({{"reportTime":{}}})", world.now()); }
    std::size_t living(bool patient = false) {
        return run->living("/nodes/master", patient).size();
    }

    MemoryWorld world{MemoryWorld::Clock::by_hand};
    std::unique_ptr<Registry> run = world.open("run");
    std::unique_ptr<Registry> master = world.open("127.0.1.1:5678/7");
    std::unique_ptr<Announcement> node =
        master->announce("/nodes/master/127.0.1.1:5678", heartbeat());
    std::unique_ptr<Lock> lock = master->lock("/lock/a", Millis(0), [](auto&&...) {}).lock;
};

TEST_F(MemoryJdbcTest, AServerThatStandsStillLooksDeadAfterAMinuteAndIsPurgedByAnother) {
    world.stand_still("127.0.1.1:5678/7");
    world.advance(Millis(60'000));
    EXPECT_EQ(living(), 1);
    world.advance(Millis(1));
    EXPECT_EQ(living(), 0);
    EXPECT_TRUE(run->get("/nodes/master/127.0.1.1:5678")) << "its row outlives it";
    world.purge_all_but(world.purge_sessions());
    EXPECT_FALSE(run->get("/nodes/master/127.0.1.1:5678"));
    EXPECT_TRUE(run->claims("/lock/a").empty());
    EXPECT_FALSE(lock->still_held());
}

TEST_F(MemoryJdbcTest, OneThatWritesItsNodeLivesAlthoughItsRowIsGone) {
    world.end_sessions_of("127.0.1.1:5678/7");
    EXPECT_EQ(living(), 0);
    node = master->announce("/nodes/master/127.0.1.1:5678", heartbeat());
    world.end_sessions_of("127.0.1.1:5678/7");
    node = master->announce("/nodes/master/127.0.1.1:5678", heartbeat());
    EXPECT_EQ(living(), 1);
}

TEST_F(MemoryJdbcTest, APatientLookTakesTwelveSeconds) {
    world.stand_still("127.0.1.1:5678/7");
    world.advance(Millis(61'000));
    const EpochMs began = world.now();
    EXPECT_EQ(living(true), 0);
    EXPECT_EQ(world.now() - began, 12'000);
}

TEST_F(MemoryJdbcTest, TheLockOfOneThatIsDeadIsRemovedByWhoWaitsForIt) {
    world.stand_still("127.0.1.1:5678/7");
    EXPECT_FALSE(run->lock("/lock/a", Millis(30'000), [](auto&&...) {}).lock);
    world.advance(Millis(20'000));
    const auto attempt = run->lock("/lock/a", Millis(30'000), [](auto&&...) {});
    EXPECT_TRUE(attempt.lock);
    EXPECT_GT(attempt.waited, Millis(10'000));
}

TEST_F(MemoryJdbcTest, APurgeTakesWhatAppearedBetweenItsTwoSteps) {
    const auto sessions = world.purge_sessions();
    const auto late = world.open("late");
    const auto taken = late->lock("/lock/b", Millis(0), [](auto&&...) {});
    ASSERT_TRUE(taken.lock);
    world.purge_all_but(sessions);
    EXPECT_FALSE(taken.lock->still_held());
    EXPECT_TRUE(lock->still_held());
}

}  // namespace
}  // namespace dsfailover
