// What is special about the JDBC registry: its rows, as the masters read them. The contract that
// all registries share is in registry_conformance_test.cc.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/stored_time.h"
#include "base/time_zone.h"
#include "conformance/jdbc_server.h"
#include "registry/jdbc/registry.h"
#include "registry/jdbc/schema.h"

namespace dsfailover {
namespace {

using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr EpochMs kHour = 3'600'000;
const char* const kMark = "/nodes/failover-finish-nodes/127.0.1.1:5678-unknown-unknown";
const std::string kLock = "/lock/master-failover/127.0.1.1:5678";

std::string reported(EpochMs time) { return fmt::format(R"({{"reportTime":{}}})", time); }

class JdbcRegistryTest : public ::testing::TestWithParam<DatabaseType> {
  protected:
    void SetUp() override {
        const auto where = test_database(GetParam());
        if (!where) GTEST_SKIP() << "no " << name_of(GetParam()) << " to test with";
        server_ = std::make_unique<JdbcServer>(*where);
        settings_ = server_->settings();
        database_ = &server_->database();
    }

    std::unique_ptr<Registry> open() { return open_jdbc_registry(settings_); }

    std::string time_text(EpochMs time) const {
        return format_stored_time(time / 1000 * 1000, TimeZone(settings_.time_zone),
                                  GetParam() == DatabaseType::mysql ? 1000000 : 1000);
    }

    /// A row as a server writes it.
    void insert_node(const std::string& key, const std::string& value, std::int64_t client_id,
                     EpochMs updated, const char* type = "EPHEMERAL") {
        database_->execute(
            "INSERT INTO t_ds_jdbc_registry_data"
            " (data_key, data_value, data_type, client_id, create_time, last_update_time)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            {Value(key), Value(value), Value(type), Value(client_id), Value(time_text(updated)),
             Value(time_text(updated))});
    }
    void insert_client(std::int64_t id, EpochMs heartbeat,
                       const char* config = R"({"sessionTimeout":60000})") {
        database_->execute(
            "INSERT INTO t_ds_jdbc_registry_client_heartbeat"
            " (id, client_name, last_heartbeat_time, connection_config) VALUES (?, ?, ?, ?)",
            {Value(id), Value("127.0.1.1_77"), Value(heartbeat), Value(config)});
    }
    void insert_lock(std::int64_t client_id, const char* owner = "127.0.1.1_77_Master-Failover",
                     const std::string& key = kLock) {
        database_->execute(
            "INSERT INTO t_ds_jdbc_registry_lock (lock_key, lock_owner, client_id, create_time)"
            " VALUES (?, ?, ?, ?)",
            {Value(key), Value(owner), Value(client_id), Value(time_text(now_ms()))});
    }

    std::vector<std::string> texts(const std::string& sql) {
        std::vector<std::string> found;
        const Rows rows = database_->query(sql);
        for (std::size_t i = 0; i < rows.size(); ++i) found.emplace_back(rows[i].text(0));
        return found;
    }
    std::vector<std::string> events() {
        return texts("SELECT event_type FROM t_ds_jdbc_registry_data_change_event ORDER BY id");
    }
    std::int64_t number(const std::string& sql) { return database_->query(sql)[0].integer(0); }

