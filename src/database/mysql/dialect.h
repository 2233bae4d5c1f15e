#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "database/sql_dialect.h"

namespace dsfailover {

/// Of MySQL and MariaDB both: what only one of them knows is not used.
class MysqlDialect final : public SqlDialect {
  public:
    CompareAndSet compare_and_set() const override { return CompareAndSet::locked_compare; }

    std::string typed_placeholder(std::string_view) const override { return "?"; }

    std::string insert_if_absent(std::string_view row) const override {
        return fmt::format("INSERT IGNORE INTO {}", row);
    }
    bool has_returning() const override { return false; }

    // ON UPDATE CURRENT_TIMESTAMP.
    std::string keep(std::string_view column) const override {
        return fmt::format(", {0} = {0}", column);
    }

    std::string row_version(std::string_view) const override { return ""; }
    std::string_view written_by_others() const override { return ""; }

    // Its collations take 'A' for 'a'.
    std::string has_right(std::string_view, std::string_view) const override { return ""; }

    bool folds_case() const override { return true; }
    std::string byte_for_byte(std::string_view column) const override {
        return fmt::format("CAST({} AS BINARY)", column);
    }

    // It rounds to that.
    std::int64_t time_precision_us() const override { return 1'000'000; }

    std::string columns_query(std::span<const std::string> tables,
                              std::vector<Value>& parameters) const override {
        return fmt::format(
            "SELECT table_name, column_name, datetime_precision FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND {} ORDER BY table_name, ordinal_position",
            dsfailover::in_list("table_name", tables, parameters));
    }

  protected:
    // The numbers themselves: it takes neither an array nor a list in JSON, and allows 65,535
    // placeholders only.
    std::string in_ids(std::string_view column, std::span<const std::int64_t> ids,
                       std::vector<Value>&) const override {
        return fmt::format("{} IN ({})", column, fmt::join(ids, ","));
    }
};

}  // namespace dsfailover
