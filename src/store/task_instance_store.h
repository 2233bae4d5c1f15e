#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/stored_time.h"
#include "store/schema.h"

namespace dsfailover {

/// When the tasks of one workflow instance were last and first heard of.
struct TaskActivity {
    std::optional<StoredTime> first_submit;  ///< earliest submit_time
    std::optional<StoredTime> latest;        ///< latest of submit_time, start_time and end_time
};

/// A task instance of a worker that is gone.
struct TaskInstance {
    std::int64_t id = 0;
    std::string name;
    std::int64_t workflow_instance_id = 0;
    int state = 0;
    std::optional<std::string> host;
    std::optional<StoredTime> submit_time;
};

/// A valid task that has not ended, and where it may be at work.
struct UnfinishedTask {
    TaskInstance task;
    std::string type;                     ///< task_type: "SHELL"
    std::optional<std::string> app_link;  ///< ids of its applications, or of its child workflow
    std::optional<std::int64_t> pid;      ///< of its process on the worker, where it is known
};

/// A task's row as it stands, for showing it: nothing of it is judged.
struct TaskAsStored {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::int64_t> workflow_instance_id;
    std::optional<std::int64_t> state;
    std::optional<std::string> host;
    std::optional<std::int64_t> flag;
    std::optional<std::string> submit_time;
};

class TaskInstanceStore {
  public:
    explicit TaskInstanceStore(StoreContext context) : context_(context) {}

    // Every reading function throws EnvironmentError naming table, column and row if it meets what
    // cannot be read, and takes any number of ids.

    /// Activity by workflow instance id, for those of `workflow_ids` that have tasks, valid or not:
    /// a task that was given up is activity too.
    std::unordered_map<std::int64_t, TaskActivity> activity(
        std::span<const std::int64_t> workflow_ids);

    /// Those of `workflow_ids` with a task, valid or not, that was certainly submitted, started or
    /// ended after `since` (epoch ms), whatever the database rounded; in no particular order.
    std::vector<std::int64_t> active_since(std::span<const std::int64_t> workflow_ids,
                                           EpochMs since);
    /// The same for every workflow instance there is, for when there are too many to ask for: reads
    /// the whole table once, in bounded memory. One with several such tasks comes several times.
    /// Not inside a transaction.
    void scan_active_since(EpochMs since,
                           const std::function<void(std::int64_t workflow_id)>& workflow);

    /// Tasks of any workflow with host = `worker`, byte for byte, in state 17 or 1, flag 1, without
    /// their names, streamed in bounded memory, in no particular order. The submit_time is not
    /// judged here; a task whose own cannot be read is `unreadable`, with the error that names the
    /// row. Not inside a transaction.
    void scan_worker_tasks(
        const std::string& worker, const std::function<void(const TaskInstance&)>& task,
        const std::function<void(std::int64_t workflow_id, const EnvironmentError&)>& unreadable);

    /// Names for a report, in the order of `ids`; a task without a name, or gone, has none.
    std::vector<std::optional<std::string>> names(std::span<const std::int64_t> ids);

    /// The valid tasks (flag 1, and test_flag 0 where that exists) of these workflow instances that
    /// are in one of kUnfinishedTaskStates, in order of id. With `lock`, inside a transaction,
    /// their rows are locked until it ends.
    std::vector<UnfinishedTask> unfinished(std::span<const std::int64_t> workflow_ids, bool lock);

    /// Every task, valid or not, in order of id, streamed in bounded memory. Not inside a
    /// transaction.
    void scan_as_stored(const std::function<void(const TaskAsStored&)>& task);

    /// Inside the caller's transaction: gives each of `tasks` that is still as read (host, state,
    /// workflow_instance_id and submit_time; flag 1; test_flag 0 where that exists: a master sees
    /// no other) to be dispatched anew, as DolphinScheduler does: the old row gets flag 0 and state
    /// 8, and a copy of it, of every column the table has, gets a new id, state 0, submit_time
    /// `now` (epoch ms), and null as host, var_pool, log_path and execute_path. As in
    /// DolphinScheduler start_time and end_time are copied; a worker that starts the task writes
    /// them anew. Returns the ids of the old rows changed; a task missing in the result had
    /// changed.
    std::vector<std::int64_t> redispatch(std::span<const TaskInstance> tasks, EpochMs now);

    /// Inside the caller's transaction: these tasks, whose rows the caller has locked, get the
    /// final `state` and the end_time, a text as the columns hold it.
    void end(std::span<const std::int64_t> task_ids, int state, const std::string& end_time);

    /// How those tasks stand now, by id. Unknown ids are left out.
    struct Standing {
        int state = 0;
        int flag = 0;
    };
    std::unordered_map<std::int64_t, Standing> standing(std::span<const std::int64_t> task_ids);

    /// Those of `workflow_ids` that have two valid rows (flag 1, and test_flag 0 where that exists)
    /// of one task name: recovery would fail. In no particular order.
    std::vector<std::int64_t> with_duplicate_tasks(std::span<const std::int64_t> workflow_ids);

    /// What the valid tasks of a workflow tell requeue: with_duplicate_tasks(), and whether one is
    /// in state 9 (killed) or 3 (paused). Workflows without any of it are left out.
    struct Signs {
        bool duplicates = false;
        bool killed = false;
        bool paused = false;
    };
    std::unordered_map<std::int64_t, Signs> signs(std::span<const std::int64_t> workflow_ids);

    /// Those of `workflow_ids` with a valid task in state 17 (dispatched) or 1 (running): it may
    /// still be at work. In no particular order.
    std::vector<std::int64_t> with_tasks_at_work(std::span<const std::int64_t> workflow_ids);

    /// Those of `workflow_ids` with a valid task in state 0 that belongs to a task group: it waits
    /// for a slot. In no particular order.
    std::vector<std::int64_t> waiting_for_slot(std::span<const std::int64_t> workflow_ids);

  private:
    std::vector<std::int64_t> with_valid_tasks(std::span<const std::int64_t> workflow_ids,
                                               std::string_view condition);
    bool is_active_since(const Row& row, EpochMs since);
    std::string active_after(EpochMs since, std::vector<Value>& parameters);
    std::vector<std::int64_t> lock_as_read(std::span<const TaskInstance> tasks);
    std::string valid() const;
    Rows lock_by_ids(std::string_view select, std::string_view column,
                     std::span<const std::int64_t> ids, std::string_view rest);

    StoreContext context_;
};

}  // namespace dsfailover
