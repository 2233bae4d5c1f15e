// The parts of src/database that need no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/database.h"
#include "database/database_error.h"
#include "database/mysql/dialect.h"
#include "database/placeholders.h"
#include "database/postgresql/dialect.h"
#include "database/sqlite/dialect.h"

namespace dsfailover {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Placeholders, AreNumberedInTheirOrder) {
    const NumberedSql numbered = number_placeholders("UPDATE t SET a = ?, b=? WHERE c IN (?,?)");
    EXPECT_EQ(numbered.sql, "UPDATE t SET a = $1, b=$2 WHERE c IN ($3,$4)");
    EXPECT_EQ(numbered.placeholders, 4u);
    EXPECT_EQ(number_placeholders("?::bigint[]").sql, "$1::bigint[]");
    EXPECT_EQ(number_placeholders("").sql, "");
}

class NoPlaceholder : public ::testing::TestWithParam<const char*> {};

TEST_P(NoPlaceholder, IsLeftAsItIs) {
    const std::string hidden = GetParam();
    const NumberedSql numbered = number_placeholders("a ? " + hidden + " b ?");
    EXPECT_EQ(numbered.sql, "a $1 " + hidden + " b $2");
    EXPECT_EQ(numbered.placeholders, 2u);
}

INSTANTIATE_TEST_SUITE_P(, NoPlaceholder,
                         ::testing::Values("'?'", "'it''s ?'", "'\\'", "E'\\'?'", "e'\\\\'",
                                           "\"a?\"\"?\"", "-- ?\n", "/* ? */", "/* /* ? */ ? */",
                                           "$$ ? ' $$", "$tag$ ? $$ ? $tag$", "-", "/", "$", "''"));

TEST(Placeholders, AnOpenQuoteHidesAllThatFollows) {
    EXPECT_EQ(number_placeholders("a 'b ?").placeholders, 0u);
    EXPECT_EQ(number_placeholders("a /* ?").placeholders, 0u);
    EXPECT_EQ(number_placeholders("a -- ?").placeholders, 0u);
    EXPECT_EQ(number_placeholders("a $x$ ?").placeholders, 0u);
}

const SqliteDialect kSqlite;
const PostgresqlDialect kPostgresql;
const MysqlDialect kMysql;
const SqlDialect* const kDialects[] = {&kSqlite, &kPostgresql, &kMysql};
const std::vector<std::int64_t> kIds = {3, 5};

TEST(InList, IsFalseForNothing) {
    std::vector<Value> parameters;
    for (const SqlDialect* dialect : kDialects) {
        EXPECT_EQ(dialect->in_list("id", {}, parameters), "1 = 0");
    }
    EXPECT_EQ(in_list("id", std::vector<std::string>{}, parameters), "1 = 0");
    EXPECT_TRUE(parameters.empty());
}

TEST(InList, AppendsBehindTheParametersThatAreThere) {
    std::vector<Value> parameters = {std::string("first")};
    const std::vector<std::string> names = {"a", "it's ?"};
    EXPECT_EQ(in_list("host", names, parameters), "host IN (?,?)");
    EXPECT_THAT(parameters, ElementsAre(Value(std::string("first")), Value(std::string("a")),
                                        Value(std::string("it's ?"))));
}

TEST(Dialects, TakeManyIdsInOneParameterOrNone) {
    std::vector<Value> parameters;
    EXPECT_EQ(kSqlite.in_list("w.id", kIds, parameters),
              "w.id IN (SELECT value FROM json_each(?))");
    EXPECT_EQ(kPostgresql.in_list("w.id", kIds, parameters), "w.id = ANY (?::bigint[])");
    EXPECT_EQ(kMysql.in_list("w.id", kIds, parameters), "w.id IN (3,5)");
    EXPECT_THAT(parameters, ElementsAre(Value(std::string("[3,5]")), Value(std::string("{3,5}"))));
}

TEST(Dialects, LockRowsWhereNotAllIsLocked) {
    EXPECT_TRUE(kSqlite.locks_whole_file());
    EXPECT_EQ(kSqlite.for_update(), "");
    for (const SqlDialect* dialect : {kDialects[1], kDialects[2]}) {
        EXPECT_FALSE(dialect->locks_whole_file());
        EXPECT_EQ(dialect->for_update(), " FOR UPDATE");
    }
}

TEST(Dialects, InsertWhatIsAbsent) {
    EXPECT_EQ(kSqlite.insert_if_absent("t (a) VALUES (?)"),
              "INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING");
    EXPECT_EQ(kPostgresql.insert_if_absent("t (a) VALUES (?)"),
              "INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING");
    EXPECT_EQ(kMysql.insert_if_absent("t (a) VALUES (?)"), "INSERT IGNORE INTO t (a) VALUES (?)");
}

