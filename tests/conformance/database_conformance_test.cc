// The contract of src/database/database.h, on SQLite, PostgreSQL and MySQL/MariaDB alike. Where:
//   DSFAILOVER_TEST_SQLITE      a directory
//   DSFAILOVER_TEST_POSTGRESQL  host:port:user:password:database
//   DSFAILOVER_TEST_MYSQL       host:port:user:password:database
// One that is not set fails its tests, unless DSFAILOVER_TEST_ALLOW_MISSING=1 skips them.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <numeric>
#include <sstream>

#include "conformance/cutting_proxy.h"
#include "database/database.h"
#include "database/sql_dialect.h"

// For the sanitize preset: libpqxx 6.4 loses the one result it holds when a connection breaks.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx"; }

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = DatabaseError::Kind;
namespace fs = std::filesystem;

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

const char* variable_of(DatabaseType type) {
    switch (type) {
        case DatabaseType::sqlite:
            return "DSFAILOVER_TEST_SQLITE";
        case DatabaseType::postgresql:
            return "DSFAILOVER_TEST_POSTGRESQL";
        default:
            return "DSFAILOVER_TEST_MYSQL";
    }
}

DatabaseSettings settings_of(DatabaseType type, const std::string& where) {
    DatabaseSettings settings;
    settings.type = type;
    settings.lock_timeout = Millis(1000);
    if (type == DatabaseType::sqlite) {
        settings.file = (fs::path(where) / "database_conformance.db").string();
        return settings;
    }
    std::istringstream parts(where);
    std::string host, port, password;
    std::getline(parts, host, ':');
    std::getline(parts, port, ':');
    std::getline(parts, settings.user, ':');
    std::getline(parts, password, ':');
    std::getline(parts, settings.database, ':');
    settings.hosts = {{host, std::stoi(port)}};
    settings.password = Secret(password);
    return settings;
}

class DatabaseConformance : public ::testing::TestWithParam<DatabaseType> {
  protected:
    void SetUp() override {
        const std::string where = environment(variable_of(GetParam()));
        if (where.empty() && environment("DSFAILOVER_TEST_ALLOW_MISSING") == "1") {
            GTEST_SKIP() << variable_of(GetParam()) << " is not set";
        }
        ASSERT_FALSE(where.empty()) << variable_of(GetParam()) << " is not set";
        settings_ = settings_of(GetParam(), where);
        if (is_sqlite()) {
            fs::remove(settings_.file);
            SQLite::Database(settings_.file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
                .exec("PRAGMA journal_mode = WAL");
        }
        database_ = open_database(settings_);
        database_->execute("DROP TABLE IF EXISTS conformance");
        database_->execute(fmt::format(
            "CREATE TABLE conformance (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(200), "
            "amount BIGINT, body TEXT, at {}",
            GetParam() == DatabaseType::mysql        ? "DATETIME(3)) DEFAULT CHARSET = utf8mb4"
            : GetParam() == DatabaseType::postgresql ? "TIMESTAMP)"
                                                     : "TEXT)"));
    }

    void TearDown() override {
        if (!database_) return;
        if (database_->in_transaction()) database_->rollback();
        database_->execute("DROP TABLE IF EXISTS conformance");
        database_.reset();
        if (is_sqlite()) fs::remove(settings_.file);
    }

    bool is_sqlite() const { return GetParam() == DatabaseType::sqlite; }
    bool is_postgresql() const { return GetParam() == DatabaseType::postgresql; }

    std::unique_ptr<Database> another() { return open_database(settings_); }

    void insert(Database& into, std::int64_t id, const std::string& name = "") {
        into.execute("INSERT INTO conformance (id, name) VALUES (?, ?)", {id, name});
    }

    void insert_many(std::int64_t count) {
        database_->begin();
        for (std::int64_t first = 1; first <= count; first += 1000) {
            std::string sql = "INSERT INTO conformance (id, name, amount) VALUES ";
            for (std::int64_t id = first; id < first + 1000 && id <= count; ++id) {
                sql += fmt::format("{}({}, 'row {}', {})", id == first ? "" : ",", id, id, id * 7);
            }
            database_->execute(sql);
        }
        database_->commit();
    }

    std::int64_t count(Database& in) {
        return in.query("SELECT count(*) FROM conformance")[0].integer(0);
    }

    std::string name_of(Database& in, std::int64_t id) {
        const Rows rows = in.query("SELECT name FROM conformance WHERE id = ?", {id});
        return rows.empty() ? "(no row)" : std::string(rows[0].text(0));
    }

    /// Ends the server's side of `victim` as an administrator would.
    void kill(Database& victim) { kill_session(session_id(victim)); }

    std::int64_t session_id(Database& of) {
        return of.query(is_postgresql() ? "SELECT pg_backend_pid()" : "SELECT connection_id()")[0]
            .integer(0);
    }

    void kill_session(std::int64_t id) {
        auto administrator = another();
        if (is_postgresql()) {
            administrator->query("SELECT pg_terminate_backend(?::int)", {id});
        } else {
            administrator->execute(fmt::format("KILL {}", id));
        }
        // Until the server has done it.
        const std::string gone =
            is_postgresql() ? "SELECT count(*) FROM pg_stat_activity WHERE pid = ?"
                            : "SELECT count(*) FROM information_schema.processlist WHERE id = ?";
        for (int i = 0; i < 200 && administrator->query(gone, {id})[0].integer(0) != 0; ++i) {
            std::this_thread::sleep_for(Millis(10));
        }
    }

    /// What `action` throws; the test fails if it does not.
    template <typename Action>
    DatabaseError error_of(const Action& action) {
        try {
            action();
        } catch (const DatabaseError& error) {
            EXPECT_THAT(error.what(), HasSubstr(settings_.endpoint()));
            return error;
        }
        ADD_FAILURE() << "no error";
        return DatabaseError(Kind::other, "no error");
    }

    DatabaseSettings settings_;
    std::unique_ptr<Database> database_;
};

std::string name_of_type(const ::testing::TestParamInfo<DatabaseType>& info) {
    switch (info.param) {
        case DatabaseType::sqlite:
            return "SQLite";
        case DatabaseType::postgresql:
            return "PostgreSQL";
        default:
            return "MySQL";
    }
}

INSTANTIATE_TEST_SUITE_P(, DatabaseConformance,
                         ::testing::Values(DatabaseType::sqlite, DatabaseType::postgresql,
                                           DatabaseType::mysql),
                         name_of_type);

// --- Values ---

TEST_P(DatabaseConformance, WhatIsBoundComesBackUnchanged) {
    const std::string nasty = "it's \"quoted\" \\ back ? $1 -- /* % \n\t é 漢 😀";
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const std::int64_t least = std::numeric_limits<std::int64_t>::min();
    database_->execute(
        "INSERT INTO conformance (id, name, amount, at) VALUES (?, ?, ?, ?), (?, ?, ?, ?)",
        {1, nasty, most, "2026-11-22 07:27:59.415", 2, nullptr, least, nullptr});
    const Rows rows =
        database_->query("SELECT id, name, amount, at, name FROM conformance ORDER BY id");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].size(), 5u);
    EXPECT_EQ(rows[0].integer(0), 1);
    EXPECT_EQ(rows[0].text(1), nasty);
    EXPECT_EQ(rows[0].integer(2), most);
    EXPECT_EQ(rows[0].text(3), "2026-11-22 07:27:59.415");
    EXPECT_TRUE(rows[1].is_null(1));
    EXPECT_EQ(rows[1].optional_text(1), std::nullopt);
    EXPECT_EQ(rows[1].optional_integer(2), least);
    EXPECT_TRUE(rows[1].is_null(3));
}

