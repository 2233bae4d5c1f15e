#include "store/definition_runs.h"

#include <fmt/format.h>

#include <vector>

#include "store/read_by_ids.h"
#include "store/stored_row.h"
#include "store/workflow_state.h"

namespace dsfailover {

std::unordered_map<std::int64_t, std::int64_t> definitions_of(
    const StoreContext& context, std::span<const std::int64_t> workflow_ids) {
    std::unordered_map<std::int64_t, std::int64_t> codes;
    read_by_ids(context, workflow_ids, "id", 0,
                "SELECT id, workflow_definition_code FROM t_ds_workflow_instance",
                "AND workflow_definition_code IS NOT NULL", [&](const Row& row) {
                    const StoredRow stored(row, "t_ds_workflow_instance", context);
                    codes.emplace(stored.id(), stored.required(1, "workflow_definition_code"));
                });
    return codes;
}

std::unordered_map<std::int64_t, EpochMs> last_ends(const StoreContext& context,
                                                    std::span<const std::int64_t> codes) {
    using namespace workflow_state;
    std::unordered_map<std::int64_t, EpochMs> ends;
    read_by_ids(context, codes, "workflow_definition_code", 0,
                "SELECT workflow_definition_code, MAX(end_time) FROM t_ds_workflow_instance",
                fmt::format("AND state IN ({}, {}, {}) GROUP BY workflow_definition_code", kStopped,
                            kFailed, kSucceeded),
                [&](const Row& row) {
                    const StoredRow stored(
                        row, "the runs in t_ds_workflow_instance of a definition", context);
                    if (const auto end = stored.time(1, "end_time"))
                        ends.emplace(stored.id(), end->epoch_ms());
                });
    return ends;
}

}  // namespace dsfailover
