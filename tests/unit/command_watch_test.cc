// What a run remembers of commands, against a table that is a map, so that ids can appear late.
#include "store/command_watch.h"

#include <gmock/gmock.h>

#include <map>
#include <utility>

#include "database/postgresql/dialect.h"
#include "database/sqlite/dialect.h"

namespace dsfailover {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const PostgresqlDialect kPostgresql;
const SqliteDialect kSqlite;

/// t_ds_command, as far as CommandStore::scan_ids, newer_than and highest_id ask for it.
class CommandTable : public Database {
  public:
    explicit CommandTable(const SqlDialect& dialect) : dialect_(dialect) {}

    std::map<std::int64_t, std::int64_t> commands;  ///< ids and their workflow instances'
    std::size_t rows_read = 0;
    std::function<void()> after_query;  ///< once

    const SqlDialect& dialect() const override { return dialect_; }
    std::string endpoint() const override { return "map"; }
    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        Rows rows;
        if (parameters.empty()) {  // MAX(id)
            add(rows, {commands.empty() ? "0" : std::to_string(commands.rbegin()->first)});
            return rows;
        }
        const auto number = [&](std::size_t i) { return std::get<std::int64_t>(parameters[i]); };
        const std::size_t limit = std::stoul(std::string(sql.substr(sql.rfind(' ') + 1)));
        for (auto at = commands.upper_bound(number(0)); at != commands.end(); ++at) {
            if (parameters.size() > 1 && at->first >= number(1)) break;
            if (rows.size() == limit) break;
            add(rows, {std::to_string(at->first), std::to_string(at->second)});
            ++rows_read;
        }
        if (after_query) std::exchange(after_query, {})();
        return rows;
    }
    void stream(std::string_view, std::span<const Value>, const RowCallback& row) override {
        for (const auto& [id, workflow_id] : commands) {
            const std::string texts[] = {std::to_string(id), std::to_string(workflow_id)};
            const std::optional<std::string_view> cells[] = {texts[0], texts[1]};
            row(Row(cells));
            ++rows_read;
        }
    }
    std::int64_t execute(std::string_view, std::span<const Value>) override { return 0; }
    std::int64_t last_insert_id() override { return 0; }
    void begin() override {}
    void commit() override {}
    void rollback() noexcept override {}
    bool in_transaction() const override { return false; }
    void reconnect() override {}
    std::unique_ptr<Database> open_another() const override { return nullptr; }
    EpochMs clock_ms() override { return 0; }

  private:
    static void add(Rows& rows, const std::vector<std::string>& texts) {
        const std::vector<std::optional<std::string_view>> cells(texts.begin(), texts.end());
        rows.add(Row(cells));
    }

    const SqlDialect& dialect_;
};

class CommandWatchTest : public ::testing::Test {
  protected:
    explicit CommandWatchTest(const SqlDialect& dialect = kPostgresql) : table(dialect) {}

    /// A chunk of ours: `count` workflow instances from `workflow_id` on, with commands from `id`.
    std::vector<FailedOver> insert(std::int64_t workflow_id, std::int64_t id, int count = 1) {
        std::vector<FailedOver> ours;
        for (int i = 0; i < count; ++i) {
            ours.push_back({workflow_id + i, id + i});
            table.commands[id + i] = workflow_id + i;
        }
        return ours;
    }
    std::vector<std::int64_t> look_locked(const std::vector<FailedOver>& ours) {
        return watch.look_locked(store, ours);
    }

    Schema schema;
    TimeZone zone;
    CommandTable table;
    CommandStore store{StoreContext{table, schema, zone}};
    CommandWatch watch;
};

TEST_F(CommandWatchTest, WhatWasSeenIsRememberedWhenItsCommandIsGone) {
    table.commands = {{1, 10}, {2, 0}, {3, std::int64_t{1} << 40}};
    EXPECT_FALSE(watch.seen(10));
    watch.look(store);
    watch.note(18);
    table.commands = {{4, 11}};
    watch.look(store);
    for (const std::int64_t id :
         {std::int64_t{10}, std::int64_t{11}, std::int64_t{18}, std::int64_t{1} << 40}) {
        EXPECT_TRUE(watch.seen(id)) << id;
    }
    EXPECT_FALSE(watch.seen(12));
    EXPECT_FALSE(watch.seen(0)) << "a command that starts a new instance";
}

TEST_F(CommandWatchTest, ACommandThatCameSinceIsFoundUnderTheLock) {
    table.commands = {{1, 10}};
    watch.look(store);
    table.commands[2] = 20;
    EXPECT_THAT(look_locked(insert(20, 3, 5)), ElementsAre(20));
    EXPECT_TRUE(watch.seen(20));
    EXPECT_FALSE(watch.seen(21)) << "has ours alone";
}

