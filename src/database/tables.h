#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"

namespace dsfailover {

/// A table with those of its columns that are needed.
struct NeededTable {
    std::string_view name;
    std::vector<std::string_view> columns;
};

struct FoundColumn {
    std::string name;
    std::optional<std::int64_t> fraction_digits;  ///< of a time column
};

/// Tables that there are, of those that were looked for, with all their columns.
class FoundTables {
  public:
    void add(const std::string& table, FoundColumn column);
    bool has(std::string_view table) const { return tables_.contains(table); }
    bool empty() const { return tables_.empty(); }
    /// nullptr: there is no such table, or it has no such column.
    const FoundColumn* find(std::string_view table, std::string_view column) const;
    /// Of a table that there is.
    std::vector<std::string> column_names(std::string_view table) const;
    /// In ascending order.
    std::vector<std::string> names() const;

  private:
    std::map<std::string, std::vector<FoundColumn>, std::less<>> tables_;
};

/// Looks for the tables of `needed` and `others`. Reads only; one query. On PostgreSQL the tables
/// are those the search path finds. Throws DatabaseError.
FoundTables find_tables(Database& database, std::span<const NeededTable> needed,
                        std::span<const std::string_view> others = {});

/// "missing table A, column B.C", for what is needed and was not found; empty: all was. A table
/// that is missing is named without its columns.
std::string describe_missing(const FoundTables& found, std::span<const NeededTable> needed);

/// "found A, B", or that there is none of `whose`, the program they belong to.
std::string describe_found(const FoundTables& found, std::string_view whose);

/// Throws the EnvironmentError that says which tables are not good: `problem` with them, what was
/// `found`, and a sentence about what is `supported`.
[[noreturn]] void refuse_tables(const Database& database, std::string_view problem,
                                std::string_view found, std::string_view supported);

}  // namespace dsfailover
