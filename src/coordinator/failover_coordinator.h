#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "coordinator/events.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "report/report.h"

namespace dsfailover {

/// FailoverCoordinator of DolphinScheduler, with its operations under their names, and without its
/// faults (docs/behaviour.md says what differs and why).
///
/// Every operation fills `report` as it goes, so that the report is true at whatever point an
/// exception leaves the operation. Refusals, lock time-outs and conditions that need a person are
/// put into the report (outcome, exit code, errors) and do not throw; what throws is Error (its
/// exit code and message still have to be put into the report by the caller) and Interrupted.
class FailoverCoordinator {
  public:
    FailoverCoordinator(OpenCluster cluster, Report& report);
    ~FailoverCoordinator();

    void global_master_failover(const GlobalMasterFailoverEvent& event,
                                const FailoverOptions& options);
    void failover_master(const MasterFailoverEvent& event, const FailoverOptions& options);
    void failover_worker(const WorkerFailoverEvent& event, const FailoverOptions& options);
    /// Fails over the workflow instances `ids` alone (each once, however often it is named), by the
    /// rules, locks and stamps of their hosts, and writes no mark. Those without a host get a
    /// living master as host.
    void failover_workflows(const std::vector<std::int64_t>& ids, const FailoverOptions& options);
    /// Deletes marks older than options.older_than; every mark by itself.
    void clean_history_failover_finished_marks(const MarksOptions& options);
    /// Lists marks, oldest first.
    void list_failover_finished_marks(const MarksOptions& options);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace dsfailover