TEST_P(DatabaseConformance, AnEmptyTextIsNotNull) {
    insert(*database_, 1, "");
    const Rows rows = database_->query("SELECT name FROM conformance");
    EXPECT_FALSE(rows[0].is_null(0));
    EXPECT_EQ(rows[0].text(0), "");
}

TEST_P(DatabaseConformance, LongTextsComeBackWholeBetweenShortOnes) {
    const std::string long_text(60'000, 'x');
    database_->execute("INSERT INTO conformance (id, body) VALUES (1, 'a'), (2, ?), (3, 'b')",
                       {long_text});
    const Rows rows = database_->query("SELECT body, id FROM conformance ORDER BY id");
    EXPECT_EQ(rows[0].text(0), "a");
    EXPECT_EQ(rows[1].text(0), long_text);
    EXPECT_EQ(rows[1].integer(1), 2);
    EXPECT_EQ(rows[2].text(0), "b");
}

TEST_P(DatabaseConformance, QuestionMarksInLiteralsAndCommentsAreNoPlaceholders) {
    insert(*database_, 1, "a");
    const Rows rows = database_->query(
        "SELECT 'why?', name, 'it''s ?' /* ? */ FROM conformance -- ?\n WHERE id = ?", {1});
    EXPECT_EQ(rows[0].text(0), "why?");
    EXPECT_EQ(rows[0].text(1), "a");
    EXPECT_EQ(rows[0].text(2), "it's ?");
}

TEST_P(DatabaseConformance, AStatementCanRunAgainWithOtherParameters) {
    for (std::int64_t id = 1; id <= 100; ++id) insert(*database_, id, fmt::format("row {}", id));
    for (std::int64_t id = 1; id <= 100; ++id) {
        EXPECT_EQ(name_of(*database_, id), fmt::format("row {}", id));
    }
}

TEST_P(DatabaseConformance, MoreStatementsThanAnyCacheHoldsCanRun) {
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(database_->query(fmt::format("SELECT {}", i))[0].integer(0), i);
    }
}

TEST_P(DatabaseConformance, TheNumberOfParametersMustFit) {
    EXPECT_THROW(database_->query("SELECT name FROM conformance WHERE id = ?"), std::logic_error);
    EXPECT_THROW(database_->query("SELECT name FROM conformance", {1}), std::logic_error);
}

TEST_P(DatabaseConformance, ACellThatIsNoNumberIsNamed) {
    insert(*database_, 1, "forty-two");
    const Rows rows = database_->query("SELECT name, amount FROM conformance");
    EXPECT_THAT([&] { return rows[0].integer(0); },
                ::testing::ThrowsMessage<DatabaseError>(HasSubstr("forty-two")));
    EXPECT_THROW(rows[0].integer(1), DatabaseError);
}

