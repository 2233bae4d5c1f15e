#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "stand_ins/failover.h"
#include "stand_ins/master_tables.h"
#include "stand_ins/master_view.h"
#include "stand_ins/registry.h"
#include "stand_ins/task_executor.h"

namespace dsfailover {

/// A master of DolphinScheduler, of 3.3.0 or later: it takes commands, holds workflows, moves their
/// tasks on until they end, and does its own failovers. It knows the tables, and only the time it
/// is told; registry, sockets, and who is counted among the masters are for whoever drives it, who
/// also ends it when it loses its session or finds its mark. What it does is a model, and simpler
/// than a master in this: tasks follow one another, in the order in which an earlier run of the
/// same definition has them; each runs for kTaskRuns and succeeds. A sub-workflow's task starts no
/// workflow; in a workflow that a person resumed it sends the child that it points to a command.
///
/// A second command for a workflow that it holds makes that hang for ever: what a failover must
/// never do shows here, too.
class StandInMaster {
  public:
    static constexpr Millis kTaskRuns{10000};
    /// Told in one line what happened: "took command 12: workflow 5 runs again".
    using Say = std::function<void(const std::string& what)>;

    /// Database, schema and registry must outlive it.
    StandInMaster(Database& database, const Schema& schema, StandInRegistry& registry,
                  std::string address, FailoverLocks locks, Say say);

    /// It has been running this workflow, which is in `state` (1, 2 or 4), before `now` (epoch ms).
    void hold(std::int64_t workflow_id, int state, EpochMs now);
    /// What it holds, with the state that it believes each to be in.
    const std::map<std::int64_t, int>& held() const { return held_; }

    /// Told of servers that go, and that it started itself, it fails over what they left.
    StandInFailover& failover() { return failover_; }

    /// The next small thing: one transaction, one reading, or one call to the registry. A round of
    /// them looks for commands and takes its own, moves each workflow that it holds on, and does
    /// one thing of its failovers. What a transaction is about is held, or not any more, after the
    /// commit: what a command brought after a step of its own. Returns whether the round goes on.
    /// Throws DatabaseError, and what the registry throws: what was not done is done by the next
    /// step.
    bool step(const MasterView& view);

    /// Stop or pause of the user interface, asked of this master at `now` (epoch ms): the workflow
    /// goes to `state`, READY_STOP or READY_PAUSE, with host and restart_time as they were when it
    /// came here. False if it is not held. Throws DatabaseError.
    bool end_early(std::int64_t workflow_id, int state, EpochMs now);

  private:
    using Later = std::vector<std::function<void()>>;
    struct Arriving {
        ReadCommand command;
        int state;
        MasterColumns columns;
    };

    void begin_round(const MasterView& view);
    void take(const ReadCommand& command, const MasterView& view);
    void arrive(const Arriving& arriving);
    std::string problem_of(const ReadCommand& command);
    int start_or_recover(const ReadCommand& command, const MasterView& view);
    void recover_task(const ReadCommand& command, const OpenTask& task, int state,
                      const MasterView& view);

    void move_on(std::int64_t workflow_id, int state, const MasterView& view);
    bool is_awaited(const OpenTask& task, int state, const MasterView& view);
    bool move_on(std::int64_t workflow_id, const OpenTask& task, int state, const MasterView& view,
                 Later& later);
    bool dispatch(std::int64_t workflow_id, const OpenTask& task, const MasterView& view,
                  Later& later);
    void resume_child(std::int64_t workflow_id, const OpenTask& task, const MasterView& view);
    int final_state(std::int64_t workflow_id, int state);
    TaskExecutor* executor_at(const std::string& host, const MasterView& view);

    Database& database_;
    MasterTables tables_;
    const std::string address_;
    const Say say_;
    std::map<std::int64_t, int> held_;
    std::set<std::int64_t> hung_;                    // of these
    std::map<std::int64_t, MasterColumns> columns_;  // of these, as they came here
    TaskExecutor logic_tasks_;
    StandInFailover failover_;

    bool in_round_ = false;
    std::vector<ReadCommand> commands_;  // of this round, the next one last
    std::vector<std::int64_t> to_move_;  // likewise
    std::optional<Arriving> arriving_;   // its command is gone, and it is not held yet
};

}  // namespace dsfailover
