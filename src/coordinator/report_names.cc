#include "coordinator/report_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

std::vector<std::optional<std::string>> workflow_names(const RunContext& context,
                                                       std::span<const std::int64_t> ids) try {
    return WorkflowInstanceStore(context.store()).names(ids);
} catch (const std::exception& error) {
    log_warn("the report has no names: {}", error.what());
    return std::vector<std::optional<std::string>>(ids.size());
}

std::string some_ids(std::span<const std::int64_t> ids) {
    constexpr std::size_t kShown = 10;
    const auto shown = ids.first(std::min(ids.size(), kShown));
    return fmt::format("{}{}", fmt::join(shown, ", "), shown.size() < ids.size() ? ", ..." : "");
}

std::string workflow_instances(std::span<const std::int64_t> ids) {
    return fmt::format("workflow instance{} {}", ids.size() == 1 ? "" : "s", some_ids(ids));
}

void fail_unknown(const RunContext& context, std::int64_t id) {
    context.fail(ExitCode::needs_person, fmt::format("There is no workflow instance {} in {}.", id,
                                                     context.database.endpoint()));
}

}  // namespace dsfailover
