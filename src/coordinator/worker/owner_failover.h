#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/events.h"
#include "coordinator/failover/master_failover.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "coordinator/worker/worker_tasks.h"

namespace dsfailover {

/// "The worker HOST:PORT is registered (startup time ...).", the beginning of why it is left alone.
std::string came_back(const Server& worker);

/// Fails over the masters whose workflows the tasks of a dead worker belong to, where they are gone
/// too; with --redispatch their tasks are dispatched anew in the same transactions.
class OwnerFailover {
  public:
    /// All must outlive this.
    OwnerFailover(const RunContext& context, const FailoverOptions& options, const FirstLook& look,
                  const WorkerFailoverEvent& event, WorkerTasks& tasks);

    /// Fails them over, and notes with each task what became of it. `event_time`: the run's, epoch
    /// ms. Throws as MasterFailover::run() does.
    void run(EpochMs event_time);
    /// With --wait: as MasterFailover::wait_for_recovery().
    void wait_for_recovery(EpochMs until);
    /// After run(): whether any of the workflows selected is left.
    bool any_left() const { return masters_ && masters_->any_left(); }

  private:
    void redispatch(std::span<const FailedOver> workflows);
    void note_failed_over(std::int64_t workflow);

    const RunContext& context_;
    const FailoverOptions& options_;
    const FirstLook& look_;
    const WorkerFailoverEvent& event_;
    WorkerTasks& tasks_;
    std::optional<MasterFailover> masters_;
    std::unordered_map<std::int64_t, std::vector<TaskAtWorker*>> by_workflow_;
    std::set<std::int64_t> redispatched_;  // by the latest try of each transaction
};

}  // namespace dsfailover
