#include "store/read_by_ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "database/batches.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

constexpr std::uint64_t kCloseTogether = 2;  // ids of a range for each that is looked for

std::string condition_for(const SqlDialect& dialect, std::string_view column,
                          std::span<const std::int64_t> ids, std::vector<Value>& parameters) {
    const std::int64_t first = ids.front(), last = ids.back();
    // Of ids that somebody gave the difference may not fit.
    const std::uint64_t distance =
        static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
    if (distance >= kCloseTogether * ids.size()) return dialect.in_list(column, ids, parameters);
    parameters = {first, last};
    const std::string bound = dialect.typed_placeholder("bigint");
    return fmt::format("{} BETWEEN {} AND {}", column, bound, bound);
}

}  // namespace

void read_by_ids(const StoreContext& context, std::span<const std::int64_t> ids,
                 std::string_view column, std::size_t cell, std::string_view select,
                 std::string_view rest, const std::function<void(const Row&)>& row) {
    std::vector<std::int64_t> sorted(ids.begin(), ids.end());
    std::sort(sorted.begin(), sorted.end());
    for_batches<std::int64_t>(sorted, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        std::vector<Value> parameters;
        const std::string condition =
            condition_for(context.database.dialect(), column, batch, parameters);
        const Rows rows = context.database.query(
            fmt::format("{} WHERE {} {}", select, condition, rest), parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const Row found = rows[i];
            if (std::binary_search(batch.begin(), batch.end(), found.integer(cell))) row(found);
        }
    });
}

std::vector<std::optional<std::string>> read_names(const StoreContext& context,
                                                   std::string_view table,
                                                   std::span<const std::int64_t> ids) {
    std::unordered_map<std::int64_t, std::optional<std::string>> known;
    read_by_ids(context, ids, "id", 0, fmt::format("SELECT id, name FROM {}", table), "",
                [&](const Row& row) { known.emplace(row.integer(0), row.optional_text(1)); });
    std::vector<std::optional<std::string>> names;
    names.reserve(ids.size());
    for (const std::int64_t id : ids) {
        const auto found = known.find(id);
        names.push_back(found == known.end() ? std::nullopt : found->second);
    }
    return names;
}

}  // namespace dsfailover
