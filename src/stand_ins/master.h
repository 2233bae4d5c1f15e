#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "stand_ins/master_tables.h"
#include "stand_ins/task_executor.h"

namespace dsfailover {

/// A worker that lives, as a master knows it.
struct LivingWorker {
    std::string address;
    TaskExecutor* executor = nullptr;
};

/// What a master sees around it when it takes a step.
struct MasterView {
    EpochMs now = 0;
    /// Its own place among the masters that it counts, and how many these are: it takes the
    /// commands whose id falls to its place. None: it takes none (it is BUSY, say).
    std::int64_t place = 0, places = 0;
    std::span<const LivingWorker> workers;
};

/// A master of DolphinScheduler 3.3.0: it takes commands, holds workflows, and moves their tasks on
/// until they end. It knows the tables, and only the time it is told; registry and sockets are for
/// whoever drives it. What it does is a model, and simpler than a master in this:
///
/// - Tasks follow one another, in the order in which an earlier run of the same definition has
///   them; each runs for kTaskRuns and succeeds. A sub-workflow's task starts no workflow.
/// - It fails nobody over.
///
/// A second command for a workflow that it holds makes that hang for ever: what a failover must
/// never do shows here, too.
class StandInMaster {
  public:
    static constexpr Millis kTaskRuns{10000};
    /// Told in one line what happened: "took command 12: workflow 5 runs again".
    using Say = std::function<void(const std::string& what)>;

    /// Database and schema (of 3.3.0) must outlive it.
    StandInMaster(Database& database, const Schema& schema, std::string address, Say say);

    /// It has been running this workflow, which is in `state` (1, 2 or 4), before `now` (epoch ms).
    void hold(std::int64_t workflow_id, int state, EpochMs now);
    /// What it holds, with the state that it believes each to be in.
    const std::map<std::int64_t, int>& held() const { return held_; }

    /// Takes the commands that are its own, then moves what it holds on. Each in a transaction of
    /// its own; what that is about is held, or not any more, after the commit. Throws
    /// DatabaseError: what was not committed is done by the next step.
    void step(const MasterView& view);

  private:
    using Later = std::vector<std::function<void()>>;

    void take(const ReadCommand& command, const MasterView& view);
    std::string problem_of(const ReadCommand& command);
    int start_or_recover(const ReadCommand& command, const MasterView& view);
    void recover_task(const ReadCommand& command, const OpenTask& task, int state,
                      const MasterView& view);

    void move_on(std::int64_t workflow_id, int state, const MasterView& view);
    bool move_on(std::int64_t workflow_id, const OpenTask& task, int state, const MasterView& view,
                 Later& later);
    bool dispatch(std::int64_t workflow_id, const OpenTask& task, const MasterView& view,
                  Later& later);
    int final_state(std::int64_t workflow_id, int state);
    TaskExecutor* executor_at(const std::string& host, const MasterView& view);

    Database& database_;
    MasterTables tables_;
    const std::string address_;
    const Say say_;
    std::map<std::int64_t, int> held_;
    std::set<std::int64_t> hung_;  // of these
    TaskExecutor logic_tasks_;
};

}  // namespace dsfailover
