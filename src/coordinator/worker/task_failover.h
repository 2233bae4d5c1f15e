#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/events.h"
#include "coordinator/failover/master_failover.h"
#include "coordinator/failover_options.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/run_context.h"
#include "coordinator/worker/worker_announcement.h"
#include "store/task_instance_store.h"

namespace dsfailover {

/// do_worker_failover of the reference, for a worker that is gone or was restarted: finds its
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
    struct Task {
        WorkerTask row;
        std::optional<TaskRoute> route;
        std::optional<TaskOutcome> outcome;
        std::string reason;
    };

    void work();
    bool stays_away();
    void find_tasks();
    void choose_routes(EpochMs event_time);
    void route_by_command();
    std::unique_ptr<MasterFailover> fail_masters_over(EpochMs event_time);
    void redispatch(std::span<const FailedOver> workflows);
    void note_failed_over(std::int64_t workflow);
    void leave_unannounced();
    std::optional<AnnouncementResult> announce(EpochMs event_time);
    void refuse_announcement(const AnnouncementResult& result);
    void look_for_acknowledgement(const AnnouncementResult& announcement);
    void forget_moved(std::vector<Task*>& open);
    void follow_announced(const AnnouncementResult& announcement, EpochMs until);
    void report_unconfirmed(std::span<Task* const> open);
    std::string way_on_without_announcement();
    void advise();
    bool has_returned();
    bool all_dealt_with() const;
    std::optional<MarkToWrite> mark_wanted();
    void write_worker_mark();
    void plan_worker_mark();
    void fill_items();
    std::vector<Task*> on_route(TaskRoute route);
    std::set<std::string> owners(TaskRoute route);

    const RunContext& context_;
    const FailoverOptions& options_;
    FirstLook look_;
    WorkerFailoverEvent event_;
    WorkerSection& section_;
    bool restarted_ = false;
    bool returned_ = false;  ///< it was gone, and is registered again
    std::vector<Task> tasks_;
    std::map<std::int64_t, SkipReason>
        doubts_;  ///< workflow instance -> in_doubt, running_elsewhere, done_before
    std::unordered_map<std::int64_t, std::vector<Task*>>
        failed_over_tasks_;  ///< by workflow instance, on the routes that fail it over
    std::set<std::int64_t> redispatched_tasks_;  ///< by the latest try of each transaction
};

}  // namespace dsfailover