TEST_F(CommandWatchTest, OneAmongOursIsFound) {
    watch.look(store);
    std::vector<FailedOver> ours = insert(20, 100, 5);
    ours.push_back(insert(25, 106).front());
    table.commands[105] = 21;
    EXPECT_THAT(look_locked(ours), ElementsAre(21));
}

TEST_F(CommandWatchTest, OneThatMySqlReturnedAsOursIsFound) {
    watch.look(store);
    std::vector<FailedOver> ours = insert(20, 100, 5);
    table.commands[105] = 21;
    ours.push_back({21, 105});
    EXPECT_THAT(look_locked(ours), ElementsAre(21));
}

TEST_F(CommandWatchTest, AnIdThatAppearsLateIsFound) {
    table.commands[2000] = 1;
    watch.look(store);
    table.commands[1001] = 20;
    table.commands[1000] = 21;
    EXPECT_THAT(look_locked(insert(20, 2001, 2)), ElementsAre(20));
    table.commands[1003] = 22;
    watch.look(store);
    EXPECT_TRUE(watch.seen(22));
}

TEST_F(CommandWatchTest, AnIdThatAppearsBehindThousandsOfOursIsFoundAtNoGreatCost) {
    table.commands[100] = 1;
    watch.look(store);
    for (int chunk = 0; chunk < 3; ++chunk)
        EXPECT_THAT(look_locked(insert(50'000 + 5000 * chunk, 200 + 5000 * chunk, 5000)),
                    IsEmpty());
    table.commands[150] = 90'000;  // inserted before ours, committed now
    table.rows_read = 0;
    EXPECT_THAT(look_locked(insert(90'000, 15'200)), ElementsAre(90'000));
    EXPECT_LE(table.rows_read, 3U);
}

TEST(IdRanges, MergesWhatMeets) {
    IdRanges ranges;
    const std::int64_t odd[] = {1, 3, 5, 7}, even[] = {2, 4, 6}, far[] = {20, 21, 22};
    ranges.add(odd);
    EXPECT_THAT(ranges.long_ones(0, 2, 9), IsEmpty());
    ranges.add(even);
    ranges.add(far);
    const auto found = ranges.long_ones(0, 2, 9);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].first, 20);
    EXPECT_EQ(found[1].first, 1);
    EXPECT_EQ(found[1].last, 7);
    EXPECT_EQ(ranges.long_ones(7, 2, 9).size(), 1U);
    ranges.forget_up_to(7);
    EXPECT_EQ(ranges.long_ones(0, 1, 9).size(), 1U);
}

TEST_F(CommandWatchTest, AnIdAmongThoseOfALongTransactionIsFound) {
    watch.look(store);
    // Of two transactions that took their ids in turn the other one came first.
    EXPECT_THAT(look_locked(insert(50'000, 5001, 5000)), IsEmpty());
    table.commands[5000] = 20;
    EXPECT_THAT(look_locked(insert(20, 4000)), ElementsAre(20));
}

TEST_F(CommandWatchTest, WhatAnotherThreadSawIsNotLost) {
    watch.look(store);
    const auto ours = insert(20, 5000, 2);
    // While we look, another thread sees a command for ours, which a master takes at once.
    table.after_query = [&] {
        table.commands.clear();  // ours are not committed
        table.commands[5002] = 20;
        EXPECT_THAT(look_locked(insert(30, 5003)), IsEmpty());
        table.commands.erase(5002);
    };
    EXPECT_THAT(look_locked(ours), ElementsAre(20));
}

TEST_F(CommandWatchTest, WhatTheReadingKnewIsNotReturned) {
    table.commands[2000] = 20;
    watch.look(store);
    watch.note(21);
    table.commands.erase(2000);
    EXPECT_THAT(look_locked(insert(20, 5000, 3)), IsEmpty());

    table.commands[5100] = 30;
    EXPECT_THAT(look_locked(insert(31, 5101)), IsEmpty());
    table.commands.erase(5100);
    watch.look(store);
    EXPECT_THAT(look_locked(insert(30, 5102)), IsEmpty()) << "known to the reading that chose it";
}

TEST_F(CommandWatchTest, OneThatWaitsIsReturnedHoweverLongItIsKnown) {
    table.commands[2000] = 20;
    watch.look(store);
    EXPECT_THAT(look_locked(insert(20, 2001)), ElementsAre(20));
}

TEST_F(CommandWatchTest, IdsGivenOutAgainAreFound) {
    table.commands[2000] = 1;
    watch.look(store);
    table.commands = {{1, 20}};
    EXPECT_THAT(look_locked(insert(20, 2)), ElementsAre(20));
    table.commands = {{3, 21}};
    watch.look(store);
    EXPECT_TRUE(watch.seen(21));
}

TEST_F(CommandWatchTest, WithoutAWorkflowNothingIsAsked) {
    EXPECT_THAT(look_locked({}), IsEmpty());
    EXPECT_EQ(table.rows_read, 0U);
}

TEST_F(CommandWatchTest, ALookCostsWhatIsNew) {
    for (std::int64_t id = 1; id <= 20'000; ++id) table.commands[id] = id;
    watch.look(store);
    EXPECT_EQ(table.rows_read, 20'000U);
    table.rows_read = 0;
    for (int chunk = 0; chunk < 20; ++chunk) {
        const int first = 100'000 + 5000 * chunk;
        EXPECT_THAT(look_locked(insert(first, first, 5000)), IsEmpty());
    }
    EXPECT_LE(table.rows_read, 20U * 1000);
    table.rows_read = 0;
    watch.look(store);
    EXPECT_LE(table.rows_read, 1000U);
}

TEST_F(CommandWatchTest, SoItDoesWhereMariaDbLeavesIdsOut) {
    watch.look(store);
    for (int chunk = 0; chunk < 40; ++chunk) {
        std::vector<FailedOver> ours;
        for (int batch = 0; batch < 5; ++batch) {
            const int first = 1 + 1023 * (5 * chunk + batch);
            for (const FailedOver& one : insert(first, first, 900)) ours.push_back(one);
        }
        EXPECT_THAT(look_locked(ours), IsEmpty());
    }
    EXPECT_LE(table.rows_read, 40U * 1000);
    const FailedOver theirs = insert(500'000, 1023 * 199).front();  // the last gap but one
    EXPECT_THAT(look_locked({{theirs.id, 1'000'000}}), ElementsAre(theirs.id));
}

TEST_F(CommandWatchTest, ManyNewOnesAreReadInPages) {
    watch.look(store);
    for (std::int64_t id = 1; id <= 30'000; ++id) table.commands[id] = id;
    EXPECT_THAT(look_locked(insert(30'000, 30'001, 2)), ElementsAre(30'000));
    EXPECT_TRUE(watch.seen(1));
    EXPECT_EQ(table.rows_read, 30'000U);
}

class CommandWatchOnSqlite : public CommandWatchTest {
  protected:
    CommandWatchOnSqlite() : CommandWatchTest(kSqlite) {}
};

TEST_F(CommandWatchOnSqlite, NothingIsReadTwice) {
    for (std::int64_t id = 1; id <= 100; ++id) table.commands[id] = id;
    watch.look(store);
    table.rows_read = 0;
    for (const int first : {101, 106}) {
        const auto ours = insert(1000 + first, first, 5);
        EXPECT_THAT(look_locked(ours), IsEmpty());
        watch.committed(ours);
    }
    watch.look(store);
    EXPECT_EQ(table.rows_read, 0U);
}

TEST_F(CommandWatchOnSqlite, IdsOfARollbackAreGivenOutAgain) {
    table.commands[100] = 1;
    watch.look(store);
    for (const int theirs : {1, 3, 5, 9}) {
        for (const std::int64_t first_of_ours : {20, 21}) {
            EXPECT_THAT(look_locked(insert(20, 101, 5)), IsEmpty());
            table.commands = {{100, 1}};
            for (int i = 0; i < theirs; ++i) table.commands[101 + i] = 20 + 4 - i % 5;
            const auto ours =
                insert(first_of_ours, 101 + theirs, static_cast<int>(25 - first_of_ours));
            EXPECT_THAT(look_locked(ours), ::testing::Contains(24)) << theirs;
            table.commands = {{100, 1}};
            watch.look(store);
        }
    }
}

TEST_F(CommandWatchOnSqlite, SoTheyAreForTheSameWorkflow) {
    watch.look(store);
    EXPECT_THAT(look_locked(insert(20, 101)), IsEmpty());
    EXPECT_THAT(look_locked(insert(20, 102)), ElementsAre(20)) << "of which 101 is theirs now";
}

TEST_F(CommandWatchOnSqlite, WhatCameInPlaceOfARollbackIsRemembered) {
    watch.look(store);
    look_locked(insert(20, 101, 5));
    table.commands.clear();
    for (std::int64_t id = 101; id <= 106; ++id) table.commands[id] = id;
    watch.look(store);
    for (std::int64_t id = 101; id <= 106; ++id) EXPECT_TRUE(watch.seen(id)) << id;
}

}  // namespace
}  // namespace dsfailover
