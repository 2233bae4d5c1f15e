#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/asking/master_round.h"
#include "coordinator/failover_options.h"
#include "coordinator/rehost/rehosting.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// What becomes of each workflow instance of a rehost, and what is said of it in the report.
class RehostRecord {
  public:
    /// Both must outlive this. Makes the report's section.
    RehostRecord(const RunContext& context, const RehostOptions& options);

    /// Everything is selected anew.
    void forget();
    void skip(std::int64_t id, SkipReason reason);
    /// One that is not misplaced, as far as is known; `held`: what the masters said.
    void skip(const WorkflowInstance& row, const HeldBy& held);
    void select(const MisplacedInstance& instance);
    /// Why some did not answer; empty: all did.
    void unanswered_because(const std::string& problems) { problems_ = problems; }
    /// So many unfinished workflows were left out.
    void not_asked_about(std::int64_t count) { not_asked_about_ = count; }

    /// --limit leaves these, which were selected, to another run.
    void leave(std::span<const MisplacedInstance> instances);
    void plan(const MisplacedInstance& instance);
    void note(const MisplacedInstance& instance, const RehostResult& result);

    /// Puts the list into the report, and says why nothing was done about some. To be called once.
    /// Never throws.
    void list();

  private:
    bool is_named() const { return !options_.ids.empty(); }
    void tell_of_skipped(SkipReason reason, const std::vector<std::int64_t>& ids);

    const RunContext& context_;
    const RehostOptions& options_;
    RehostSection& section_;
    std::map<std::int64_t, RehostItem> items_;
    std::map<SkipReason, std::vector<std::int64_t>> skipped_;
    std::string problems_;
    std::int64_t not_asked_about_ = 0;
};

}  // namespace dsfailover
