#pragma once

#include <optional>
#include <string>

#include "coordinator/events.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover_options.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/run_context.h"
#include "coordinator/worker/announced_tasks.h"
#include "coordinator/worker/owner_failover.h"
#include "coordinator/worker/worker_tasks.h"

namespace dsfailover {

/// do_worker_failover of DolphinScheduler, for a worker that is gone or was restarted: finds its
/// tasks, and gets each dispatched anew by the way that its workflow allows (docs/behaviour.md,
/// "failover-worker").
///
/// Fills report.worker, and report.masters for masters failed over on the way. Throws Error and
/// Interrupted as MasterFailover does.
class TaskFailover {
  public:
    /// `look`: the first look, when the worker was seen to be gone, or restarted.
    TaskFailover(const RunContext& context, const FailoverOptions& options, FirstLook look,
                 WorkerFailoverEvent event);

    void run();

  private:
    void work();
    void look_at_commands();
    bool stays_away();
    std::string way_on_without_announcement();
    void advise();
    bool has_returned();
    bool all_dealt_with() const;
    std::optional<MarkToWrite> mark_wanted();
    void write_worker_mark();
    void plan_worker_mark();
    void finish();

    const RunContext& context_;
    const FailoverOptions& options_;
    FirstLook look_;
    WorkerFailoverEvent event_;
    WorkerSection& section_;
    const bool restarted_;
    EpochMs deadline_ = 0;
    WorkerTasks tasks_;
    OwnerFailover owners_;
    AnnouncedTasks announced_;
};

}  // namespace dsfailover
