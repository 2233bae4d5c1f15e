#include "coordinator/asking/control_workflows.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "coordinator/clock_check.h"
#include "store/command_type.h"
#include "store/task_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::size_t kPerMaster = 5;
// Of so many the most active may be chosen; the newest are the likeliest to run.
constexpr std::size_t kCandidates = 100;
constexpr Millis kActiveWithin = std::chrono::minutes(10);

// Recovering and resuming need not change the host.
bool may_have_moved(const WorkflowInstance& instance) {
    using namespace command_type;
    const auto& type = instance.command_type;
    return !type || *type == kRecoverToleranceFault || *type == kRecoverSuspended ||
           *type == kStartFailureTask;
}

}  // namespace

void ControlWorkflows::note(const WorkflowInstance& instance) {
    if (!instance.host || instance.state == workflow_state::kSubmitted || may_have_moved(instance))
        return;
    const Server* master = servers_.master(*instance.host);
    if (!master || !master->startup_time) return;
    const auto& start = instance.start_time;
    if (!start || start->instants.earliest_us <= *master->startup_time * 1000) return;
    auto& ids = newest_[*instance.host];
    ids.push_back(instance.id);
    if (ids.size() < 2 * kCandidates) return;
    std::sort(ids.begin(), ids.end(), std::greater<>());
    ids.resize(kCandidates);
}

Controls ControlWorkflows::choose(const RunContext& context, EpochMs clock) const {
    Controls chosen;
    TaskInstanceStore tasks(context.store());
    for (const auto& [address, ids] : newest_) {
        auto active = tasks.active_since(ids, clock - kActiveWithin.count());
        if (active.empty()) continue;
        std::sort(active.begin(), active.end(), std::greater<>());
        active.erase(std::unique(active.begin(), active.end()), active.end());
        active.resize(std::min(active.size(), kPerMaster));
        chosen.emplace(address, std::move(active));
    }
    return chosen;
}

Controls choose_controls(const RunContext& context, const Servers& servers) {
    std::vector<std::string> masters;
    for (const Server& master : servers.masters) masters.push_back(master.address);
    if (masters.empty()) return {};
    ControlWorkflows controls(servers);
    WorkflowInstanceStore(context.store())
        .scan_unfinished(masters,
                         [&](const WorkflowInstance& instance) { controls.note(instance); });
    return controls.choose(context, latest_clock(context.database));
}

}  // namespace dsfailover
