// The contract of registry/registry.h. Every implementation passes it against its real server, and
// so does the one in memory that the coordinator is tested on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "conformance/registry_fixture.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr Millis kLong{20000};
constexpr auto kNoWord = [](const LockClaim&, Millis) {};
const std::string kLockPath = "/lock/master-failover/127.0.1.1:5678";
const std::string kMark = "/nodes/failover-finish-nodes/127.0.1.1:5678-1795331879415-7074";

Millis elapsed_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
}

class RegistryConformance : public ::testing::TestWithParam<NamedRegistryServer> {
  protected:
    void SetUp() override {
        server = GetParam().prepare();
        ours = open();
    }
    /// A further session.
    std::unique_ptr<Registry> open() const { return server->open(server->settings()); }

    void put_all(const std::string& folder, int count) {
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(ours->put(folder + "/" + std::to_string(i), std::to_string(i), ""));
    }
    static std::vector<NodeRead> read_all(Registry& registry, const std::string& folder) {
        std::vector<NodeRead> reads;
        registry.read_children(folder, [&](NodeRead read) { reads.push_back(std::move(read)); });
        return reads;
    }
    Removal removal_of(const std::string& path) {
        const auto node = ours->get(path);
        Removal removal;
        removal.path = path;
        removal.version = node.value().version;
        return removal;
    }
    RemoveOutcome remove_one(Removal removal) {
        ours->remove(std::span(&removal, 1));
        return removal.outcome;
    }
    /// After this a write has a later modified_order than one before it.
    void step() const { std::this_thread::sleep_for(server->order_step()); }

    std::unique_ptr<RegistryServer> server;
    std::unique_ptr<Registry> ours;
};

// --- reading and writing

TEST_P(RegistryConformance, SaysWhatItIs) {
    EXPECT_EQ(ours->type(), server->type());
    EXPECT_FALSE(ours->endpoint().empty());
    EXPECT_EQ(ours->name_space(), server->settings().name_space);
    EXPECT_EQ(ours->masters_notice_departures(), server->masters_notice_departures());
}

TEST_P(RegistryConformance, NothingIsWhereNothingWasPut) {
    EXPECT_EQ(ours->get("/nowhere/node"), std::nullopt);
    EXPECT_EQ(ours->children("/nowhere"), std::nullopt);
    EXPECT_THAT(read_all(*ours, "/nowhere"), IsEmpty());
    EXPECT_THAT(ours->living("/nowhere", false), IsEmpty());
    EXPECT_THAT(ours->claims(kLockPath), IsEmpty());
    EXPECT_THAT(ours->locks("/lock/master-failover"), IsEmpty());
}

TEST_P(RegistryConformance, PutCreatesANodeWithItsParents) {
    const EpochMs before = now_ms();
    ASSERT_TRUE(ours->put(kMark, "1795331890740", ""));
    const auto node = open()->get(kMark);
    ASSERT_TRUE(node);
    EXPECT_EQ(node->name, "127.0.1.1:5678-1795331879415-7074");
    EXPECT_EQ(node->value, "1795331890740");
    EXPECT_NE(node->version, "");
    EXPECT_EQ(node->owner, "") << "a persistent node has no owner";
    EXPECT_GT(node->modified_order, 0);
    if (node->created_at != 0) {  // etcd knows no times
        EXPECT_THAT(node->created_at, AllOf(Ge(before - 1500), Le(now_ms() + 1500)));
        EXPECT_THAT(node->modified_at, AllOf(Ge(before - 1500), Le(now_ms() + 1500)));
    }
    EXPECT_THAT(ours->children("/nodes").value(), ElementsAre("failover-finish-nodes"));
    EXPECT_THAT(ours->children("/nodes/failover-finish-nodes").value(),
                ElementsAre("127.0.1.1:5678-1795331879415-7074"));
}

TEST_P(RegistryConformance, PutDoesNotCreateWhatExists) {
    ASSERT_TRUE(ours->put("/stamps/a", "1", ""));
    EXPECT_FALSE(open()->put("/stamps/a", "2", ""));
    EXPECT_EQ(ours->get("/stamps/a").value().value, "1");
}