    std::unique_ptr<JdbcServer> server_;
    RegistrySettings settings_;
    Database* database_ = nullptr;
};

Removal removal(const std::string& path, const std::string& version) {
    Removal removal;
    removal.path = path;
    removal.version = version;
    return removal;
}

const auto kNobodyWaits = [](const LockClaim&, Millis) {};

TEST_P(JdbcRegistryTest, ItsTablesAreChecked) {
    EXPECT_NO_THROW(check_jdbc_registry_schema(*database_));
    const auto refusal = [&] {
        try {
            check_jdbc_registry_schema(*database_);
        } catch (const EnvironmentError& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    database_->execute("ALTER TABLE t_ds_jdbc_registry_lock DROP COLUMN client_id");
    EXPECT_THAT(refusal(),
                AllOf(HasSubstr(database_->endpoint()),
                      HasSubstr("missing column t_ds_jdbc_registry_lock.client_id; found ")));
    EXPECT_THROW(open(), EnvironmentError);
    for (const char* table : {"data", "data_change_event", "lock", "client_heartbeat"})
        database_->execute(fmt::format("DROP TABLE t_ds_jdbc_registry_{}", table));
    EXPECT_THAT(refusal(), AllOf(HasSubstr("table t_ds_jdbc_registry_lock"),
                                 HasSubstr("found no table of DolphinScheduler at all")));
}

TEST_P(JdbcRegistryTest, ReadingWritesNothing) {
    insert_node("/nodes/master/127.0.1.1:5678", "{}", 1, now_ms());
    {
        const auto registry = open();
        registry->children("/nodes/master");
        registry->get("/nodes/master/127.0.1.1:5678");
        registry->living("/nodes/master", false);
        registry->claims(kLock);
        registry->locks("/lock/master-failover");
    }
    EXPECT_EQ(number("SELECT count(*) FROM t_ds_jdbc_registry_client_heartbeat"), 0);
    EXPECT_THAT(events(), IsEmpty());
}

TEST_P(JdbcRegistryTest, EveryWriteIsFollowedByItsEvent) {
    const auto registry = open();
    ASSERT_TRUE(registry->put(kMark, "1795331879415", ""));
    const Node added = registry->get(kMark).value();
    ASSERT_TRUE(registry->put(kMark, "1795331879416", added.version));
    const Node updated = registry->get(kMark).value();
    std::vector<Removal> removals{removal(kMark, updated.version)};
    registry->remove(removals);

    // The first is the parent's.
    EXPECT_THAT(events(), ElementsAre("ADD", "ADD", "UPDATE", "DELETE"));
    EXPECT_THAT(
        texts("SELECT jdbc_registry_data FROM t_ds_jdbc_registry_data_change_event"
              " WHERE event_type = 'DELETE'"),
        ElementsAre(::testing::MatchesRegex(
            "\\{\"id\":[0-9]+,"
            "\"dataKey\":\"/nodes/failover-finish-nodes/127.0.1.1:5678-unknown-unknown\","
            "\"dataValue\":\"1795331879416\",\"dataType\":\"PERSISTENT\",\"clientId\":[0-9]+,"
            "\"createTime\":\"[0-9-]{10} [0-9:]{8}\",\"lastUpdateTime\":\"[0-9-]{10} "
            "[0-9:]{8}\"\\}")));
}

TEST_P(JdbcRegistryTest, TheParentIsARowWithAnEmptyValue) {
    open()->put(kMark, "1", "");
    const Node parent = open()->get("/nodes/failover-finish-nodes").value();
    EXPECT_EQ(parent.value, "");
    EXPECT_EQ(parent.owner, "");
}

TEST_P(JdbcRegistryTest, TimesAreWallClockInTheMastersZone) {
    settings_.time_zone = "+08:00";
    const auto registry = open();
    const EpochMs before = now_ms();
    registry->put(kMark, "1", "");
    EXPECT_NEAR(static_cast<double>(registry->get(kMark)->modified_at), static_cast<double>(before),
                5000);
    const std::string text =
        texts("SELECT last_update_time FROM t_ds_jdbc_registry_data ORDER BY id DESC")[0];
    EXPECT_NEAR(static_cast<double>(parse_stored_time(text, TimeZone(), 1000).epoch_ms()),
                static_cast<double>(before + 8 * kHour), 5000);
}

TEST_P(JdbcRegistryTest, OurClientIsThereWhileWeWorkAndItsHeartbeatMoves) {
    auto registry = open();
    LockAttempt attempt = registry->lock(kLock, Millis(0), kNobodyWaits);
    ASSERT_TRUE(attempt.lock);
    EXPECT_THAT(texts("SELECT connection_config FROM t_ds_jdbc_registry_client_heartbeat"),
                ElementsAre(R"({"sessionTimeout":10000})"));
    EXPECT_THAT(texts("SELECT client_name FROM t_ds_jdbc_registry_client_heartbeat")[0],
                ::testing::EndsWith("_" + std::to_string(getpid())));
    EXPECT_THAT(texts("SELECT lock_owner FROM t_ds_jdbc_registry_lock")[0],
                ::testing::EndsWith("_" + std::to_string(getpid()) + "_dsfailover"));
    const std::string heartbeat =
        "SELECT last_heartbeat_time FROM t_ds_jdbc_registry_client_heartbeat";
    const std::int64_t first = number(heartbeat);
    std::this_thread::sleep_for(Millis(3500));
    EXPECT_GE(number(heartbeat), first + 2500);
    EXPECT_TRUE(attempt.lock->still_held());

    attempt.lock.reset();
    EXPECT_EQ(number("SELECT count(*) FROM t_ds_jdbc_registry_lock"), 0);
    registry.reset();
    EXPECT_EQ(number("SELECT count(*) FROM t_ds_jdbc_registry_client_heartbeat"), 0);
}

TEST_P(JdbcRegistryTest, HostNamesHoldNoWildcards) {
    insert_node("/nodes/m_ster/a:1", "", 1, now_ms());
    insert_node("/nodes/master/b.invalid:1", "", 1, now_ms());
    insert_node("/nodes/m%/c:1", "", 1, now_ms());
    const auto registry = open();
    EXPECT_THAT(registry->children("/nodes/m_ster").value(), ElementsAre("a:1"));
    EXPECT_THAT(registry->children("/nodes/m%").value(), ElementsAre("c:1"));
}

TEST_P(JdbcRegistryTest, AServerLivesByItsClientOrByItsReportTime) {
    const EpochMs now = now_ms();
    insert_client(1, now - 59'000);
    insert_node("/nodes/master/fresh-client.invalid:1", "", 1, now - kHour);
    insert_client(2, now - 61'000);
    insert_node("/nodes/master/dead-client.invalid:1", "", 2, now - kHour);
    insert_client(3, now - kHour, R"({"sessionTimeout":315360000000})");
    insert_node("/nodes/master/long-session.invalid:1", "", 3, now - kHour);
    insert_client(4, now - 59'000, "no json");
    insert_node("/nodes/master/default-session.invalid:1", "", 4, now - kHour);
    // What its row's own times are depends on the zone it writes in.
    insert_node("/nodes/master/purged-but-writing.invalid:1", reported(now - 25'000), 5,
                now - 5 * kHour);
    insert_node("/nodes/master/ahead.invalid:1", reported(now + 25'000), 5, now - 5 * kHour);
    insert_node("/nodes/master/left-behind.invalid:1", reported(now - 35'000), 6, now + 8 * kHour);
    insert_node("/nodes/master/says-nothing.invalid:1", "{}", 6, now);

    std::vector<std::string> names;
    for (const Node& node : open()->living("/nodes/master", false)) names.push_back(node.name);
    EXPECT_THAT(names, UnorderedElementsAre("fresh-client.invalid:1", "long-session.invalid:1",
                                            "default-session.invalid:1",
                                            "purged-but-writing.invalid:1", "ahead.invalid:1"));
}

TEST_P(JdbcRegistryTest, WhoLooksDeadIsLookedAtForTwelveSecondsOnce) {
    const EpochMs now = now_ms();
    insert_client(1, now - 100'000);
    insert_node("/nodes/master/moving-client.invalid:1", "", 1, now - kHour);
    insert_node("/nodes/master/moving-node.invalid:1", reported(now - 70'000), 3, now - kHour);
    insert_client(2, now - 100'000);
    insert_node("/nodes/master/still.invalid:1", reported(now - 70'000), 2, now - kHour);
    insert_node("/nodes/worker/still.invalid:2", reported(now - 70'000), 2, now - kHour);

    const auto registry = open();
    const auto start = steady_clock::now();
    auto looking = std::async(std::launch::async, [&] {
        std::vector<std::string> names;
        for (const Node& node : registry->living("/nodes/master", true)) names.push_back(node.name);
        return names;
    });
    std::this_thread::sleep_for(Millis(2000));
    database_->execute(
        "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ? WHERE id = 1",
        {Value(now - 97'000)});
    database_->execute("UPDATE t_ds_jdbc_registry_data SET data_value = ? WHERE client_id = 3",
                       {Value(reported(now - 60'000))});
    EXPECT_THAT(looking.get(),
                UnorderedElementsAre("moving-client.invalid:1", "moving-node.invalid:1"));
    EXPECT_GE(steady_clock::now() - start, Millis(12000));
    const auto again = steady_clock::now();
    registry->living("/nodes/master", true);
    EXPECT_THAT(registry->living("/nodes/worker", true), IsEmpty());
    EXPECT_LT(steady_clock::now() - again, Millis(2500)) << "looked at together with the masters";
}

TEST_P(JdbcRegistryTest, TheLookEndsAsSoonAsEachMoved) {
    const EpochMs now = now_ms();
    insert_node("/nodes/master/slow-clock.invalid:1", reported(now - 70'000), 3, now - kHour);
    const auto registry = open();
    const auto start = steady_clock::now();
    auto looking = std::async(std::launch::async,
                              [&] { return registry->living("/nodes/master", true).size(); });
    std::this_thread::sleep_for(Millis(1000));
    database_->execute("UPDATE t_ds_jdbc_registry_data SET data_value = ?",
                       {Value(reported(now - 69'000))});
    EXPECT_EQ(looking.get(), 1u);
    EXPECT_LT(steady_clock::now() - start, Millis(4000));
}

TEST_P(JdbcRegistryTest, ALockOfALivingClientIsWaitedFor) {
    insert_client(7, now_ms());
    insert_lock(7);
    const auto registry = open();
    const LockAttempt attempt = registry->lock(kLock, Millis(700), kNobodyWaits);
    EXPECT_FALSE(attempt.lock);
    EXPECT_GE(attempt.waited, Millis(700));
    ASSERT_TRUE(attempt.holder);
    EXPECT_EQ(attempt.holder->owner, "7");
    EXPECT_EQ(attempt.holder->description, "127.0.1.1_77_Master-Failover");
}

TEST_P(JdbcRegistryTest, ALockGoesOnceItsClientHasStoodStill) {
    const EpochMs now = now_ms();
    insert_client(7, now - 61'000);
    insert_lock(7);
    insert_lock(8, "127.0.1.2_88_Master-Failover", kLock + "1");
    insert_lock(9, "127.0.1.3_99_Master-Failover", kLock + "2");
    insert_node("/nodes/master/127.0.1.3:5678", R"({"processId":9})", 8, now);
    insert_client(10, now - 70'000);
    insert_lock(10, "127.0.1.4_10_Master-Failover", kLock + "3");
    insert_lock(11, "127.0.1.5_11_Master-Failover", kLock + "4");
    insert_node("/nodes/worker/127.0.1.5:1234", R"({"processId":11,"reportTime":1})", 12, now);
    const auto registry = open();
    const auto take = [&](const std::string& suffix) {
        return registry->lock(kLock + suffix, Millis(0), kNobodyWaits);
    };
    for (const char* suffix : {"", "1", "2", "3", "4"}) EXPECT_FALSE(take(suffix).lock) << suffix;
    std::this_thread::sleep_for(Millis(6000));
    // A living one, whose clock is behind; and one that the purge took, whose node moves.
    database_->execute(
        "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ? WHERE id = 10",
        {Value(now - 64'000)});
    database_->execute("UPDATE t_ds_jdbc_registry_data SET data_value = ? WHERE client_id = 12",
                       {Value(R"({"processId":11,"reportTime":2})")});
    EXPECT_FALSE(take("3").lock);
    EXPECT_FALSE(take("4").lock);
    std::this_thread::sleep_for(Millis(6100));
    EXPECT_THAT(take("").notes,
                ElementsAre(HasSubstr("dead client 7 (127.0.1.1_77_Master-Failover)")));
    EXPECT_THAT(take("1").notes, ElementsAre(HasSubstr("unknown client 8")));
    EXPECT_TRUE(take("2").lock) << "another process at the same address";
    EXPECT_FALSE(take("3").lock);
    EXPECT_FALSE(take("4").lock);
}

TEST_P(JdbcRegistryTest, ALockWhoseClientWasPurgedStaysWhileItsServerReports) {
    insert_lock(7);
    insert_node("/nodes/master/127.0.1.1:5678", reported(now_ms() - 10'000), 7, now_ms() - kHour);
    EXPECT_FALSE(open()->lock(kLock, Millis(0), kNobodyWaits).lock);
}

TEST_P(JdbcRegistryTest, KeysThatDifferOnlyInCaseAreNamedWhereTheyAreOne) {
    if (GetParam() != DatabaseType::mysql) GTEST_SKIP() << "the others tell case apart";
    for (const char* table : {"t_ds_jdbc_registry_data", "t_ds_jdbc_registry_lock"})
        database_->execute(fmt::format(
            "ALTER TABLE {} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", table));
    const auto registry = open();
    const std::string upper = "/lock/master-failover/A:1", lower = "/lock/master-failover/a:1";
    const LockAttempt first = registry->lock(upper, Millis(0), kNobodyWaits);
    ASSERT_TRUE(first.lock);
    const auto start = steady_clock::now();
    const LockAttempt second = registry->lock(lower, Millis(20'000), kNobodyWaits);
    EXPECT_FALSE(second.lock);
    EXPECT_LT(steady_clock::now() - start, Millis(5000)) << "waiting is of no use";
    EXPECT_THAT(second.problem,
                AllOf(HasSubstr(upper), HasSubstr(lower), HasSubstr("utf8mb4_bin")));

    ASSERT_TRUE(registry->put("/dsfailover/stamps/A:1", "1", ""));
    EXPECT_EQ(registry->twin_of("/dsfailover/stamps/a:1"), "/dsfailover/stamps/A:1");
    EXPECT_EQ(registry->twin_of("/dsfailover/stamps/A:1"), std::nullopt);
    EXPECT_EQ(registry->twin_of("/dsfailover/stamps/b:1"), std::nullopt);
    EXPECT_THROW(registry->put("/dsfailover/stamps/a:1", "1", ""), LockError);
}

TEST_P(JdbcRegistryTest, APurgedLockRowIsNoLongerHeld) {
    const auto registry = open();
    const LockAttempt attempt = registry->lock(kLock, Millis(0), kNobodyWaits);
    ASSERT_TRUE(attempt.lock->still_held());
    database_->execute("DELETE FROM t_ds_jdbc_registry_lock");
    insert_client(7, now_ms());
    insert_lock(7);
    EXPECT_FALSE(attempt.lock->still_held());
}

TEST_P(JdbcRegistryTest, ALockOfOursIsLostWithOurClientRow) {
    const auto registry = open();
    const LockAttempt attempt = registry->lock(kLock, Millis(0), kNobodyWaits);
    database_->execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat");
    EXPECT_FALSE(attempt.lock->still_held());
}

TEST_P(JdbcRegistryTest, ALockOfOursIsLostPastOurSessionTimeout) {
    const auto registry = open();
    const LockAttempt attempt = registry->lock(kLock, Millis(0), kNobodyWaits);
    database_->execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?",
                       {Value(now_ms() - 10'500)});
    EXPECT_FALSE(attempt.lock->still_held());
    std::this_thread::sleep_for(Millis(3500));
    EXPECT_FALSE(attempt.lock->still_held()) << "a session that was lost does not come back";
}

TEST_P(JdbcRegistryTest, ReadsAndTheHeartbeatBearATransactionOfOurs) {
    const auto registry = open();
    const LockAttempt attempt = registry->lock(kLock, Millis(0), kNobodyWaits);
    {
        Transaction transaction(*database_);
        database_->execute("UPDATE t_ds_jdbc_registry_data SET data_value = ''");
        const auto start = steady_clock::now();
        EXPECT_TRUE(attempt.lock->still_held());
        EXPECT_THAT(registry->claims(kLock), SizeIs(1));
        registry->living("/nodes/master", false);
        EXPECT_LT(steady_clock::now() - start, Millis(1000));
        std::this_thread::sleep_for(Millis(6000));
    }
    std::this_thread::sleep_for(Millis(6000));
    EXPECT_TRUE(attempt.lock->still_held());
}

TEST_P(JdbcRegistryTest, AMarkOfTheSameMomentCountsAsWrittenAfterTheLock) {
    const auto registry = open();
    const LockAttempt attempt = registry->lock(kLock, Millis(0), kNobodyWaits);
    registry->put(kMark, "1", "");
    EXPECT_GT(registry->get(kMark)->modified_order, registry->claims(kLock)[0].created_order);
}

TEST_P(JdbcRegistryTest, AServerOwnsTheLocksOfItsClientAndOfItsProcess) {
    const auto registry = open();
    Node server;
    server.name = "127.0.1.1:5678";
    server.value = R"({"processId":77})";
    server.owner = "7";
    const auto claim = [](const char* owner, const char* description) {
        LockClaim claimed;
        claimed.owner = owner;
        claimed.description = description;
        return claimed;
    };
    EXPECT_TRUE(registry->owns(server, claim("7", "127.0.1.9_1_x")));
    EXPECT_TRUE(registry->owns(server, claim("8", "127.0.1.1_77_Master-Failover")));
    EXPECT_FALSE(registry->owns(server, claim("8", "127.0.1.1_770_Master-Failover")));
    EXPECT_FALSE(registry->owns(server, claim("8", "127.0.1.12_77_Master-Failover")));
}

TEST_P(JdbcRegistryTest, AnAnnouncementIsAnEphemeralRowOfOurClient) {
    const auto registry = open();
    const auto announcement = registry->announce("/nodes/worker/127.0.1.1:1234", "{}");
    ASSERT_TRUE(announcement);
    EXPECT_EQ(number("SELECT count(*) FROM t_ds_jdbc_registry_data d"
                     " JOIN t_ds_jdbc_registry_client_heartbeat h ON h.id = d.client_id"
                     " WHERE d.data_type = 'EPHEMERAL'"),
              1);
    EXPECT_FALSE(registry->announce("/nodes/worker/127.0.1.1:1234", "{}"));
    EXPECT_TRUE(announcement->withdraw());
    EXPECT_THAT(events(), ElementsAre("ADD", "ADD", "DELETE"));
    EXPECT_FALSE(registry->get("/nodes/worker/127.0.1.1:1234"));
}

TEST_P(JdbcRegistryTest, AServerThatRegistersOverAnAnnouncementKeepsItsNode) {
    const auto registry = open();
    auto announcement = registry->announce("/nodes/worker/127.0.1.1:1234", "{}");
    database_->execute(
        "UPDATE t_ds_jdbc_registry_data SET data_value = '{\"processId\":1}'"
        " WHERE data_type = 'EPHEMERAL'");
    EXPECT_FALSE(announcement->withdraw());
    announcement.reset();
    EXPECT_TRUE(registry->get("/nodes/worker/127.0.1.1:1234"));
}

TEST_P(JdbcRegistryTest, ThousandsOfRemovalsEachStandForThemselves) {
    const std::string folder = "/nodes/failover-finish-nodes";
    constexpr int kMarks = 2500;
    {
        Transaction transaction(*database_);
        for (int i = 0; i < kMarks; ++i)
            insert_node(folder + "/h:" + std::to_string(i), "1", 1, now_ms() - kHour, "PERSISTENT");
        transaction.commit();
    }
    const auto registry = open();
    std::vector<Removal> removals;
    registry->read_children(folder, [&](const NodeRead& child) {
        removals.push_back(removal(folder + "/" + child.name, child.node->version));
    });
    ASSERT_THAT(removals, SizeIs(kMarks));
    database_->execute("UPDATE t_ds_jdbc_registry_data SET data_value = '2' WHERE data_key = ?",
                       {Value(removals[3].path)});
    database_->execute("DELETE FROM t_ds_jdbc_registry_data WHERE data_key = ?",
                       {Value(removals[1200].path)});
    removals[2000].version = "nonsense";

    registry->remove(removals);

    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < removals.size(); ++i)
        if (removals[i].outcome != RemoveOutcome::removed) others.push_back(i);
    EXPECT_THAT(others, ElementsAre(3, 1200, 2000));
    EXPECT_EQ(removals[3].outcome, RemoveOutcome::changed);
    EXPECT_EQ(removals[1200].outcome, RemoveOutcome::vanished);
    EXPECT_EQ(removals[2000].outcome, RemoveOutcome::changed);
    EXPECT_EQ(number("SELECT count(*) FROM t_ds_jdbc_registry_data"), 2);
    EXPECT_THAT(events(), SizeIs(kMarks - 3));
}

TEST_P(JdbcRegistryTest, WhatCameBelowANodeSinceTheLastRemovalIsSeen) {
    const std::string folder = "/nodes/failover-finish-nodes/";
    const std::string below = folder + "c/d";
    for (const char* name : {"a", "b", "c", "e"})
        insert_node(folder + name, "1", 1, now_ms() - kHour, "PERSISTENT");
    const auto registry = open();
    const auto remove = [&](const std::string& name) {
        std::vector<Removal> removals{
            removal(folder + name, registry->get(folder + name).value().version)};
        registry->remove(removals);
        return removals[0].outcome;
    };
    const auto insert_below = [&](const std::string& key) {
        insert_node(key, "1", 1, now_ms() - kHour, "PERSISTENT");
    };
    EXPECT_EQ(remove("a"), RemoveOutcome::removed);
    insert_below(folder + "b/x");
    insert_below(below);
    EXPECT_EQ(remove("b"), RemoveOutcome::has_children);
    // With an id that was given out before those of all that was seen.
    database_->execute(
        "UPDATE t_ds_jdbc_registry_data SET id = (SELECT max_id FROM (SELECT MAX(id) + 500 AS "
        "max_id"
        " FROM t_ds_jdbc_registry_data) m) WHERE data_key = ?",
        {Value(folder + "e")});
    EXPECT_EQ(remove("c"), RemoveOutcome::has_children);
    database_->execute("DELETE FROM t_ds_jdbc_registry_data WHERE data_key = ?", {Value(below)});
    EXPECT_EQ(remove("c"), RemoveOutcome::removed) << "what stood below it is gone";
    insert_below(folder + "e/late");
    EXPECT_EQ(remove("e"), RemoveOutcome::has_children);
}

TEST_P(JdbcRegistryTest, MastersAreToldOfARemovalWithTheValueAsItWas) {
    const std::string value = "a\"b\\c{,} NULL 'd'\n\xC3\xBC";
    insert_node(kMark, value, 1, now_ms() - kHour, "PERSISTENT");
    const auto registry = open();
    std::vector<Removal> removals{removal(kMark, registry->get(kMark).value().version)};
    registry->remove(removals);
    ASSERT_EQ(removals[0].outcome, RemoveOutcome::removed);
    const auto told = texts("SELECT jdbc_registry_data FROM t_ds_jdbc_registry_data_change_event");
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(nlohmann::json::parse(told[0]).at("dataValue"), value);
}

INSTANTIATE_TEST_SUITE_P(Databases, JdbcRegistryTest,
                         ::testing::Values(DatabaseType::sqlite, DatabaseType::postgresql,
                                           DatabaseType::mysql),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace dsfailover
