#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "coordinator/failover/failover_target.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// Fails over workflow instances that were named, and no others: those of a host by MasterFailover,
/// without a mark, and those without a host by HostlessFailover.
class NamedWorkflows {
  public:
    /// `context` and `options` must outlive this.
    NamedWorkflows(const RunContext& context, const FailoverOptions& options, FirstLook look);

    /// Fails `ids` over, or with dry_run says what would be done, and fills in the report: masters,
    /// others, and of each that nothing was done about why. Throws Error when the registry or the
    /// database is gone, and Interrupted; the report is true then, too.
    void fail_over(const std::set<std::int64_t>& ids);

  private:
    void sort(const std::set<std::int64_t>& ids);
    void skip(std::int64_t id, int state, SkipReason reason);
    void work();
    void finish();
    void say_what_was_left();
    void say_what_was_left(MasterSection& section, const FailoverTarget& target);
    void say_left(const WorkflowItem& item, bool refused);

    const RunContext& context_;
    FailoverOptions options_;
    const std::size_t items_;
    FirstLook look_;
    std::vector<FailoverTarget> targets_;
    std::vector<WorkflowInstance> hostless_;
};

}  // namespace dsfailover
