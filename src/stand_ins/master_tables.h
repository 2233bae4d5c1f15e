#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "store/schema.h"

namespace dsfailover {

/// A command as a master reads it.
struct ReadCommand {
    std::int64_t id = 0;
    int type = 0;
    std::int64_t workflow_id = 0;
    std::string param;  ///< empty: null
};

/// What a master needs to know of a workflow instance before it takes a command of it.
struct ReadWorkflow {
    int state = 0;
    std::string param;      ///< command_param; empty: null
    int command_type = -1;  ///< of the command that it was started or resumed by; -1: null
};

/// A workflow that a master left, as another one reads it before it fails it over.
struct LeftWorkflow {
    std::int64_t id = 0;
    int state = 0;
};

/// What the row of a workflow says of its master; null columns are none.
struct MasterColumns {
    std::optional<std::string> host;
    std::optional<std::string> restart_time;  ///< as stored
};

/// A valid task of a workflow that is not through.
struct OpenTask {
    std::int64_t id = 0;
    std::string name;
    std::string type;
    int state = 0;
    std::string host;         ///< empty: it was not dispatched
    std::string submit_time;  ///< as stored
    std::string app_link;
};

/// What a master reads and writes in DolphinScheduler's tables: one of 3.3.0 or of a later release,
/// as the schema says. Times are epoch ms.
class MasterTables {
  public:
    /// Both must outlive this.
    MasterTables(Database& database, const Schema& schema) : context_{database, schema, utc_} {}
    MasterTables(const MasterTables&) = delete;
    MasterTables& operator=(const MasterTables&) = delete;

    /// Every command, in the order in which masters take them: by priority and id.
    std::vector<ReadCommand> commands();
    std::optional<ReadWorkflow> workflow(std::int64_t id);
    /// A name that two valid tasks of the workflow share.
    std::optional<std::string> duplicate_task(std::int64_t workflow_id);
    /// The valid tasks that are submitted, dispatched, running or delayed, in order of id.
    std::vector<OpenTask> open_tasks(std::int64_t workflow_id);
    bool has_task_in_state(std::int64_t workflow_id, int state);
    /// Whether the task was submitted before `time`.
    bool was_submitted_before(const OpenTask& task, EpochMs time) const;
    MasterColumns master_columns(std::int64_t workflow_id);
    /// Each host that workflows in state 1, 2 or 4 name, null included.
    std::vector<std::optional<std::string>> hosts_of_unfinished();
    /// The workflows in state 1, 2 or 4 with this host whose restart_time (where it is null:
    /// start_time) is before `deadline`; an empty host is no condition, and all hosts count.
    std::vector<LeftWorkflow> left_by(const std::string& host, EpochMs deadline);

    // The others write, inside the caller's transaction.

    /// Whether the command was still there.
    bool remove_command(std::int64_t id);
    /// Copies the command, which is still there, to those that failed.
    void add_error_command(std::int64_t id, const std::string& message);
    /// A command for this workflow; `param`: its command_param, none: null.
    void add_command(std::int64_t workflow_id, int type, const std::optional<std::string>& param,
                     EpochMs now);
    /// State FAILOVER, with its command; false if it is not in the state that was read.
    bool fail_over(const LeftWorkflow& workflow, EpochMs now);
    /// The state of a workflow whose recovery `host` begins: later releases than 3.3.0 write host
    /// and restart_time as well.
    void recover_workflow(std::int64_t id, int state, const std::string& host, EpochMs now);
    /// State RUNNING_EXECUTION, at this master's address; `again`: with a restart_time of now.
    void start_workflow(std::int64_t id, const std::string& host, bool again, EpochMs now);
    /// State RUNNING_EXECUTION again, after a pause or a failure: 3.3.0 leaves the host alone. What
    /// was paused, failed or killed of its tasks is submitted anew.
    /// `type`: of the command, kRecoverSuspended or kStartFailureTask; the workflow's from then on.
    void resume_workflow(std::int64_t id, int type, const std::string& host, EpochMs now);
    /// `state`, and the columns that are not null as the holder believes them to be: it writes its
    /// own copy of the row.
    void set_workflow_state(std::int64_t id, int state, const MasterColumns& columns, EpochMs now);
    /// Likewise, with the end time.
    void end_workflow(std::int64_t id, int state, const MasterColumns& columns, EpochMs now);
    /// Gives the task to be dispatched anew, as TaskInstanceStore::redispatch().
    void redispatch(std::int64_t workflow_id, const OpenTask& task, EpochMs now);
    /// Submits the first task that an earlier run of the same definition had and this one has not;
    /// false if there is none. The definitions themselves are in no table that this program knows.
    bool submit_next_task(std::int64_t workflow_id, EpochMs now);
    void run_task(std::int64_t id, const std::string& host, EpochMs now);
    void end_task(std::int64_t id, int state, EpochMs now);

  private:
    std::string text(EpochMs time) const;
    std::string valid() const;

    const TimeZone utc_;
    StoreContext context_;
};

}  // namespace dsfailover
