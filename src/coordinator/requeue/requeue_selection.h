#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "coordinator/failover_options.h"
#include "coordinator/requeue/requeue_record.h"
#include "coordinator/run_context.h"
#include "store/command_store.h"
#include "store/command_watch.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

/// Which workflows a requeue is about, and to which state each goes back. Fills the record; what
/// has to be looked at by a person goes into the report. All functions throw DatabaseError, and
/// EnvironmentError naming a row that cannot be read.
class RequeueSelection {
  public:
    /// All must outlive this.
    RequeueSelection(const RunContext& context, const RequeueOptions& options,
                     RequeueRecord& record);

    /// Selects, anew each time: those in state FAILOVER without a command; and those in it, those
    /// named, or with options.commands all, whose command waits for so long that no master seems to
    /// take it.
    void select();
    /// What is to be said of the last select().
    void tell();
    /// Leaves out those of which a master can make nothing.
    void leave_out_hopeless();
    /// The highest id of a command that select() looked at, less what may still appear below it.
    std::int64_t looked_up_to() const { return looked_up_to_; }
    /// What has been seen of commands from select() on; not before it.
    CommandWatch& watch() { return *watch_; }
    /// To which state those without a command go back.
    void choose_states();

  private:
    void find_in_failover();
    void note_without_command_type(std::span<const std::int64_t> ids);
    void find_named();
    std::vector<std::int64_t> found() const;
    std::vector<WaitingCommand> look_at_commands(std::span<const std::int64_t> ids);
    StuckInstance& put(StuckInstance::Kind kind, std::int64_t id);
    void take(std::int64_t id, std::span<const WaitingCommand> commands);
    void take_those_without(std::span<const std::int64_t> ids);
    void read_other_rows();
    void leave_out_duplicates();
    void leave_out_unreadable();
    void leave_out_failing_again(std::span<const ErrorCommand> failed);

    const RunContext& context_;
    const RequeueOptions& options_;
    RequeueRecord& record_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    std::unique_ptr<CommandWatch> watch_;
    EpochMs clock_ = 0;
    std::int64_t looked_up_to_ = 0;
    std::vector<WorkflowInstance> found_;  // before the commands were looked at, in order of id
    std::unordered_set<std::int64_t> without_command_;   // in state FAILOVER, read at one moment
    std::unordered_map<std::int64_t, int> told_states_;  // by what the lost command says
    std::unordered_map<std::int64_t, TaskInstanceStore::Signs> signs_;
    std::unordered_set<std::int64_t> without_command_type_;  // in their own command_param
    std::set<std::int64_t> unknown_;                         // ids given that are of no instance
    std::set<std::int64_t> not_in_failover_;                 // others of those given
    std::int64_t of_nothing_ = 0;  // commands of no instance that there is
    std::vector<std::int64_t> with_several_;
};

}  // namespace dsfailover
