#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "coordinator/failover/selection.h"
#include "coordinator/run_context.h"
#include "coordinator/status/checks.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// A workflow that has an end to come, or waits for another run (states 0, 1, 2, 4, 14, 18).
struct SeenWorkflow {
    std::int64_t id = 0;
    int state = 0;
    const std::string* host = nullptr;  ///< an address; none: it has none that is one
    std::optional<EpochMs> since;       ///< its start, or its last task activity where known
    std::optional<EpochMs> last_task_activity;
    bool doubtful = false;  ///< another master than its host may hold it
    bool command_waits = false;
    bool recovered = false;  ///< in state 4: it was handed to another master since it was stopped
    // Of its tasks, as the activity:
    bool at_work = false;  ///< one is dispatched or running
    bool blocked = false;  ///< one waits that nothing will start
};

/// The one pass over t_ds_workflow_instance: what global would do, host by host, and which
/// workflows there are that others look into further.
class UnfinishedWorkflows {
  public:
    /// All must outlive this. `with_command`: the workflows that have one.
    UnfinishedWorkflows(const RunContext& context, const Servers& servers,
                        const std::unordered_set<std::int64_t>& with_command, StatusSection& status,
                        StatusFindings& found);

    /// Reads and judges them all. Commands were looked at by `watch`. What cannot be right of a
    /// row's times becomes an error of the report; nothing is judged then. Throws DatabaseError,
    /// RegistryError, EnvironmentError naming a row that cannot be read, and Interrupted.
    void read(CommandWatch& watch);

    /// In ascending order of id.
    std::vector<SeenWorkflow>& seen() { return seen_; }
    SeenWorkflow* find(std::int64_t id);
    /// Ids of those in state 1, 2, 4 or 18.
    std::vector<std::int64_t> at_masters() const;
    /// Whether an address is the host of one of them.
    bool is_host(const std::string& address) const { return hosts_.contains(address); }
    /// Those that a failover would start again.
    const std::vector<std::int64_t>& restartable() const { return restartable_; }

  private:
    void note(const WorkflowInstance& instance);
    void note_skipped(const std::string& address, const SkippedWorkflow& skipped);
    void note_address(const std::string& address, AddressSelection& address_selection);
    void conclude(Selection& selection);

    const RunContext& context_;
    const Servers& servers_;
    const std::unordered_set<std::int64_t>& with_command_;
    StatusSection& status_;
    StatusFindings& found_;
    EpochMs clock_ = 0;            // the latest, when they were read
    std::set<std::string> hosts_;  // what SeenWorkflow::host points to
    std::vector<SeenWorkflow> seen_;
    std::unordered_map<std::int64_t, std::size_t> index_;  // into seen_
    std::vector<std::int64_t> restartable_;
    std::unordered_set<std::int64_t> doubtful_, recovered_;
};

}  // namespace dsfailover