TEST_P(RegistryConformance, PutReplacesOnlyTheVersionThatWasRead) {
    ASSERT_TRUE(ours->put("/stamps/a", "1", ""));
    const Node first = ours->get("/stamps/a").value();
    step();
    ASSERT_TRUE(open()->put("/stamps/a", "2", first.version));
    const Node second = ours->get("/stamps/a").value();
    EXPECT_EQ(second.value, "2");
    EXPECT_NE(second.version, first.version);
    EXPECT_GT(second.modified_order, first.modified_order);

    EXPECT_FALSE(ours->put("/stamps/a", "3", first.version)) << "changed meanwhile";
    EXPECT_FALSE(ours->put("/stamps/b", "3", first.version)) << "never was there";
    ASSERT_EQ(remove_one(removal_of("/stamps/a")), RemoveOutcome::removed);
    EXPECT_FALSE(ours->put("/stamps/a", "3", second.version)) << "vanished meanwhile";
    EXPECT_EQ(ours->get("/stamps/a"), std::nullopt);
}

TEST_P(RegistryConformance, ANodeMadeAnewIsAnotherVersion) {
    ASSERT_TRUE(ours->put("/stamps/a", "1", ""));
    const Removal read = removal_of("/stamps/a");
    ASSERT_EQ(remove_one(read), RemoveOutcome::removed);
    step();
    ASSERT_TRUE(open()->put("/stamps/a", "1", ""));
    EXPECT_NE(ours->get("/stamps/a").value().version, read.version);
    EXPECT_FALSE(ours->put("/stamps/a", "2", read.version));
    EXPECT_EQ(remove_one(read), RemoveOutcome::changed);
    EXPECT_EQ(ours->get("/stamps/a").value().value, "1");
}

TEST_P(RegistryConformance, ValuesComeBackAsTheyWere) {
    const std::vector<std::string> values = {"", " ", "{\"a\":\"\\u00e9 %s ? ' \\\"\"}",
                                             "Grüße, 世界", std::string(5000, 'x')};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string path = "/values/" + std::to_string(i);
        ASSERT_TRUE(ours->put(path, values[i], ""));
        EXPECT_EQ(ours->get(path).value().value, values[i]);
    }
}

TEST_P(RegistryConformance, OnlyDirectChildrenAreChildren) {
    for (const char* path :
         {"/m_rks/[::1]:5678-1-2", "/m_rks/host-a:1-1-2", "/m_rks/host-a:1-1-2/below",
          "/m_rks2/other", "/marks/other", "/m_rks/host-a:1-1-23"})
        ASSERT_TRUE(ours->put(path, "1", "")) << path;
    EXPECT_THAT(ours->children("/m_rks").value(),
                UnorderedElementsAre("[::1]:5678-1-2", "host-a:1-1-2", "host-a:1-1-23"));
    EXPECT_THAT(ours->children("/m_rks/host-a:1-1-2").value(), ElementsAre("below"));
    EXPECT_THAT(read_all(*ours, "/m_rks"), SizeIs(3));
}

TEST_P(RegistryConformance, AnotherNamespaceIsAnotherWorld) {
    RegistrySettings settings = server->settings();
    if (settings.name_space.empty()) GTEST_SKIP() << "has no namespaces";
    ASSERT_TRUE(ours->put("/nodes/master/a.invalid:1", "1", ""));
    settings.name_space += "-wrong";
    EXPECT_EQ(server->open(settings)->children("/nodes/master"), std::nullopt);
}

TEST_P(RegistryConformance, ConcurrentPutsLoseNothing) {
    ASSERT_TRUE(ours->put("/stamps/count", "0", ""));
    const auto count_to = [&](int increments) {
        const auto registry = open();
        while (increments > 0) {
            const Node node = registry->get("/stamps/count").value();
            if (registry->put("/stamps/count", std::to_string(std::stoi(node.value) + 1),
                              node.version))
                --increments;
        }
    };
    std::thread other([&] { count_to(30); });
    count_to(30);
    other.join();
    EXPECT_EQ(ours->get("/stamps/count").value().value, "60");
}

