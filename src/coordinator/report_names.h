#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/run_context.h"
#include "database/batches.h"

namespace dsfailover {

/// The names of workflow instances, in the order of `ids`, which is best that of the rows. They are
/// for the report alone, which is true without them: never throws.
std::vector<std::optional<std::string>> workflow_names(const RunContext& context,
                                                       std::span<const std::int64_t> ids);

/// Fills in the names of these items of the report. Never throws.
template <typename Item>
void add_workflow_names(const RunContext& context, std::vector<Item*> items) {
    std::sort(items.begin(), items.end(),
              [](const Item* a, const Item* b) { return a->id < b->id; });
    // Of a hundred masters there may be a hundred thousand.
    for_batches<Item*>(items, kIdsPerQuery, [&](std::span<Item* const> batch) {
        std::vector<std::int64_t> ids;
        for (const Item* item : batch) ids.push_back(item->id);
        auto names = workflow_names(context, ids);
        for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->name = std::move(names[i]);
    });
}

/// "16, 17, 18, ...": the first ten of `ids`, for a message.
std::string some_ids(std::span<const std::int64_t> ids);
/// "workflow instance 16", "workflow instances 16, 17".
std::string workflow_instances(std::span<const std::int64_t> ids);
/// Says that there is no such workflow instance: exit 3.
void fail_unknown(const RunContext& context, std::int64_t id);

}  // namespace dsfailover