// --- Counting, and generated ids ---

TEST_P(DatabaseConformance, ExecuteCountsTheRowsMatchedNotOnlyThoseThatDiffer) {
    insert_many(10);
    EXPECT_EQ(database_->execute("UPDATE conformance SET name = ? WHERE id <= ?", {"same", 4}), 4);
    EXPECT_EQ(database_->execute("UPDATE conformance SET name = ? WHERE id <= ?", {"same", 4}), 4);
    EXPECT_EQ(database_->execute("DELETE FROM conformance WHERE id > ?", {7}), 3);
    EXPECT_EQ(database_->execute("DELETE FROM conformance WHERE id > ?", {7}), 0);
}

TEST_P(DatabaseConformance, TheIdOfAnInsertIsKnown) {
    database_->execute("DROP TABLE IF EXISTS conformance_ids");
    database_->execute(
        is_sqlite()
            ? "CREATE TABLE conformance_ids (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER)"
        : is_postgresql()
            ? "CREATE TABLE conformance_ids (id SERIAL PRIMARY KEY, n INTEGER)"
            : "CREATE TABLE conformance_ids (id INTEGER AUTO_INCREMENT PRIMARY KEY, n INTEGER)");
    if (is_postgresql()) {
        const Rows rows = database_->query(
            "INSERT INTO conformance_ids (n) VALUES (?), (?) RETURNING id", {10, 20});
        ASSERT_EQ(rows.size(), 2u);
        EXPECT_EQ(rows[0].integer(0), 1);
        EXPECT_EQ(rows[1].integer(0), 2);
    } else {
        database_->execute("INSERT INTO conformance_ids (n) VALUES (?), (?)", {10, 20});
        EXPECT_EQ(database_->last_insert_id(), is_sqlite() ? 2 : 1);
    }
    database_->execute("DROP TABLE conformance_ids");
}

// --- dialect ---

TEST_P(DatabaseConformance, WhatIsAbsentIsInserted) {
    const std::string sql =
        database_->dialect().insert_if_absent("conformance (id, name) VALUES (?, ?)");
    Transaction transaction(*database_);
    EXPECT_EQ(database_->execute(sql, {1, "first"}), 1);
    EXPECT_EQ(database_->execute(sql, {1, "second"}), 0);
    transaction.commit();
    EXPECT_EQ(database_->query("SELECT name FROM conformance")[0].text(0), "first");
}

TEST_P(DatabaseConformance, AnInsertReturnsItsRowsWhereTheDialectSaysSo) {
    const std::string sql = "INSERT INTO conformance (id) VALUES (7) RETURNING id";
    if (database_->dialect().has_returning()) {
        EXPECT_EQ(database_->query(sql)[0].integer(0), 7);
    }
}

TEST_P(DatabaseConformance, TheVersionOfARowIsAnotherAfterEveryWrite) {
    const std::string version = database_->dialect().row_version("conformance");
    if (version.empty()) return;
    insert(*database_, 1);
    const std::string sql = fmt::format("SELECT {} FROM conformance", version);
    const std::string before(database_->query(sql)[0].text(0));
    EXPECT_EQ(database_->query(sql)[0].text(0), before);
    database_->execute("UPDATE conformance SET name = name");
    EXPECT_NE(database_->query(sql)[0].text(0), before);
}

TEST_P(DatabaseConformance, WhatOthersWroteIsToldFromOurOwn) {
    const std::string_view condition = database_->dialect().written_by_others();
    if (condition.empty()) return;
    insert(*database_, 1);
    const std::string sql = fmt::format("SELECT id FROM conformance WHERE {}", condition);
    Transaction transaction(*database_);
    EXPECT_EQ(database_->query(sql).size(), 1u) << "nothing written yet";
    insert(*database_, 2);
    const Rows rows = database_->query(sql);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].integer(0), 1);
}

TEST_P(DatabaseConformance, TextsAreComparedByteForByteWhereThatIsAskedFor) {
    const SqlDialect& dialect = database_->dialect();
    insert(*database_, 1, "a");
    const auto count = [&](const std::string& column) {
        return database_
            ->query(fmt::format("SELECT id FROM conformance WHERE {} = ?", column),
                    {std::string("A")})
            .size();
    };
    EXPECT_EQ(count("name"), dialect.folds_case() ? 1u : 0u);
    EXPECT_EQ(count(dialect.byte_for_byte("name")), 0u);
}

TEST_P(DatabaseConformance, TypedPlaceholdersAndLocksAreUnderstood) {
    const SqlDialect& dialect = database_->dialect();
    insert(*database_, 1, "a");
    Transaction transaction(*database_);
    database_->execute(fmt::format("UPDATE conformance SET at = CASE WHEN id = 1 THEN {} ELSE {} "
                                   "END{} WHERE id = 1",
                                   dialect.typed_placeholder("timestamp"),
                                   dialect.typed_placeholder("timestamp"), dialect.keep("name")),
                       {"2026-11-22 07:00:00", "2026-11-22 08:00:00"});
    const Rows rows = database_->query(
        fmt::format("SELECT at, name FROM conformance WHERE id = 1{}", dialect.for_update()));
    EXPECT_EQ(rows[0].text(0).substr(0, 19), "2026-11-22 07:00:00");
    EXPECT_EQ(rows[0].text(1), "a");
}