TEST_P(RegistryConformance, OneOfManyConcurrentCreatesWins) {
    std::atomic<int> winners = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            const auto registry = open();
            for (int path = 0; path < 20; ++path)
                winners +=
                    registry->put("/some/parents/" + std::to_string(path), std::to_string(i), "")
                        ? 1
                        : 0;
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(winners, 20);
}

// --- many children

TEST_P(RegistryConformance, ReadsAndRemovesThousandsOfChildren) {
    constexpr int kCount = 5000;
    put_all("/marks", kCount);
    std::map<std::string, std::string> values;
    std::vector<Removal> removals;
    for (const NodeRead& read : read_all(*ours, "/marks")) {
        ASSERT_TRUE(read.node) << read.problem;
        EXPECT_EQ(read.name, read.node->name);
        values[read.name] = read.node->value;
        removals.emplace_back().path = "/marks/" + read.name;
        removals.back().version = read.node->version;
    }
    ASSERT_THAT(values, SizeIs(kCount));
    EXPECT_TRUE(std::all_of(values.begin(), values.end(),
                            [](const auto& value) { return value.first == value.second; }));
    EXPECT_THAT(ours->children("/marks").value(), SizeIs(kCount));
    ours->remove(removals);
    EXPECT_TRUE(std::all_of(removals.begin(), removals.end(), [](const Removal& removal) {
        return removal.outcome == RemoveOutcome::removed;
    }));
    EXPECT_THAT(read_all(*ours, "/marks"), IsEmpty());
}

TEST_P(RegistryConformance, ReadingGoesOnWhenChildrenVanish) {
    put_all("/marks", 2000);
    std::vector<Removal> removals;
    for (int i = 0; i < 2000; i += 2) removals.push_back(removal_of("/marks/" + std::to_string(i)));
    std::thread remover([&] { open()->remove(removals); });
    std::set<std::string> odd_ones;
    for (int round = 0; round < 5; ++round) {
        std::set<std::string> names;
        for (const NodeRead& read : read_all(*ours, "/marks")) {
            EXPECT_EQ(read.problem, "") << read.name;
            EXPECT_TRUE(names.insert(read.name).second) << read.name << " came twice";
            if (read.node && std::stoi(read.name) % 2 == 1) odd_ones.insert(read.name);
        }
        EXPECT_THAT(names.size(), Ge(1000U));
    }
    remover.join();
    EXPECT_THAT(odd_ones, SizeIs(1000));
    EXPECT_THAT(read_all(*ours, "/marks"), SizeIs(1000));
}

TEST_P(RegistryConformance, AReaderMayThrow) {
    put_all("/marks", 1500);
    const auto read_one = [&] {
        ours->read_children("/marks", [](NodeRead) { throw std::runtime_error("enough"); });
    };
    EXPECT_THROW(read_one(), std::runtime_error);
    EXPECT_THAT(read_all(*ours, "/marks"), SizeIs(1500)) << "still usable";
}

// --- removing

TEST_P(RegistryConformance, EachRemovalStandsForItself) {
    put_all("/marks", 40);
    ASSERT_TRUE(ours->put("/marks/3/child", "", ""));
    std::vector<Removal> removals;
    for (int i = 0; i < 40; ++i) removals.push_back(removal_of("/marks/" + std::to_string(i)));
    const auto other = open();
    step();
    ASSERT_TRUE(other->put("/marks/7", "rewritten", removals[7].version));
    ASSERT_TRUE(other->put("/marks/30", "30", removals[30].version)) << "same value, new version";
    ASSERT_EQ(remove_one(removals[11]), RemoveOutcome::removed);

    ours->remove(removals);

    for (std::size_t i = 0; i < removals.size(); ++i)
        EXPECT_EQ(removals[i].outcome, i == 3              ? RemoveOutcome::has_children
                                       : i == 7 || i == 30 ? RemoveOutcome::changed
                                       : i == 11           ? RemoveOutcome::vanished
                                                           : RemoveOutcome::removed)
            << i << ": " << removals[i].problem;
    EXPECT_THAT(ours->children("/marks").value(), UnorderedElementsAre("3", "7", "30"));
    EXPECT_EQ(ours->get("/marks/7").value().value, "rewritten");
    EXPECT_THAT(ours->children("/marks/3").value(), ElementsAre("child"));
}

