#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/failover/first_look.h"
#include "coordinator/failover/selection.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "store/task_instance_store.h"

namespace dsfailover {

/// A task of a dead worker: the way by which it comes to run again, and how far that is.
/// There may be a hundred thousand, so that each holds little.
struct TaskAtWorker {
    std::int64_t id = 0;
    std::int64_t workflow_id = 0;
    const std::optional<std::string>* owner = nullptr;  ///< the host of its workflow
    std::string_view reason;                            ///< a literal
    int state = 0;
    bool in_failover = false;  ///< its workflow is
    std::optional<TaskRoute> route;
    std::optional<TaskOutcome> outcome;
};

/// The unfinished tasks of a worker that is gone, or of the old process of one that was restarted.
class WorkerTasks {
  public:
    /// All must outlive this. `restarted`: another process lives at the worker's address.
    WorkerTasks(const RunContext& context, const FailoverOptions& options, const FirstLook& look,
                bool restarted);

    /// Reads those of `worker` that were submitted before `deadline` (epoch ms).
    void find(const std::string& worker, EpochMs deadline);
    /// Chooses a route for each, by what its workflow allows: that is judged at `event_time` (epoch
    /// ms), which may be `given`. What has to wait for a command goes into the report.
    void choose_routes(EpochMs event_time, bool given);

    std::vector<TaskAtWorker>& all() { return tasks_; }
    const std::vector<TaskAtWorker>& all() const { return tasks_; }
    std::vector<TaskAtWorker*> on_route(TaskRoute route);
    /// The row of one on the route redispatched, as it was read.
    const TaskInstance& row(std::int64_t id) const { return rows_.at(id); }
    /// The hosts of the workflows of those on a route.
    std::set<std::string> owners(TaskRoute route);
    /// The workflows of `host` whose tasks are on the routes of its failover.
    std::set<std::int64_t> of_owner(const std::string& host);
    /// Whether those of `host`, which lives, are judged as global judges them, since not every
    /// master answered.
    bool by_start(const std::string& host) const { return by_start_.contains(host); }
    /// Why a workflow cannot be failed over although its host is gone; none: it can.
    std::optional<SkipReason> doubt(std::int64_t workflow) const;
    bool any_doubt() const { return !doubts_.empty(); }
    /// Marks the tasks on a route as left; returns how many.
    std::size_t leave(TaskRoute route, std::string_view reason = "");

    /// Puts routes and items into the report's section. A task whose route was not chosen yet is
    /// left out.
    void list(WorkerSection& section) const;

  private:
    using Unreadable = std::pair<std::int64_t, EnvironmentError>;  // of a task, by its workflow
    void keep_those_of_workflows_not_ended(std::span<const Unreadable> unreadable);
    void judge_workflows(EpochMs event_time, bool given);
    void judge(const SelectionRequest& request);
    void note_skipped(const SkippedWorkflow& skipped);
    bool redispatches() const { return options_.redispatch && !restarted_; }
    void route_by_owner(TaskAtWorker& task);
    void route_by_command();

    const RunContext& context_;
    const FailoverOptions& options_;
    const FirstLook& look_;
    const bool restarted_;
    std::vector<TaskAtWorker> tasks_;
    std::set<std::optional<std::string>> owners_;
    std::vector<std::string> names_;  // of the first tasks, so many as can be listed
    std::unordered_map<std::int64_t, TaskInstance> rows_;  // where tasks may be redispatched
    std::map<std::int64_t, SkipReason> doubts_;            // by workflow instance
    // Of living hosts, and held by no master, or of the time before its start: to be failed over;
    // of hosts that are gone: held by no master, and in doubt all the same, for another reason.
    std::set<std::int64_t> unheld_;
    std::set<std::int64_t> held_;  // of living hosts, by a living master
    std::set<std::string>
        unanswered_;  // living hosts of which not every master said who holds what
    std::set<std::string> by_start_;
    std::set<std::int64_t> commanded_;  // workflows whose command waits, in whatever state they are
};

}  // namespace dsfailover
