#pragma once

#include <optional>
#include <span>
#include <vector>

#include "coordinator/events.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "coordinator/worker/worker_announcement.h"
#include "coordinator/worker/worker_tasks.h"

namespace dsfailover {

/// The tasks of workflows that masters may be running: those masters dispatch them anew once the
/// worker's departure is announced. What needs a person goes into the report.
class AnnouncedTasks {
  public:
    /// All must outlive this.
    AnnouncedTasks(const RunContext& context, const FailoverOptions& options,
                   const WorkerFailoverEvent& event, WorkerTasks& tasks, WorkerSection& section);

    /// With --no-announce: leaves them.
    void leave_unannounced();
    /// Announces the departure, if there are any and the options allow it; `event_time` (epoch ms)
    /// stands for the startup time of a process that was not named. Throws RegistryError, and
    /// Interrupted.
    void announce(EpochMs event_time);
    /// Until when (epoch ms) masters are given to act: --wait from now on, or what they need.
    EpochMs patience_ends() const;
    /// Waits until every announced task has moved on and a master acknowledged the announcement, or
    /// the time (epoch ms) is up. Where one of the two is seen the other follows soon, or never.
    /// Nothing if nothing was announced. Throws RegistryError, DatabaseError, and Interrupted.
    void follow(EpochMs until);

    /// Whether a master was seen to act on the announcement.
    bool is_acknowledged() const { return acknowledged_; }
    /// Whether the worker registered again before, or while, we announced.
    bool worker_returned() const { return worker_returned_; }

  private:
    void refuse(const AnnouncementResult& result);
    void look_for_acknowledgement();
    void forget_moved(std::vector<TaskAtWorker*>& open);
    void report_unconfirmed(std::span<TaskAtWorker* const> open);

    const RunContext& context_;
    const FailoverOptions& options_;
    const WorkerFailoverEvent& event_;
    WorkerTasks& tasks_;
    WorkerSection& section_;
    std::optional<AnnouncementResult> announcement_;
    bool acknowledged_ = false;
    bool worker_returned_ = false;
};

}  // namespace dsfailover
