#include "database/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "database/sql_dialect.h"

namespace dsfailover {

void FoundTables::add(const std::string& table, FoundColumn column) {
    tables_[table].push_back(std::move(column));
}

const FoundColumn* FoundTables::find(std::string_view table, std::string_view column) const {
    const auto found = tables_.find(table);
    if (found == tables_.end()) return nullptr;
    const auto& columns = found->second;
    const auto it = std::find_if(columns.begin(), columns.end(),
                                 [&](const FoundColumn& c) { return c.name == column; });
    return it == columns.end() ? nullptr : &*it;
}

std::vector<std::string> FoundTables::column_names(std::string_view table) const {
    std::vector<std::string> names;
    for (const FoundColumn& column : tables_.find(table)->second) names.push_back(column.name);
    return names;
}

std::vector<std::string> FoundTables::names() const {
    std::vector<std::string> names;
    for (const auto& [name, columns] : tables_) names.push_back(name);
    return names;
}

FoundTables find_tables(Database& database, std::span<const NeededTable> needed,
                        std::span<const std::string_view> others) {
    std::vector<std::string> names(others.begin(), others.end());
    for (const NeededTable& table : needed) names.emplace_back(table.name);
    std::vector<Value> parameters;
    const std::string sql = database.dialect().columns_query(names, parameters);
    const Rows rows = database.query(sql, parameters);
    FoundTables found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        found.add(std::string(rows[i].text(0)),
                  {std::string(rows[i].text(1)), rows[i].optional_integer(2)});
    }
    return found;
}

std::string describe_missing(const FoundTables& found, std::span<const NeededTable> needed) {
    std::vector<std::string> missing;
    for (const NeededTable& table : needed) {
        if (!found.has(table.name)) {
            missing.push_back(fmt::format("table {}", table.name));
            continue;
        }
        for (const std::string_view column : table.columns) {
            if (found.find(table.name, column) == nullptr) {
                missing.push_back(fmt::format("column {}.{}", table.name, column));
            }
        }
    }
    return missing.empty() ? "" : fmt::format("missing {}", fmt::join(missing, ", "));
}

std::string describe_found(const FoundTables& found, std::string_view whose) {
    if (found.empty())
        return fmt::format("found no table of {} at all, so it is not the right database or schema",
                           whose);
    return fmt::format("found {}", fmt::join(found.names(), ", "));
}

void refuse_tables(const Database& database, std::string_view problem, std::string_view found,
                   std::string_view supported) {
    throw EnvironmentError(fmt::format("{}: the tables are not ones this program knows: {}; {}. {}",
                                       database.endpoint(), problem, found, supported));
}

}  // namespace dsfailover
