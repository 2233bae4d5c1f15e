#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "coordinator/failover_options.h"
#include "coordinator/requeue/requeue_record.h"
#include "coordinator/run_context.h"
#include "store/command_store.h"
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

    /// Selects, anew each time: those in state FAILOVER, or those named, that have no command or
    /// one that no master takes.
    void select();
    /// What is to be said of the last select().
    void tell();
    /// Leaves out those with which recovery would fail again.
    void leave_out_duplicates();
    /// To which state those without a command go back.
    void choose_states();

  private:
    std::vector<std::int64_t> find_named();
    void read_rows();

    const RunContext& context_;
    const RequeueOptions& options_;
    RequeueRecord& record_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    std::set<std::int64_t> unknown_;  // ids given that are of no instance
    std::vector<std::int64_t> with_several_;
};

}  // namespace dsfailover
