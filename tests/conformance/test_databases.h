#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "database/database.h"
#include "store/sqlite_schema.h"

namespace dsfailover {

/// The parts of `text` between `separator`s.
inline std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

/// Where the database of this kind is, from the environment: DSFAILOVER_TEST_SQLITE is a directory,
/// DSFAILOVER_TEST_POSTGRESQL and DSFAILOVER_TEST_MYSQL are "host:port:user:password:database".
/// None if the variable is not set; the test has failed then, unless
/// DSFAILOVER_TEST_ALLOW_MISSING=1 says that it is to be skipped.
inline std::optional<DatabaseSettings> test_database(DatabaseType type) {
    constexpr const char* kVariables[] = {"DSFAILOVER_TEST_SQLITE", "DSFAILOVER_TEST_POSTGRESQL",
                                          "DSFAILOVER_TEST_MYSQL"};
    const char* const variable = kVariables[static_cast<std::size_t>(type)];
    const char* const where = std::getenv(variable);
    if (where == nullptr) {
        const char* const may_miss = std::getenv("DSFAILOVER_TEST_ALLOW_MISSING");
        EXPECT_TRUE(may_miss != nullptr && std::string(may_miss) == "1")
            << variable << " is not set; tests/run_conformance.py starts the servers";
        return std::nullopt;
    }
    DatabaseSettings settings;
    settings.type = type;
    settings.lock_timeout = Millis(1000);
    if (type == DatabaseType::sqlite) {
        settings.file = std::string(where) + "/store_conformance.db";
        return settings;
    }
    const auto parts = split(where, ':');
    settings.hosts = {{parts.at(0), std::stoi(parts.at(1))}};
    settings.user = parts.at(2);
    settings.password = Secret(parts.at(3));
    settings.database = parts.at(4);
    return settings;
}

/// An empty place named `name` in the database that `settings` lead to: a file, schema or database
/// of its own. Returns the settings for it.
inline DatabaseSettings make_place(DatabaseSettings settings, const std::string& name) {
    if (settings.type == DatabaseType::sqlite) {
        settings.file = std::filesystem::path(settings.file).replace_filename(name + ".db");
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(settings.file + suffix);
        std::ofstream(settings.file).flush();
        open_database(settings)->query("PRAGMA journal_mode = WAL");
        return settings;
    }
    const auto administrator = open_database(settings);
    if (settings.type == DatabaseType::postgresql) {
        administrator->execute("DROP SCHEMA IF EXISTS " + name + " CASCADE");
        administrator->execute("CREATE SCHEMA " + name);
        settings.schema = name;
    } else {
        administrator->execute("DROP DATABASE IF EXISTS " + name);
        administrator->execute("CREATE DATABASE " + name);
        settings.database = name;
    }
    return settings;
}

/// The statements that make DolphinScheduler's tables of 3.3.0 in a database of this type.
inline std::vector<std::string> schema_statements(DatabaseType type) {
    if (type == DatabaseType::sqlite) return split(std::string(sqlite_schema()), ';');
    std::ifstream file(std::filesystem::path(DSFAILOVER_TEST_SOURCES) / "schema" /
                       (name_of(type) + ".sql"));
    EXPECT_TRUE(file) << "tests/schema/" << name_of(type) << ".sql cannot be read";
    return split(std::string(std::istreambuf_iterator<char>(file), {}), ';');
}

}  // namespace dsfailover