TEST_P(RegistryConformance, RemovesTheNodeNamedAndNoneThatBeginsLikeIt) {
    ASSERT_TRUE(ours->put("/marks/a:1-5-123", "1", ""));
    ASSERT_TRUE(ours->put("/marks/a:1-5-1234", "1", ""));
    EXPECT_EQ(remove_one(removal_of("/marks/a:1-5-123")), RemoveOutcome::removed);
    EXPECT_THAT(ours->children("/marks").value(), ElementsAre("a:1-5-1234"));
}

// None has vanished and none has children: what is deleted together could pass for what was read.
TEST_P(RegistryConformance, OneThatWasRewrittenIsKeptAmongThoseThatAreAsTheyWereRead) {
    put_all("/marks", 40);
    std::vector<Removal> removals;
    for (int i = 0; i < 40; ++i) removals.push_back(removal_of("/marks/" + std::to_string(i)));
    step();
    ASSERT_TRUE(open()->put("/marks/39", "39", removals[39].version)) << "same value, new version";

    ours->remove(removals);

    for (std::size_t i = 0; i < removals.size(); ++i)
        EXPECT_EQ(removals[i].outcome, i == 39 ? RemoveOutcome::changed : RemoveOutcome::removed)
            << removals[i].path << ' ' << removals[i].problem;
    EXPECT_THAT(read_all(*ours, "/marks"), SizeIs(1));
}

TEST_P(RegistryConformance, RemovingNothingIsFine) { ours->remove({}); }

// --- locks

TEST_P(RegistryConformance, ALockIsHeldUntilItIsReleased) {
    const EpochMs before = now_ms();
    LockAttempt attempt = ours->lock(kLockPath, kLong, kNoWord);
    ASSERT_TRUE(attempt.lock);
    EXPECT_EQ(attempt.holder, std::nullopt);
    EXPECT_EQ(attempt.lock->path(), kLockPath);
    EXPECT_TRUE(attempt.lock->still_held());

    const auto claims = open()->claims(kLockPath);
    ASSERT_THAT(claims, SizeIs(1));
    EXPECT_NE(claims[0].id, "");
    EXPECT_NE(claims[0].owner, "");
    if (claims[0].since != 0) {
        EXPECT_THAT(claims[0].since, AllOf(Ge(before - 1500), Le(now_ms() + 1500)));
    }

    attempt.lock->release();
    EXPECT_THAT(open()->claims(kLockPath), IsEmpty());
    EXPECT_FALSE(attempt.lock->still_held());
    attempt.lock->release();  // once more does no harm
}

TEST_P(RegistryConformance, ADestroyedLockIsReleased) {
    ours->lock(kLockPath, kLong, kNoWord);
    EXPECT_THAT(ours->claims(kLockPath), IsEmpty());
    EXPECT_TRUE(ours->lock(kLockPath, kLong, kNoWord).lock);
}

TEST_P(RegistryConformance, AnEndedRegistryHoldsNoLock) {
    auto other = open();
    auto held = other->lock(kLockPath, kLong, kNoWord);
    ASSERT_TRUE(held.lock);
    held.lock.reset();
    other.reset();
    EXPECT_TRUE(ours->lock(kLockPath, Millis(0), kNoWord).lock);
}

