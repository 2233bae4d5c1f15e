#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "database/postgresql/array_literal.h"
#include "database/sql_dialect.h"

namespace dsfailover {

class PostgresqlDialect final : public SqlDialect {
  public:
    CompareAndSet compare_and_set() const override { return CompareAndSet::update_returning; }

    std::string typed_placeholder(std::string_view type) const override {
        return fmt::format("CAST(? AS {})", type);
    }

    // A plain INSERT that meets a duplicate would end the transaction.
    std::string insert_if_absent(std::string_view row) const override {
        return fmt::format("INSERT INTO {} ON CONFLICT DO NOTHING", row);
    }
    bool has_returning() const override { return true; }

    std::string keep(std::string_view) const override { return ""; }

    std::string row_version(std::string_view table) const override {
        return fmt::format("CAST({}.xmin AS text)", table);
    }
    std::string_view written_by_others() const override {
        return "xmin IS DISTINCT FROM "
               "(SELECT CAST(CAST(txid_current_if_assigned() % 4294967296 AS text) AS xid))";
    }

    std::string has_right(std::string_view table, std::string_view right) const override {
        return fmt::format("has_table_privilege('{}', '{}')", table, right);
    }

    bool folds_case() const override { return false; }
    std::string byte_for_byte(std::string_view column) const override {
        return std::string(column);
    }

    std::int64_t time_precision_us() const override { return 1; }

    // to_regclass looks where an unqualified name in a statement would be looked for. A timestamp
    // without a precision of its own has all six digits. The names are this program's own, and
    // what has no parameters takes one round trip.
    std::string columns_query(std::span<const std::string> tables,
                              std::vector<Value>&) const override {
        return fmt::format(
            "SELECT t.name, a.attname, CASE WHEN a.atttypid = 'timestamp'::regtype THEN "
            "CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END END "
            "FROM unnest(ARRAY['{}']) AS t (name) "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = to_regclass(t.name) "
            "WHERE a.attnum > 0 AND NOT a.attisdropped",
            fmt::join(tables, "', '"));
    }

    std::string table_of(std::span<const std::string> texts,
                         std::vector<Value>& parameters) const override {
        ArrayLiteral array(texts.size(), texts.empty() ? 0 : texts.front().size() * 5 / 4);
        for (const std::string& text : texts) array.add(&text);
        parameters.emplace_back(array.take());
        return "unnest(CAST(? AS text[])) AS t (value)";
    }

  protected:
    // One array parameter.
    std::string in_ids(std::string_view column, std::span<const std::int64_t> ids,
                       std::vector<Value>& parameters) const override {
        parameters.emplace_back(fmt::format("{{{}}}", fmt::join(ids, ",")));
        return fmt::format("{} = ANY (?::bigint[])", column);
    }
};

}  // namespace dsfailover
