#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "coordinator/explain/known_workflow.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Finds out what decides about some workflow instances: their rows and commands, what the masters
/// say of them, and how the table judges them.
class WorkflowLook {
  public:
    /// All must outlive it.
    WorkflowLook(const RunContext& context, const FirstLook& first, const ExplainOptions& options);

    /// By id; those that do not exist are missing. Waits for the masters' answers as
    /// explain_workflows() says, and throws as it does.
    std::map<std::int64_t, KnownWorkflow> look();

  private:
    void read();
    bool ask(WorkflowInquiry& inquiry);
    void find_idle();
    void judge_unfinished();
    void look_at_families(WorkflowInquiry* inquiry);
    std::vector<std::int64_t> ids() const;

    const RunContext& context_;
    const FirstLook& first_;
    const ExplainOptions& options_;
    std::map<std::int64_t, KnownWorkflow> known_;
};

}  // namespace dsfailover
