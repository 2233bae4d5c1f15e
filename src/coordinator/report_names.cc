#include "coordinator/report_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

// Asked for in the order of the rows.
void add_workflow_names(const RunContext& context, std::vector<WorkflowItem*> items) try {
    std::sort(items.begin(), items.end(),
              [](const WorkflowItem* a, const WorkflowItem* b) { return a->id < b->id; });
    std::vector<std::int64_t> ids;
    for (const WorkflowItem* item : items) ids.push_back(item->id);
    auto names = WorkflowInstanceStore(context.store()).names(ids);
    for (std::size_t i = 0; i < items.size(); ++i) items[i]->name = std::move(names[i]);
} catch (const std::exception& error) {
    spdlog::warn("the report has no names: {}", error.what());
}

std::string some_ids(std::span<const std::int64_t> ids) {
    constexpr std::size_t kShown = 10;
    const auto shown = ids.first(std::min(ids.size(), kShown));
    return fmt::format("{}{}", fmt::join(shown, ", "), shown.size() < ids.size() ? ", ..." : "");
}

}  // namespace dsfailover