TEST_P(RegistryConformance, OneAtATimeHoldsALock) {
    std::atomic<int> inside = 0, most = 0, times = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto registry = open();
            for (int round = 0; round < 5; ++round) {
                const auto attempt = registry->lock(kLockPath, Millis(60000), kNoWord);
                if (!attempt.lock) continue;
                most = std::max<int>(most, ++inside);
                std::this_thread::sleep_for(Millis(3));
                times += attempt.lock->still_held() ? 1 : 0;
                --inside;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(most, 1);
    EXPECT_EQ(times, 20);
}

TEST_P(RegistryConformance, WaitingEndsWithTheTimeLimitAndNamesTheHolder) {
    const auto held = open();
    const auto lock = held->lock(kLockPath, kLong, kNoWord).lock;
    const std::string holder = ours->claims(kLockPath).at(0).owner;

    std::vector<std::pair<std::string, Millis>> words;
    const auto start = std::chrono::steady_clock::now();
    const LockAttempt attempt = ours->lock(
        kLockPath, Millis(2500),
        [&](const LockClaim& claim, Millis waited) { words.emplace_back(claim.owner, waited); });
    // A registry may count in whole milliseconds of its clock.
    EXPECT_THAT(elapsed_since(start), AllOf(Ge(Millis(2499)), Le(Millis(4500))));
    EXPECT_FALSE(attempt.lock);
    ASSERT_TRUE(attempt.holder);
    EXPECT_EQ(attempt.holder->owner, holder);
    EXPECT_GE(attempt.waited, Millis(2500));
    EXPECT_THAT(words.size(), AllOf(Ge(2U), Le(5U))) << "about once a second";
    for (const auto& [owner, waited] : words) {
        EXPECT_EQ(owner, holder);
        EXPECT_LE(waited, Millis(4500));
    }
    EXPECT_THAT(ours->claims(kLockPath), SizeIs(1)) << "who gave up does not stand in the queue";
    EXPECT_TRUE(lock->still_held());
}

TEST_P(RegistryConformance, NoTimeMeansOneTry) {
    const auto held = ours->lock(kLockPath, kLong, kNoWord).lock;
    const auto other = open();
    const auto start = std::chrono::steady_clock::now();
    const LockAttempt attempt = other->lock(kLockPath, Millis(0), kNoWord);
    EXPECT_FALSE(attempt.lock);
    EXPECT_TRUE(attempt.holder);
    EXPECT_LE(elapsed_since(start), Millis(1500));
}

TEST_P(RegistryConformance, AReleaseLetsTheNextOneIn) {
    const auto other = open();
    auto lock = other->lock(kLockPath, kLong, kNoWord).lock;
    std::thread releaser([&] {
        std::this_thread::sleep_for(Millis(700));
        lock->release();
    });
    const LockAttempt attempt = ours->lock(kLockPath, kLong, kNoWord);
    releaser.join();
    EXPECT_TRUE(attempt.lock);
    EXPECT_THAT(attempt.waited, AllOf(Ge(Millis(600)), Le(Millis(3500))));
}

TEST_P(RegistryConformance, AThrowingWaiterLeavesTheQueue) {
    const auto other = open();
    auto lock = other->lock(kLockPath, kLong, kNoWord).lock;
    const auto wait = [&] {
        ours->lock(kLockPath, kLong,
                   [](const LockClaim&, Millis) { throw std::runtime_error("interrupted"); });
    };
    EXPECT_THROW(wait(), std::runtime_error);
    EXPECT_THAT(other->claims(kLockPath), SizeIs(1));
    lock->release();
    EXPECT_TRUE(other->lock(kLockPath, Millis(1000), kNoWord).lock);
}

TEST_P(RegistryConformance, LocksOfOtherAddressesAreOtherLocks) {
    const auto first = ours->lock("/lock/master-failover/a:1", kLong, kNoWord).lock;
    const auto other = open();
    const auto second = other->lock("/lock/master-failover/a:12", Millis(0), kNoWord).lock;
    const auto third = ours->lock("/lock/master-failover/a:2", Millis(0), kNoWord).lock;
    ASSERT_TRUE(first && second && third);
    second->release();
    EXPECT_TRUE(first->still_held() && third->still_held());

    std::vector<std::string> found;
    for (const LockState& state : other->locks("/lock/master-failover")) {
        EXPECT_THAT(state.claims, SizeIs(1));
        found.push_back(state.path);
    }
    EXPECT_THAT(found,
                UnorderedElementsAre("/lock/master-failover/a:1", "/lock/master-failover/a:2"));
}

TEST_P(RegistryConformance, TheHolderComesFirstThenTheWaitersInOrder) {
    if (!server->shows_waiters()) GTEST_SKIP() << "shows no waiters";
    auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    std::vector<std::thread> waiters;
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
        waiters.emplace_back([&, i] {
            const auto registry = open();
            const auto mine = registry->lock(kLockPath, kLong, kNoWord);
            if (mine.lock) order.push_back(i);  // guarded by the lock itself
        });
        while (ours->claims(kLockPath).size() < static_cast<std::size_t>(i) + 2)
            std::this_thread::sleep_for(Millis(10));
    }
    const auto claims = ours->claims(kLockPath);
    std::set<std::string> owners;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        owners.insert(claims[i].owner);
        EXPECT_GT(claims[i].created_order, i > 0 ? claims[i - 1].created_order : 0);
    }
    EXPECT_THAT(owners, SizeIs(4));
    EXPECT_EQ(ours->locks("/lock/master-failover").at(0).claims.size(), 4U);
    lock->release();
    for (std::thread& waiter : waiters) waiter.join();
    EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST_P(RegistryConformance, ANodeWrittenAfterAClaimIsLaterInOrder) {
    ASSERT_TRUE(ours->put("/marks/before", "1", ""));
    step();
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    step();
    ASSERT_TRUE(open()->put("/marks/after", "1", ""));
    const LockClaim claim = ours->claims(kLockPath).at(0);
    EXPECT_LT(ours->get("/marks/before").value().modified_order, claim.created_order);
    EXPECT_GT(ours->get("/marks/after").value().modified_order, claim.created_order);
}

