#include "coordinator/status/standing_workflows.h"

#include <unordered_map>
#include <unordered_set>

#include "coordinator/clock_check.h"
#include "store/definition_runs.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

template <typename Condition>
std::vector<std::int64_t> ids_where(UnfinishedWorkflows& workflows, const Condition& condition) {
    std::vector<std::int64_t> ids;
    for (const SeenWorkflow& seen : workflows.seen())
        if (condition(seen)) ids.push_back(seen.id);
    return ids;
}

/// When the last run of the definition of each of these ended, by workflow instance.
std::unordered_map<std::int64_t, EpochMs> last_end_beside(
    const RunContext& context, const std::unordered_map<std::int64_t, std::int64_t>& definitions) {
    std::unordered_set<std::int64_t> codes;
    for (const auto& [id, code] : definitions) codes.insert(code);
    const std::vector<std::int64_t> each(codes.begin(), codes.end());
    const auto ends = last_ends(context.store(), each);
    std::unordered_map<std::int64_t, EpochMs> result;
    for (const auto& [id, code] : definitions)
        if (const auto end = ends.find(code); end != ends.end()) result.emplace(id, end->second);
    return result;
}

}  // namespace

void find_idle(const RunContext& context, const StatusOptions& options, const Servers& servers,
               UnfinishedWorkflows& workflows, StatusSection& status, StatusFindings& found) {
    const EpochMs before = latest_clock(context.database) - options.idle.count();
    const auto ids = ids_where(workflows, [&](const SeenWorkflow& seen) {
        return is_unfinished(seen.state) && seen.host && seen.since && *seen.since < before &&
               servers.master(*seen.host);
    });
    if (ids.empty()) return;
    const auto ends = last_end_beside(context, definitions_of(context.store(), ids));
    for (const std::int64_t id : ids) {
        const SeenWorkflow& seen = *workflows.find(id);
        const auto end = ends.find(id);
        IdleWorkflow idle{id, std::nullopt, *seen.host, seen.since, false, seen.blocked};
        idle.overtaken = end != ends.end() && end->second > *seen.since;
        if (idle.overtaken || idle.blocked) ++found.idle_for_good;
        status.idle.add(std::move(idle));
    }
}

// A run that waits is started by the end of another one. Who ended just now may be about to do so.
void find_serial_waits(const RunContext& context, const StatusOptions& options,
                       UnfinishedWorkflows& workflows, StatusSection& status) {
    const EpochMs since = latest_clock(context.database) - options.unclaimed_after.count();
    const auto ids = ids_where(workflows, [&](const SeenWorkflow& seen) {
        return seen.state == workflow_state::kSerialWait && !seen.command_waits && seen.since &&
               *seen.since < since;
    });
    if (ids.empty()) return;
    auto waiting = definitions_of(context.store(), ids);
    const auto to_end =
        ids_where(workflows, [](const SeenWorkflow& seen) { return has_not_ended(seen.state); });
    std::unordered_set<std::int64_t> running;
    for (const auto& [id, code] : definitions_of(context.store(), to_end)) running.insert(code);
    std::erase_if(waiting, [&](const auto& entry) { return running.contains(entry.second); });
    const auto ends = last_end_beside(context, waiting);
    for (const std::int64_t id : ids) {
        const auto end = ends.find(id);
        const bool just_ended = end != ends.end() && end->second >= since;
        if (waiting.contains(id) && !just_ended) status.serial_wait.never.push_back(id);
    }
}

}  // namespace dsfailover
