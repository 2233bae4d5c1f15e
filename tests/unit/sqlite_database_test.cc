// What is special about SQLite files; tests/conformance/database_conformance_test.cc has the rest.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "database/database.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// For root, who may write every file: another effective user, to whom `folder` is given.
class AsNobody {
  public:
    explicit AsNobody(const fs::path& folder) {
        if (!was_root_) return;
        constexpr uid_t kNobody = 65534;
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            EXPECT_EQ(chown(entry.path().c_str(), kNobody, kNobody), 0);
        }
        EXPECT_EQ(chown(folder.c_str(), kNobody, kNobody), 0);
        EXPECT_EQ(seteuid(kNobody), 0);
    }
    ~AsNobody() {
        if (was_root_ && seteuid(0) != 0) ADD_FAILURE() << "still nobody";
    }

  private:
    bool was_root_ = geteuid() == 0;
};

class SqliteDatabaseTest : public ::testing::Test {
  protected:
    SqliteDatabaseTest() {
        std::string pattern = (fs::temp_directory_path() / "dsfailover-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~SqliteDatabaseTest() override { fs::remove_all(folder_); }

    std::unique_ptr<Database> open(const fs::path& file) {
        DatabaseSettings settings;
        settings.file = file.string();
        settings.lock_timeout = Millis(100);
        return open_database(settings);
    }

    fs::path make_database(bool wal = true) {
        const fs::path file = folder_ / "cluster.db";
        SQLite::Database made(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        if (wal) made.exec("PRAGMA journal_mode = WAL");
        made.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
        return file;
    }

    DatabaseError failure_to_open(const fs::path& file) {
        try {
            open(file);
        } catch (const DatabaseError& error) {
            return error;
        }
        throw std::runtime_error("it opened");
    }

    fs::path folder_;
};

TEST_F(SqliteDatabaseTest, AMissingFileIsNamedAndNotCreated) {
    const fs::path file = folder_ / "missing.db";
    const DatabaseError error = failure_to_open(file);
    EXPECT_EQ(error.kind(), DatabaseError::Kind::unreachable);
    EXPECT_EQ(error.exit_code(), ExitCode::environment);
    EXPECT_THAT(error.what(), HasSubstr("sqlite:" + file.string()));
    EXPECT_FALSE(fs::exists(file));
}

TEST_F(SqliteDatabaseTest, ADirectoryIsRefused) {
    EXPECT_THAT(failure_to_open(folder_).what(), HasSubstr("directory"));
}

TEST_F(SqliteDatabaseTest, AFileThatIsNoDatabaseIsRefusedAndLeftAsItIs) {
    const fs::path file = folder_ / "notes.txt";
    std::ofstream(file) << std::string(5000, 'x');
    EXPECT_THAT(failure_to_open(file).what(), HasSubstr("not a database"));
    EXPECT_EQ(fs::file_size(file), 5000u);
}

TEST_F(SqliteDatabaseTest, OpeningWritesNothing) {
    const fs::path file = make_database(/*wal=*/false);
    const auto before = fs::last_write_time(file);
    EXPECT_EQ(open(file)->query("PRAGMA journal_mode")[0].text(0), "delete");
    EXPECT_EQ(fs::last_write_time(file), before);
}

TEST_F(SqliteDatabaseTest, AFileThatMayNotBeWrittenCanBeReadOnly) {
    const fs::path file = make_database(/*wal=*/false);
    fs::permissions(file, fs::perms::owner_read);
    const AsNobody nobody(folder_);
    auto database = open(file);
    EXPECT_EQ(database->query("SELECT count(*) FROM t")[0].integer(0), 0);
    database->begin();
    try {
        database->execute("INSERT INTO t VALUES (1, 'a')");
        FAIL() << "a row in a file that may not be written";
    } catch (const DatabaseError& error) {
        EXPECT_EQ(error.kind(), DatabaseError::Kind::read_only);
    }
    database->rollback();
}

TEST_F(SqliteDatabaseTest, AFileThatMayNotBeWrittenIsRefusedToAWriter) {
    const fs::path file = make_database(/*wal=*/false);
    fs::permissions(file, fs::perms::owner_read);
    const AsNobody nobody(folder_);
    DatabaseSettings settings;
    settings.file = file.string();
    settings.for_writing = true;
    try {
        open_database(settings);
        FAIL() << "a writer of a file that may not be written";
    } catch (const DatabaseError& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::environment);
        EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos);
    }
}

TEST_F(SqliteDatabaseTest, AFileInWalModeThatCannotBeReadWithoutWritingSaysSo) {
    const fs::path file = make_database();
    fs::permissions(file, fs::perms::owner_read);
    const AsNobody nobody(folder_);
    fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
    const DatabaseError error = failure_to_open(file);
    fs::permissions(folder_, fs::perms::owner_all);
    EXPECT_EQ(error.kind(), DatabaseError::Kind::unreachable);
    EXPECT_THAT(error.what(), HasSubstr("may write"));
}

TEST_F(SqliteDatabaseTest, ATransactionLargerThanTheCacheBarsNoReaders) {
    const fs::path file = make_database(/*wal=*/false);
    auto writer = open(file), reader = open(file);
    writer->begin();
    for (std::int64_t id = 1; id <= 400; ++id) {
        writer->execute("INSERT INTO t VALUES (?, ?)", {id, std::string(20'000, 'x')});
    }
    EXPECT_EQ(reader->query("SELECT count(*) FROM t")[0].integer(0), 0);
    writer->commit();
    EXPECT_EQ(reader->query("SELECT count(*) FROM t")[0].integer(0), 400);
}

TEST_F(SqliteDatabaseTest, AStatementThatChangesNoRowsByItsNatureCountsNone) {
    auto database = open(make_database());
    EXPECT_EQ(database->execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')"), 2);
    EXPECT_EQ(database->execute("CREATE TABLE u (id INTEGER)"), 0);
    EXPECT_EQ(database->execute("UPDATE t SET name = 'c' WHERE id > ?", {10}), 0);
}

TEST_F(SqliteDatabaseTest, AFullDiskRollsBack) {
    auto database = open(make_database());
    database->execute("PRAGMA max_page_count = 10");
    database->begin();
    database->execute("INSERT INTO t VALUES (1, 'a')");
    try {
        database->execute("INSERT INTO t VALUES (2, ?)", {std::string(1'000'000, 'x')});
        FAIL() << "a megabyte in ten pages";
    } catch (const DatabaseError& error) {
        EXPECT_EQ(error.kind(), DatabaseError::Kind::disk_full);
    }
    EXPECT_FALSE(database->in_transaction());
    EXPECT_EQ(database->query("SELECT count(*) FROM t")[0].integer(0), 0);
}

TEST_F(SqliteDatabaseTest, AWriterThatWaitsTooLongIsToldToTryAgain) {
    const fs::path file = make_database();
    auto first = open(file);
    auto second = open(file);
    first->begin();
    try {
        second->begin();
        FAIL() << "two writers at once";
    } catch (const DatabaseError& error) {
        EXPECT_EQ(error.kind(), DatabaseError::Kind::retryable);
    }
    EXPECT_FALSE(second->in_transaction());
    first->rollback();
    second->begin();
    second->rollback();
}

TEST_F(SqliteDatabaseTest, AStatementAsksWhichRowsAreWanted) {
    const auto database = open(make_database());
    database->execute("INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, 'three')");
    const auto named = [](const Row& row) { return row.integer(0) > 1 && !row.is_null(1); };
    EXPECT_EQ(database->execute_on_wanted("DELETE FROM t WHERE is_wanted(id, name)", {}, named), 1);
    EXPECT_EQ(database->query("SELECT group_concat(id) FROM t")[0].text(0), "1,2");
}

TEST_F(SqliteDatabaseTest, TheVersionSaysWhetherAnotherConnectionChangedTheFile) {
    for (const bool wal : {true, false}) {
        fs::remove_all(folder_ / "cluster.db");
        const fs::path file = make_database(wal);
        const auto ours = open(file), theirs = open(file);
        const auto version = ours->file_version();
        ASSERT_TRUE(version);
        {
            Transaction transaction(*ours);
            ours->execute("INSERT INTO t VALUES (1, 'ours')");
            EXPECT_EQ(ours->file_version(), version);
            transaction.commit();
        }
        {
            const Transaction rolled_back(*theirs);
            theirs->execute("INSERT INTO t VALUES (2, 'theirs')");
        }
        EXPECT_EQ(ours->file_version(), version);
        theirs->execute("INSERT INTO t VALUES (3, 'theirs')");
        Transaction transaction(*ours);
        const auto changed = ours->file_version();
        EXPECT_NE(changed, version);
        ours->execute("INSERT INTO t VALUES (4, 'ours')");
        EXPECT_EQ(ours->file_version(), changed);
        transaction.commit();
        EXPECT_EQ(ours->file_version(), changed);
        EXPECT_NE(theirs->file_version(), changed);
        ours->reconnect();
        EXPECT_NE(ours->file_version(), changed);
        EXPECT_NE(ours->file_version(), version);
    }
}

TEST_F(SqliteDatabaseTest, WhatTheQuestionThrowsEndsTheStatement) {
    const auto database = open(make_database());
    database->execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    Transaction transaction(*database);
    const auto upset = [](const Row& row) {
        if (row.integer(0) == 2) throw std::runtime_error("no such luck");
        return true;
    };
    try {
        database->execute_on_wanted("DELETE FROM t WHERE is_wanted(id)", {}, upset);
        FAIL();
    } catch (const DatabaseError& error) {
        EXPECT_THAT(error.what(), HasSubstr("no such luck"));
    }
    EXPECT_THROW(transaction.commit(), DatabaseError);
    transaction.rollback();
    EXPECT_EQ(database->query("SELECT count(*) FROM t")[0].text(0), "2");
    EXPECT_THROW(database->execute("DELETE FROM t WHERE is_wanted(id)"), DatabaseError);
}

}  // namespace
}  // namespace dsfailover