TEST_P(RegistryConformance, ALockGoesWithItsSession) {
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    ASSERT_TRUE(lock->still_held());
    const auto other = open();
    server->end_session(other->claims(kLockPath).at(0).owner);
    EXPECT_FALSE(lock->still_held());
    EXPECT_FALSE(lock->still_held()) << "and stays lost";
    EXPECT_TRUE(other->lock(kLockPath, kLong, kNoWord).lock);
    lock->release();  // of a lock that is lost does no harm
}

TEST_P(RegistryConformance, ALostLockIsNotTheNextHolders) {
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    const auto other = open();
    server->end_session(other->claims(kLockPath).at(0).owner);
    const auto theirs = other->lock(kLockPath, kLong, kNoWord).lock;
    ASSERT_TRUE(theirs);
    EXPECT_FALSE(lock->still_held());
    lock->release();
    EXPECT_TRUE(theirs->still_held());
}

TEST_P(RegistryConformance, OneWordOfALostSessionAndTheRegistryGoesOn) {
    ASSERT_TRUE(ours->put("/stamps/a", "1", ""));
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    server->end_session(ours->claims(kLockPath).at(0).owner);
    try {
        ours->get("/stamps/a");
    } catch (const RegistryError& error) {
        EXPECT_EQ(error.kind(), RegistryError::Kind::session_lost) << error.what();
    }
    EXPECT_EQ(ours->get("/stamps/a").value().value, "1");
    EXPECT_TRUE(ours->lock(kLockPath, kLong, kNoWord).lock);
    EXPECT_FALSE(lock->still_held()) << "the old lock is not revived";
}

TEST_P(RegistryConformance, OwnsComparesServerAndHolder) {
    const auto other = open();
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    const auto others = other->lock("/lock/master-failover/b:1", kLong, kNoWord).lock;
    const LockClaim claim = ours->claims(kLockPath).at(0);
    Node node;
    node.name = "127.9.8.7:5678";
    node.owner = claim.owner;
    EXPECT_TRUE(ours->owns(node, claim));
    node.owner = ours->claims("/lock/master-failover/b:1").at(0).owner;
    EXPECT_FALSE(ours->owns(node, claim));
    node.owner = "";
    EXPECT_FALSE(ours->owns(node, claim));
}

// --- claims

const std::vector<std::string> kRuns = {"/dsfailover/runs/127.0.1.1:5678", "/dsfailover/runs/none"};

