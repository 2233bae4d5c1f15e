#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "database/sql_dialect.h"

namespace dsfailover {

class SqliteDialect final : public SqlDialect {
  public:
    CompareAndSet compare_and_set() const override { return CompareAndSet::whole_file; }

    std::string typed_placeholder(std::string_view) const override { return "?"; }

    std::string insert_if_absent(std::string_view row) const override {
        return fmt::format("INSERT INTO {} ON CONFLICT DO NOTHING", row);
    }
    bool has_returning() const override { return true; }

    std::string keep(std::string_view) const override { return ""; }

    std::string row_version(std::string_view) const override { return ""; }
    std::string_view written_by_others() const override { return ""; }

    std::string has_right(std::string_view, std::string_view) const override { return ""; }

    bool folds_case() const override { return false; }
    std::string byte_for_byte(std::string_view column) const override {
        return std::string(column);
    }

    // It keeps texts, which this program and the sandbox write with milliseconds.
    std::int64_t time_precision_us() const override { return 1000; }

    std::string columns_query(std::span<const std::string> tables,
                              std::vector<Value>& parameters) const override {
        parameters.emplace_back(fmt::format("[\"{}\"]", fmt::join(tables, "\",\"")));
        return "SELECT m.name, c.name, 3 FROM sqlite_master m, pragma_table_info(m.name) c "
               "WHERE m.type IN ('table', 'view') "
               "AND m.name IN (SELECT value FROM json_each(?)) ORDER BY m.name, c.cid";
    }

  protected:
    // One JSON parameter.
    std::string in_ids(std::string_view column, std::span<const std::int64_t> ids,
                       std::vector<Value>& parameters) const override {
        parameters.emplace_back(fmt::format("[{}]", fmt::join(ids, ",")));
        return fmt::format("{} IN (SELECT value FROM json_each(?))", column);
    }
};

}  // namespace dsfailover