TEST_P(DatabaseConformance, ColumnsAreFoundWithThePrecisionOfTimes) {
    std::vector<Value> parameters;
    const std::vector<std::string> tables = {"no_such_table", "conformance"};
    const std::string sql = database_->dialect().columns_query(tables, parameters);
    const Rows rows = database_->query(sql, std::span<const Value>(parameters));
    ASSERT_EQ(rows.size(), 5u);
    std::map<std::string, std::optional<std::int64_t>> digits;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].text(0), "conformance");
        digits[std::string(rows[i].text(1))] = rows[i].optional_integer(2);
    }
    EXPECT_TRUE(digits.contains("name"));
    EXPECT_EQ(digits["at"], is_postgresql() ? 6 : 3);
}

TEST_P(DatabaseConformance, InListTakesAnyNumberOfIntegers) {
    insert_many(10'000);
    for (const std::size_t size : {0u, 1u, 3u, 10'000u, 100'000u}) {
        std::vector<std::int64_t> ids(size);
        std::iota(ids.begin(), ids.end(), 2);
        std::vector<Value> parameters = {std::string("row 1")};
        const std::string sql = "SELECT count(*) FROM conformance WHERE name <> ? AND " +
                                database_->dialect().in_list("id", ids, parameters);
        EXPECT_EQ(database_->query(sql, std::span<const Value>(parameters))[0].integer(0),
                  std::min<std::int64_t>(static_cast<std::int64_t>(size), 9'999))
            << size;
    }
}

TEST_P(DatabaseConformance, InListTakesTextsAndIdsBeyondTheColumn) {
    insert_many(10'000);
    for (const std::size_t size : {0u, 1u, 10'000u}) {
        std::vector<std::string> names;
        for (std::size_t i = 1; i <= size; ++i) names.push_back(fmt::format("row {}", i));
        std::vector<Value> parameters;
        const std::string sql =
            "SELECT count(*) FROM conformance WHERE " + in_list("name", names, parameters);
        EXPECT_EQ(database_->query(sql, std::span<const Value>(parameters))[0].integer(0),
                  static_cast<std::int64_t>(size));
    }
    const std::vector<std::int64_t> beyond = {1, 5'000'000'000};
    std::vector<Value> parameters;
    const std::string sql = "SELECT id FROM conformance WHERE " +
                            database_->dialect().in_list("id", beyond, parameters);
    EXPECT_EQ(database_->query(sql, std::span<const Value>(parameters)).size(), 1u);
}

// --- stream ---

TEST_P(DatabaseConformance, StreamHandsOverEveryRowInOrder) {
    insert_many(30'000);
    std::int64_t next = 11;
    database_->stream("SELECT id, name, amount, at FROM conformance WHERE id > ? ORDER BY id",
                      std::vector<Value>{10}, [&](const Row& row) {
                          ASSERT_EQ(row.integer(0), next);
                          ASSERT_EQ(row.text(1), fmt::format("row {}", next));
                          ASSERT_EQ(row.integer(2), next * 7);
                          ASSERT_TRUE(row.is_null(3));
                          ++next;
                      });
    EXPECT_EQ(next, 30'001);
    EXPECT_FALSE(database_->in_transaction());
}

TEST_P(DatabaseConformance, StreamHandsOverFewRowsAsWell) {
    insert_many(20'001);
    for (const int size : {0, 1, 20'000, 20'001}) {
        std::int64_t next = 1;
        database_->stream("SELECT id FROM conformance WHERE id <= ? ORDER BY id",
                          std::vector<Value>{size},
                          [&](const Row& row) { ASSERT_EQ(row.integer(0), next++); });
        EXPECT_EQ(next, size + 1);
        EXPECT_FALSE(database_->in_transaction());
    }
}

TEST_P(DatabaseConformance, AnExceptionEndsAStreamAndTheConnectionStaysUsable) {
    insert_many(30'000);
    struct Enough {};
    for (const int limit : {1, 5'000, 30'000}) {
        int seen = 0;
        EXPECT_THROW(database_->stream("SELECT id FROM conformance", {},
                                       [&](const Row&) {
                                           if (++seen == limit) throw Enough();
                                       }),
                     Enough);
        EXPECT_EQ(seen, limit);
        EXPECT_EQ(count(*database_), 30'000);
    }
}

TEST_P(DatabaseConformance, AStreamDoesNotSeeWhatIsWrittenMeanwhileAndHindersNoWriter) {
    insert_many(30'000);
    auto writer = another();
    int rows = 0, changed = 0;
    database_->stream("SELECT id, name FROM conformance", {}, [&](const Row& row) {
        if (rows++ == 0) {
            writer->begin();
            writer->execute("UPDATE conformance SET name = 'new'");
            insert(*writer, 1'000'000, "new");
            writer->commit();
        }
        changed += row.text(1) == "new" ? 1 : 0;
    });
    EXPECT_EQ(rows, 30'000);
    EXPECT_EQ(changed, 0);
    EXPECT_EQ(count(*database_), 30'001);
}

TEST_P(DatabaseConformance, AStreamInsideATransactionIsAMistake) {
    database_->begin();
    EXPECT_THROW(database_->stream("SELECT id FROM conformance", {}, [](const Row&) {}),
                 std::logic_error);
    database_->rollback();
}

TEST_P(DatabaseConformance, AStreamThatCannotRunLeavesTheConnectionUsable) {
    const auto error =
        error_of([&] { database_->stream("SELECT id FROM no_such_table", {}, [](const Row&) {}); });
    EXPECT_EQ(error.kind(), Kind::other);
    EXPECT_EQ(count(*database_), 0);
}

// --- Transactions ---

TEST_P(DatabaseConformance, WhatIsCommittedStaysAndWhatIsRolledBackDoesNot) {
    {
        Transaction transaction(*database_);
        insert(*database_, 1);
        EXPECT_TRUE(database_->in_transaction());
        transaction.commit();
    }
    {
        const Transaction transaction(*database_);
        insert(*database_, 2);
    }
    EXPECT_FALSE(database_->in_transaction());
    EXPECT_EQ(count(*another()), 1);
}

TEST_P(DatabaseConformance, TransactionsDoNotNest) {
    database_->begin();
    EXPECT_THROW(database_->begin(), std::logic_error);
    database_->rollback();
    EXPECT_THROW(database_->commit(), std::logic_error);
    database_->rollback();
}

TEST_P(DatabaseConformance, OthersSeeATransactionOnlyOnceItIsCommitted) {
    insert(*database_, 1, "old");
    auto other = another();
    database_->begin();
    database_->execute("UPDATE conformance SET name = 'new'");
    EXPECT_EQ(name_of(*other, 1), "old");
    EXPECT_EQ(name_of(*database_, 1), "new");
    database_->commit();
    EXPECT_EQ(name_of(*other, 1), "new");
}

TEST_P(DatabaseConformance, EachStatementOfATransactionReadsWhatIsCommittedByThen) {
    if (is_sqlite()) return;  // a writing transaction is alone there
    insert(*database_, 1, "old");
    database_->begin();
    EXPECT_EQ(name_of(*database_, 1), "old");
    another()->execute("UPDATE conformance SET name = 'new'");
    EXPECT_EQ(name_of(*database_, 1), "new");
    database_->rollback();
}

TEST_P(DatabaseConformance, AfterAFailedStatementATransactionTakesNothingButRollback) {
    insert(*database_, 1);
    database_->begin();
    insert(*database_, 2);
    EXPECT_EQ(error_of([&] { insert(*database_, 1); }).kind(), Kind::constraint);
    EXPECT_EQ(error_of([&] { insert(*database_, 3); }).kind(), Kind::other);
    EXPECT_EQ(error_of([&] { database_->commit(); }).kind(), Kind::other);
    database_->rollback();
    EXPECT_FALSE(database_->in_transaction());
    EXPECT_EQ(count(*database_), 1);
}

TEST_P(DatabaseConformance, ADuplicateKeyIsAConstraint) {
    insert(*database_, 1);
    EXPECT_EQ(error_of([&] { insert(*database_, 1); }).kind(), Kind::constraint);
    EXPECT_EQ(count(*database_), 1);
}

TEST_P(DatabaseConformance, AWrongStatementIsShownInTheError) {
    const auto error = error_of([&] { database_->query("SELECT nothing FROM nowhere"); });
    EXPECT_EQ(error.kind(), Kind::other);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("SELECT nothing FROM nowhere"), Not(HasSubstr("\n"))));
}

TEST_P(DatabaseConformance, AStatementCommitsByItselfOutsideOfATransaction) {
    insert(*database_, 1);
    EXPECT_EQ(count(*another()), 1);
}

// --- Getting in each other's way ---

TEST_P(DatabaseConformance, ALockThatIsNotHadInTimeRollsBackTheWholeTransaction) {
    insert(*database_, 1, "old");
    auto other = another();
    other->begin();
    other->execute("UPDATE conformance SET name = 'other' WHERE id = 1");
    const auto error = error_of([&] {
        database_->begin();
        insert(*database_, 2);
        database_->execute("UPDATE conformance SET name = 'mine' WHERE id = 1");
    });
    EXPECT_EQ(error.kind(), Kind::retryable);
    EXPECT_FALSE(database_->in_transaction());
    other->commit();
    EXPECT_EQ(count(*database_), 1);
    database_->begin();
    database_->execute("UPDATE conformance SET name = 'mine' WHERE id = 1");
    database_->commit();
    EXPECT_EQ(name_of(*other, 1), "mine");
}

TEST_P(DatabaseConformance, OneOfADeadlockIsRolledBackAndTheOtherGoesOn) {
    if (is_sqlite()) return;  // one writer at a time: none can happen
    settings_.lock_timeout = Millis(20'000);
    insert_many(2);
    auto other = another();
    auto mine = another();
    mine->begin();
    other->begin();
    mine->execute("UPDATE conformance SET name = 'mine' WHERE id = 1");
    other->execute("UPDATE conformance SET name = 'other' WHERE id = 2");
    const auto cross = [](Database& database, std::int64_t id) -> std::optional<Kind> {
        try {
            database.execute("UPDATE conformance SET name = 'both' WHERE id = ?", {id});
            database.commit();
            return std::nullopt;
        } catch (const DatabaseError& error) {
            return error.kind();
        }
    };
    auto others_end = std::async(std::launch::async, [&] { return cross(*other, 1); });
    const auto my_end = cross(*mine, 2);
    const auto their_end = others_end.get();
    EXPECT_NE(my_end.has_value(), their_end.has_value()) << "exactly one gives way";
    EXPECT_EQ(my_end ? my_end : their_end, Kind::retryable);
    EXPECT_FALSE(mine->in_transaction());
    EXPECT_FALSE(other->in_transaction());
    EXPECT_EQ(name_of(*database_, my_end ? 1 : 2), "both");
}

TEST_P(DatabaseConformance, AStatementThatTakesTooLongIsStopped) {
    if (is_sqlite()) return;  // has no such limit
    settings_.statement_timeout = Millis(300);
    auto impatient = another();
    // On MySQL (not MariaDB) the limit only holds for SELECTs that read tables.
    const auto error = error_of([&] {
        impatient->query(is_postgresql() ? "SELECT pg_sleep(20)"
                                         : "SELECT count(*) FROM information_schema.columns a, "
                                           "information_schema.columns b, "
                                           "information_schema.columns c WHERE a.column_name > "
                                           "b.column_name AND b.column_name < c.column_name");
    });
    EXPECT_EQ(error.kind(), Kind::retryable) << error.what();
    EXPECT_EQ(count(*impatient), 0);
}

// --- Broken connections ---

TEST_P(DatabaseConformance, AKilledConnectionIsUnreachableUntilItReconnects) {
    if (is_sqlite()) return;  // nobody else can close a file
    kill(*database_);
    EXPECT_EQ(error_of([&] { count(*database_); }).kind(), Kind::unreachable);
    EXPECT_EQ(error_of([&] { count(*database_); }).kind(), Kind::unreachable)
        << "never reconnects by itself";
    EXPECT_EQ(error_of([&] { database_->begin(); }).kind(), Kind::unreachable);
    database_->reconnect();
    EXPECT_EQ(count(*database_), 0);
}

TEST_P(DatabaseConformance, AConnectionKilledInATransactionTakesTheTransactionWithIt) {
    if (is_sqlite()) return;
    database_->begin();
    insert(*database_, 1);
    kill(*database_);
    EXPECT_EQ(error_of([&] { insert(*database_, 2); }).kind(), Kind::unreachable);
    EXPECT_FALSE(database_->in_transaction());
    database_->rollback();
    database_->reconnect();
    EXPECT_EQ(count(*database_), 0);
}

TEST_P(DatabaseConformance, AConnectionKilledBeforeTheCommitLeavesItUnknown) {
    if (is_sqlite()) return;
    database_->begin();
    insert(*database_, 1);
    kill(*database_);
    EXPECT_EQ(error_of([&] { database_->commit(); }).kind(), Kind::commit_unknown);
    EXPECT_FALSE(database_->in_transaction());
    database_->reconnect();
    EXPECT_EQ(count(*database_), 0) << "and it was not committed";
}

TEST_P(DatabaseConformance, AConnectionKilledInAStreamEndsItWithAnError) {
    if (is_sqlite()) return;
    // More than fits into the buffers on the way.
    insert_many(30'000);
    database_->execute("UPDATE conformance SET body = ?", {std::string(2'000, 'x')});
    const auto id = session_id(*database_);
    int rows = 0;
    const auto error = error_of([&] {
        database_->stream("SELECT id, body FROM conformance", {}, [&](const Row&) {
            if (rows++ == 0) kill_session(id);
        });
    });
    EXPECT_EQ(error.kind(), Kind::unreachable);
    EXPECT_LT(rows, 30'000);
    EXPECT_FALSE(database_->in_transaction());
    database_->reconnect();
    EXPECT_EQ(count(*database_), 30'000);
}

TEST_P(DatabaseConformance, ACommitWhoseAnswerIsLostIsUnknown) {
    if (is_sqlite()) return;
    testing_support::CuttingProxy proxy(settings_.hosts[0].first, settings_.hosts[0].second);
    settings_.hosts[0].second = proxy.port();
    auto cut_off = another();
    cut_off->begin();
    insert(*cut_off, 1);
    proxy.swallow_next_answer();
    EXPECT_EQ(error_of([&] { cut_off->commit(); }).kind(), Kind::commit_unknown);
    EXPECT_FALSE(cut_off->in_transaction());
    EXPECT_EQ(count(*database_), 1) << "and it was committed";
    cut_off->reconnect();
    EXPECT_EQ(count(*cut_off), 1);
}

TEST_P(DatabaseConformance, AServerThatFallsSilentIsGivenUp) {
    if (is_sqlite()) return;
    testing_support::CuttingProxy proxy(settings_.hosts[0].first, settings_.hosts[0].second);
    settings_.hosts[0].second = proxy.port();
    settings_.statement_timeout = Millis(1000);
    auto reading = another(), committing = another();
    insert(*reading, 1);
    committing->begin();
    insert(*committing, 2);
    proxy.freeze();
    auto commit = std::async([&] { return error_of([&] { committing->commit(); }).kind(); });
    EXPECT_EQ(error_of([&] { count(*reading); }).kind(), Kind::unreachable);
    EXPECT_EQ(commit.get(), Kind::commit_unknown);
    EXPECT_FALSE(committing->in_transaction());
}

TEST_P(DatabaseConformance, AServerThatIsNotThereIsUnreachable) {
    if (is_sqlite()) {
        settings_.file += ".missing";
    } else {
        settings_.hosts = {{"127.0.0.1", 1}};
    }
    const auto error = error_of([&] { another(); });
    EXPECT_EQ(error.kind(), Kind::unreachable);
    EXPECT_EQ(error.exit_code(), ExitCode::environment);
}

TEST_P(DatabaseConformance, TheFirstHostThatAnswersIsTaken) {
    if (is_sqlite()) return;
    settings_.hosts.insert(settings_.hosts.begin(), {"127.0.0.1", 1});
    EXPECT_EQ(count(*another()), 0);
}

TEST_P(DatabaseConformance, AWrongPasswordIsUnreachableAndNotShown) {
    if (is_sqlite()) return;
    settings_.password = Secret("wr'ong \\ pass");
    const auto error = error_of([&] { another(); });
    EXPECT_EQ(error.kind(), Kind::unreachable);
    EXPECT_THAT(error.what(), Not(HasSubstr("wr'ong")));
}

TEST_P(DatabaseConformance, AMissingDatabaseIsNamed) {
    if (is_sqlite()) return;
    settings_.database = "no_such_database";
    EXPECT_THAT(error_of([&] { another(); }).what(), HasSubstr("no_such_database"));
}

TEST_P(DatabaseConformance, AConnectionCutOffWhileItRestedIsOpenedAgain) {
    if (is_sqlite()) return;
    auto beginning = another(), asking = another(), streaming = another(), writing = another();
    std::vector<std::int64_t> sessions;
    for (Database* each : {beginning.get(), asking.get(), streaming.get(), writing.get()})
        sessions.push_back(session_id(*each));
    for (const std::int64_t session : sessions) kill_session(session);
    std::this_thread::sleep_for(Millis(2100));
    beginning->begin();
    insert(*beginning, 1);
    beginning->commit();
    EXPECT_EQ(count(*asking), 1);
    int rows = 0;
    streaming->stream("SELECT id FROM conformance", {}, [&](const Row&) { ++rows; });
    EXPECT_EQ(rows, 1);
    insert(*writing, 2);
    EXPECT_EQ(count(*database_), 2);
}

TEST_P(DatabaseConformance, AConnectionThatRestedInATransactionIsNot) {
    if (is_sqlite()) return;
    database_->begin();
    insert(*database_, 1);
    kill(*database_);
    std::this_thread::sleep_for(Millis(2100));
    EXPECT_EQ(error_of([&] { insert(*database_, 2); }).kind(), Kind::unreachable);
    EXPECT_FALSE(database_->in_transaction());
    database_->reconnect();
    EXPECT_EQ(count(*database_), 0);
}

// --- For writing ---

TEST_P(DatabaseConformance, AServerThatMayOnlyBeReadIsRefusedToAWriter) {
    if (is_sqlite()) return;  // tests/unit/sqlite_database_test.cc, which becomes another user
    const auto make_read_only = [&](bool on) {
        database_->execute(
            is_postgresql()
                ? fmt::format("ALTER DATABASE {} SET default_transaction_read_only = {}",
                              settings_.database, on)
                : fmt::format("SET GLOBAL read_only = {}", on ? 1 : 0));
    };
    settings_.for_writing = true;
    auto writer = another();
    make_read_only(true);
    settings_.for_writing = false;
    EXPECT_EQ(count(*another()), 0) << "who only reads is not asked";
    EXPECT_EQ(another()->replica(), std::nullopt);
    for (const auto& open : std::initializer_list<std::function<void()>>{
             [&] { writer->open_another(); }, [&] { writer->reconnect(); }}) {
        const auto error = error_of(open);
        EXPECT_EQ(error.exit_code(), ExitCode::environment);
        EXPECT_THAT(error.what(), HasSubstr("read_only is "));
    }
    make_read_only(false);
    writer->reconnect();
    EXPECT_EQ(writer->replica(), Replica::no);
    insert(*writer, 1);
}

TEST_P(DatabaseConformance, AWriterDecidesNothingByASessionThatOnlyReads) {
    if (!is_postgresql()) return;  // MySQL is asked when the connection is opened
    settings_.for_writing = true;
    auto writer = another();
    writer->execute("SET default_transaction_read_only = on");
    for (const auto& read : std::initializer_list<std::function<void()>>{
             [&] { writer->begin(); }, [&] { count(*writer); },
             [&] { writer->stream("SELECT 1", {}, [](const Row&) {}); }}) {
        EXPECT_EQ(error_of(read).kind(), Kind::unreachable);
        EXPECT_FALSE(writer->in_transaction());
    }
}

TEST_P(DatabaseConformance, AReadingHasOurTimeLimitAndNotTheServers) {
    if (!is_postgresql()) return;
    const auto limit = [&](const char* how) {
        database_->execute(fmt::format("ALTER DATABASE {} {}", settings_.database, how));
    };
    limit("SET statement_timeout = '100ms'");
    const auto reader = another();
    EXPECT_EQ(reader->query("SELECT 1 FROM pg_sleep(0.3)").size(), 1);
    reader->stream("SELECT 1 FROM pg_sleep(0.3)", {}, [](const Row&) {});
    limit("RESET statement_timeout");
}

TEST_P(DatabaseConformance, ATransactionThatStandsStillIsLimited) {
    if (is_sqlite()) return;
    database_->begin();
    if (is_postgresql()) {
        EXPECT_EQ(database_->query("SHOW idle_in_transaction_session_timeout")[0].text(0), "10s");
    } else {
        EXPECT_EQ(database_->query("SELECT @@idle_transaction_timeout")[0].integer(0), 10);
    }
    database_->commit();
}

TEST_P(DatabaseConformance, ACommitOfAWriterWaitsForTheDisk) {
    if (!is_postgresql()) return;  // a MySQL server has no such setting for a session
    const auto used_with = [&](const std::string& given, bool for_writing) {
        database_->execute(fmt::format("ALTER DATABASE {} SET synchronous_commit = {}",
                                       settings_.database, given));
        settings_.for_writing = for_writing;
        auto connection = another();
        connection->begin();
        return std::string(connection->query("SHOW synchronous_commit")[0].text(0));
    };
    EXPECT_EQ(used_with("off", true), "on");
    EXPECT_EQ(used_with("local", true), "on");
    EXPECT_EQ(used_with("remote_write", true), "remote_write") << "never lowered";
    EXPECT_EQ(used_with("remote_apply", true), "remote_apply");
    EXPECT_EQ(used_with("off", false), "off");
    database_->execute(
        fmt::format("ALTER DATABASE {} RESET synchronous_commit", settings_.database));
}

// --- Sessions ---

TEST_P(DatabaseConformance, NothingThatIsSetOutlivesItsTransaction) {
    if (!is_postgresql()) return;
    settings_.schema = "pg_catalog";
    auto connection = another();
    const std::string ours =
        "SELECT current_setting('search_path'), current_setting('statement_timeout')";
    EXPECT_EQ(connection->query(ours)[0].text(0), "pg_catalog");
    connection->begin();
    connection->execute("ROLLBACK AND CHAIN");
    const Rows chained = connection->query(ours);
    EXPECT_NE(chained[0].text(0), "pg_catalog");
    EXPECT_EQ(chained[0].text(1), "0");
    connection->rollback();
}

TEST_P(DatabaseConformance, TheClockIsThatOfTheServer) {
    const EpochMs before = now_ms();
    const EpochMs clock = database_->clock_ms();
    // The servers of the tests run on this machine.
    EXPECT_GE(clock, before - 5);
    EXPECT_LE(clock, now_ms() + 5);
}

TEST_P(DatabaseConformance, OneWhoMayOnlyReadIsToldSo) {
    if (is_sqlite()) return;  // tests/unit/sqlite_database_test.cc, which becomes another user
    const std::string user = is_postgresql() ? "dsfailover_reader" : "dsfailover_reader@'%'";
    if (is_postgresql()) {
        database_->execute("DROP ROLE IF EXISTS dsfailover_reader");
        database_->execute("CREATE ROLE dsfailover_reader LOGIN PASSWORD 'reader'");
    } else {
        database_->execute("DROP USER IF EXISTS " + user);
        database_->execute("CREATE USER " + user + " IDENTIFIED BY 'reader'");
    }
    database_->execute("GRANT SELECT ON conformance TO " + user);
    settings_.user = "dsfailover_reader";
    settings_.password = Secret("reader");
    {
        auto reader = another();
        EXPECT_EQ(count(*reader), 0);
        EXPECT_EQ(error_of([&] { insert(*reader, 1); }).kind(), Kind::read_only);
    }
    if (is_postgresql()) database_->execute("DROP OWNED BY dsfailover_reader");
    database_->execute((is_postgresql() ? "DROP ROLE " : "DROP USER ") + user);
}

TEST_P(DatabaseConformance, AReadOnlyServerIsToldApart) {
    if (is_sqlite()) return;
    database_->execute(is_postgresql() ? "SET default_transaction_read_only = on"
                                       : "SET SESSION TRANSACTION READ ONLY");
    EXPECT_EQ(error_of([&] { insert(*database_, 1); }).kind(), Kind::read_only);
    database_->reconnect();
    insert(*database_, 1);
}

TEST_P(DatabaseConformance, TheZoneOfTheSessionIsSetWhereItIsNamed) {
    if (GetParam() != DatabaseType::mysql) return;
    settings_.session_time_zone = "+08:00";
    EXPECT_EQ(another()->query("SELECT @@session.time_zone")[0].text(0), "+08:00");
    settings_.session_time_zone = "No/Where";
    EXPECT_THAT(error_of([&] { another(); }).what(), HasSubstr("No/Where"));
}

TEST_P(DatabaseConformance, TheServerKnowsWhoIsConnected) {
    if (!is_postgresql()) return;
    EXPECT_EQ(database_->query("SHOW application_name")[0].text(0), "dsfailover");
}

}  // namespace
}  // namespace dsfailover