std::vector<Lock*> pointers(const std::vector<std::unique_ptr<Lock>>& locks) {
    std::vector<Lock*> all;
    for (const auto& lock : locks) all.push_back(lock.get());
    return all;
}

TEST_P(RegistryConformance, AClaimIsAnEphemeralNodeThatExcludesOthers) {
    const auto other = open();
    const auto claims = ours->claim(kRuns, "ours");
    ASSERT_TRUE(claims[0] && claims[1]);
    for (const std::string& path : kRuns) {
        EXPECT_EQ(other->get(path).value().value, "ours");
        EXPECT_NE(other->get(path).value().owner, "") << "ephemeral";
    }
    EXPECT_EQ(claims[0]->path(), kRuns[0]);
    const std::vector<std::string> some = {kRuns[0], "/dsfailover/runs/b:1"};
    const auto theirs = other->claim(some, "theirs");
    EXPECT_FALSE(theirs[0]);
    ASSERT_TRUE(theirs[1]) << "each stands for itself";
    EXPECT_EQ(ours->get(kRuns[0]).value().value, "ours");

    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    std::vector<Lock*> all = pointers(claims);
    all.push_back(lock.get());
    EXPECT_THAT(ours->still_held(all), ElementsAre(true, true, true)) << "beside a lock";
    ours->release(std::span(all).first(2));
    EXPECT_THAT(ours->still_held(all), ElementsAre(false, false, true));
    EXPECT_EQ(other->get(kRuns[0]), std::nullopt);
    EXPECT_TRUE(other->claim(kRuns, "theirs")[0]) << "free again";
}

TEST_P(RegistryConformance, ADestroyedClaimIsGivenUp) {
    ours->claim(kRuns, "ours");
    EXPECT_EQ(open()->get(kRuns[0]), std::nullopt);
}

TEST_P(RegistryConformance, ALockIsNotHeldBehindAnother) {
    if (server->type() != "zookeeper") GTEST_SKIP() << "the number decides in ZooKeeper alone";
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    ASSERT_TRUE(lock && lock->still_held());
    // As after the number 2^31 - 1.
    ASSERT_TRUE(open()->put(kLockPath + "/_c_0-lock--2147483648", "127.0.0.1", ""));
    EXPECT_FALSE(lock->still_held());
}

TEST_P(RegistryConformance, AClaimThatAnotherHasByNowIsNotHeldAlthoughOurSessionLasts) {
    const auto claims = ours->claim(kRuns, "ours");
    const auto other = open();
    Removal removal{kRuns[0], other->get(kRuns[0]).value().version, RemoveOutcome::failed, ""};
    other->remove({&removal, 1});
    ASSERT_EQ(removal.outcome, RemoveOutcome::removed) << removal.problem;
    const auto theirs = other->claim(kRuns, "theirs");
    ASSERT_TRUE(theirs[0]);
    EXPECT_FALSE(claims[0]->still_held());
    EXPECT_TRUE(claims[1]->still_held());
    claims[0]->release();
    EXPECT_TRUE(theirs[0]->still_held()) << "it is not ours to release";
}

TEST_P(RegistryConformance, AClaimGoesWithItsSession) {
    const auto claims = ours->claim(kRuns, "ours");
    const auto other = open();
    server->end_session(other->get(kRuns[0]).value().owner);
    const auto until = std::chrono::steady_clock::now() + Millis(5000);
    auto theirs = other->claim(kRuns, "theirs");
    while (!theirs[0] && std::chrono::steady_clock::now() < until)
        theirs = other->claim(kRuns, "theirs");
    ASSERT_TRUE(theirs[0]);
    EXPECT_FALSE(claims[0]->still_held());
    claims[0]->release();
    EXPECT_EQ(other->get(kRuns[0]).value().value, "theirs") << "it is not ours any more";
    EXPECT_TRUE(theirs[0]->still_held());
}

// --- servers

const std::string kWorker = "/nodes/worker/127.0.1.9:1234";

