#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover/inserted_commands.h"
#include "coordinator/failover/master_record.h"
#include "coordinator/failover/workflow_failover.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_claim.h"
#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// What decides about an unfinished workflow instance without a host.
struct HostlessFacts {
    Evidence evidence;                  ///< its activity needed only without every master's answer
    std::optional<StoredTime> started;  ///< WorkflowInstance::last_start()
    EpochMs still_since = 0;            ///< it must not have moved at or after this (epoch ms)
};

/// Judges one: by what the masters answer; without every answer it must have stood still. A pure
/// function.
Verdict judge_hostless(const HostlessFacts& facts);

/// Fails over workflow instances in state 1, 2 or 4 that have no host. A living master becomes
/// their host in the same transaction: without one stop and pause would not reach them, and a
/// master that starts would stumble over them.
class HostlessFailover {
  public:
    /// All must outlive this. What is found goes into the report's `others`.
    HostlessFailover(const RunContext& context, const FailoverOptions& options,
                     const FirstLook& look);

    /// Fails `instances` over, or with dry_run says what would be done. Throws LockError,
    /// RegistryError, DatabaseError, and Interrupted; the report is true then, too.
    void run(std::vector<WorkflowInstance> instances);

    /// As MasterFailover::wait_for_recovery().
    void wait_for_recovery(EpochMs until);

  private:
    void work(std::vector<WorkflowInstance> instances);
    bool choose_host();
    std::vector<WorkflowInstance> read_again(std::span<const WorkflowInstance> instances);
    std::vector<WorkflowInstance> select(std::span<const WorkflowInstance> instances);
    void leave_for_family(std::vector<WorkflowInstance>& selected);
    void commit(std::span<const WorkflowInstance> selected);
    void confirm();
    void note(const WorkflowFailoverResult& result);
    bool by_answer(std::int64_t id) const;
    void skip(const WorkflowInstance& instance, SkipReason reason, const MastersSaid& said = {},
              const std::optional<StoredTime>& last_activity = std::nullopt);
    void finish(bool asks_workers);

    const RunContext& context_;
    const FailoverOptions& options_;
    const FirstLook& look_;
    OthersSection& section_;
    MasterRecord record_;  // of those selected
    RunClaims claims_;
    Servers servers_;
    std::string host_;  // that they get
    EpochMs stamp_ = 0;
    std::int64_t newest_command_ = 0;  // before the first of ours
    InsertedCommands inserted_;
};

}  // namespace dsfailover