TEST(Dialects, SayOfTypesTimesAndCaseWhatOnlyTheyNeed) {
    EXPECT_EQ(kSqlite.typed_placeholder("text"), "?");
    EXPECT_EQ(kPostgresql.typed_placeholder("text"), "CAST(? AS text)");
    EXPECT_EQ(kMysql.typed_placeholder("text"), "?");
    EXPECT_EQ(kSqlite.keep("update_time"), "");
    EXPECT_EQ(kPostgresql.keep("update_time"), "");
    EXPECT_EQ(kMysql.keep("update_time"), ", update_time = update_time");
    EXPECT_EQ(kSqlite.byte_for_byte("host"), "host");
    EXPECT_EQ(kPostgresql.byte_for_byte("host"), "host");
    EXPECT_EQ(kMysql.byte_for_byte("host"), "CAST(host AS BINARY)");
}

TEST(Dialects, AskForTheColumnsOfAllTablesAtOnce) {
    const std::vector<std::string> tables = {"a", "b"};
    std::vector<Value> parameters;
    EXPECT_THAT(kSqlite.columns_query(tables, parameters), HasSubstr("pragma_table_info"));
    EXPECT_THAT(kPostgresql.columns_query(tables, parameters), HasSubstr("ARRAY['a', 'b']"));
    EXPECT_THAT(kMysql.columns_query(tables, parameters), HasSubstr("table_name IN (?,?)"));
    EXPECT_THAT(parameters, ElementsAre(Value(std::string("[\"a\",\"b\"]")),
                                        Value(std::string("a")), Value(std::string("b"))));
}

TEST(Rows, OutliveWhatTheyWereMadeOf) {
    Rows rows;
    for (int i = 0; i < 100; ++i) {
        const std::string number = std::to_string(i);
        const std::vector<std::optional<std::string_view>> cells = {number, std::nullopt, ""};
        rows.add(Row(cells));
    }
    ASSERT_EQ(rows.size(), 100u);
    EXPECT_EQ(rows[42].integer(0), 42);
    EXPECT_EQ(rows[42].optional_integer(1), std::nullopt);
    EXPECT_EQ(rows[42].optional_text(2), "");
    EXPECT_FALSE(rows[42].is_null(2));
    EXPECT_THROW(rows[100], std::out_of_range);
}

TEST(Rows, HoldTextsOfAnyLength) {
    Rows rows;
    std::vector<std::string> texts;
    for (const std::size_t length : {0u, 255u, 2u, 20'000u, 16'384u, 1u, 40'000u, 3u})
        texts.emplace_back(length, static_cast<char>('a' + texts.size()));
    for (const std::string& text : texts) {
        const std::vector<std::optional<std::string_view>> cells = {text, std::nullopt, text};
        rows.add(Row(cells));
    }
    const Rows moved = std::move(rows);
    ASSERT_EQ(moved.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(moved[i].text(0), texts[i]);
        EXPECT_TRUE(moved[i].is_null(1));
        EXPECT_EQ(moved[i].text(2), texts[i]);
    }
}

TEST(Endpoint, ShowsHostsAndDatabaseButNoUserAndNoSecret) {
    DatabaseSettings settings;
    settings.file = "/var/lib/cluster.db";
    EXPECT_EQ(settings.endpoint(), "sqlite:/var/lib/cluster.db");
    settings.type = DatabaseType::postgresql;
    settings.hosts = {{"db1", 5432}, {"2001:db8::1", 5433}};
    settings.database = "dolphinscheduler";
    settings.user = "root";
    settings.password = Secret("hush");
    EXPECT_EQ(settings.endpoint(), "postgresql://db1:5432,[2001:db8::1]:5433/dolphinscheduler");
    settings.type = DatabaseType::mysql;
    EXPECT_THAT(settings.endpoint(), HasSubstr("mysql://db1:5432"));
}

TEST(DatabaseErrors, SayWhereWhatAndWhatToDoOnOneLine) {
    const DatabaseError error =
        make_database_error(DatabaseError::Kind::unreachable, "mysql://db:3306/ds",
                            describe_statement("SELECT 1\n  FROM t"), "gone\naway.\n");
    EXPECT_EQ(std::string(error.what()),
              "mysql://db:3306/ds: running 'SELECT 1 FROM t' failed: gone away; check that the "
              "server runs, that it can be reached from here and that user, password and database "
              "are right");
    EXPECT_EQ(error.exit_code(), ExitCode::environment);
    EXPECT_EQ(make_database_error(DatabaseError::Kind::other, "e", "d", "x").exit_code(),
              ExitCode::failed);
}

TEST(DatabaseErrors, ShowOnlyTheBeginningOfALongStatement) {
    const std::string shown = describe_statement("SELECT " + std::string(10'000, 'x'));
    EXPECT_LT(shown.size(), 120u);
    EXPECT_THAT(shown, AllOf(HasSubstr("SELECT xxx"), Not(HasSubstr(std::string(100, 'x')))));
}

}  // namespace
}  // namespace dsfailover