TEST_P(RegistryConformance, AnAnnouncedNodeLivesUntilItIsWithdrawn) {
    const auto other = open();
    const auto announcement = ours->announce(kWorker, "{\"serverStatus\":\"BUSY\"}");
    ASSERT_TRUE(announcement);
    const auto living = other->living("/nodes/worker", false);
    ASSERT_THAT(living, SizeIs(1));
    EXPECT_EQ(living[0].name, "127.0.1.9:1234");
    EXPECT_EQ(living[0].value, "{\"serverStatus\":\"BUSY\"}");
    EXPECT_NE(living[0].owner, "") << "ephemeral";
    EXPECT_TRUE(announcement->withdraw());
    EXPECT_EQ(other->get(kWorker), std::nullopt);
    EXPECT_THAT(other->living("/nodes/worker", false), IsEmpty());
}

TEST_P(RegistryConformance, ADestroyedAnnouncementIsWithdrawn) {
    ours->announce(kWorker, "{}");
    EXPECT_EQ(open()->get(kWorker), std::nullopt);
}

TEST_P(RegistryConformance, AnAnnouncementGoesWithItsSession) {
    const auto announcement = ours->announce(kWorker, "{}");
    server->end_session(ours->get(kWorker).value().owner);
    EXPECT_THAT(open()->living("/nodes/worker", false), IsEmpty());
    EXPECT_TRUE(announcement->withdraw()) << "nothing is left, and no server came";
}

TEST_P(RegistryConformance, ARegisteredAddressIsNotAnnounced) {
    const auto other = open();
    const auto first = other->announce(kWorker, "theirs");
    EXPECT_EQ(ours->announce(kWorker, "ours"), nullptr);
    EXPECT_EQ(ours->get(kWorker).value().value, "theirs");
    EXPECT_TRUE(first->withdraw());
}

TEST_P(RegistryConformance, AServerThatRegisteredMeanwhileIsLeftAlone) {
    const auto lock = ours->lock(kLockPath, kLong, kNoWord).lock;
    const auto announcement = ours->announce(kWorker, "ours");
    const auto other = open();
    step();
    ASSERT_TRUE(other->put(kWorker, "theirs", other->get(kWorker).value().version));
    EXPECT_FALSE(announcement->withdraw());
    if (server->servers_write_into_our_node()) {
        EXPECT_EQ(other->get(kWorker), std::nullopt) << "it was ours, and went with our session";
    } else {
        EXPECT_EQ(other->get(kWorker).value().value, "theirs");
    }
    EXPECT_TRUE(lock->still_held()) << "our locks stay";
    EXPECT_TRUE(ours->put("/stamps/a", "1", "")) << "and the registry is usable";
}

TEST_P(RegistryConformance, AServerInPlaceOfALostAnnouncementIsLeftAlone) {
    const auto announcement = ours->announce(kWorker, "ours");
    const auto other = open();
    server->end_session(other->get(kWorker).value().owner);
    // What a purge or a lease's end takes away it takes away before a server can register anew.
    if (const auto remains = other->get(kWorker)) {
        Removal purge;
        purge.path = kWorker;
        purge.version = remains->version;
        other->remove(std::span(&purge, 1));
    }
    const auto theirs = other->announce(kWorker, "theirs");
    ASSERT_TRUE(theirs);
    EXPECT_FALSE(announcement->withdraw());
    EXPECT_EQ(other->get(kWorker).value().value, "theirs");
}

// --- failures

TEST_P(RegistryConformance, AnUnreachableServerIsNamed) {
    const auto settings = server->unreachable_settings();
    if (!settings) GTEST_SKIP() << "always reachable";
    const auto start = std::chrono::steady_clock::now();
    try {
        server->open(*settings)->get("/nodes/master");
        FAIL() << "somebody answered";
    } catch (const RegistryError& error) {
        EXPECT_EQ(error.kind(), RegistryError::Kind::unreachable);
        EXPECT_THAT(error.what(), HasSubstr("127.0.0.1"));
    }
    EXPECT_LE(elapsed_since(start), settings->connect_timeout + Millis(3000));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RegistryConformance);
INSTANTIATE_TEST_SUITE_P(Server, RegistryConformance, ::testing::ValuesIn(registry_servers()),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace dsfailover
