#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/failover/selection.h"
#include "coordinator/failover/workflow_failover.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// What becomes of a master and of each of its workflows while it is failed over, and what there is
/// to say of it in the end. A workflow has one place in the list, whatever happens to it.
class MasterRecord {
  public:
    /// `items`: how many workflows are listed at most.
    MasterRecord(const std::string& address, std::size_t items);

    /// What the report will say of the master: the parts of the failover fill in what they did.
    MasterSection& section() { return section_; }
    const MasterSection& section() const { return section_; }

    // -- readings

    /// The counts of the first reading.
    void count_first(const AddressSelection& found);
    /// A later reading found `selectable` workflows.
    void count_later(std::int64_t selectable);
    /// An instance that the first, or a later, reading skipped. What turns doubtful while we work
    /// loses its place among the selected.
    void skip(const WorkflowInstance& instance, Verdict verdict,
              std::optional<EpochMs> last_task_activity, bool first);
    /// Everything is read anew.
    void forget_reading();

    // -- what becomes of the selected

    void plan(const WorkflowInstance& instance);
    void leave_by_limit(const WorkflowInstance& instance);
    void add(const WorkflowFailoverResult& result);

    bool failed(std::int64_t id) const { return failed_.contains(id); }
    bool any_failed() const { return !failed_.empty(); }
    std::int64_t done() const { return section_.workflows.done; }

    // -- the end

    /// The last counts: what is left of what was selected (not for a plan, which knows).
    void close(bool is_plan);
    /// Puts what a person has to know, and do, into the report's messages.
    void tell(const RunContext& context) const;

  private:
    void put_item(WorkflowItem item, bool listed);

    std::size_t items_;
    MasterSection section_;
    std::optional<EpochMs> settles_at_;
    std::set<std::int64_t> changed_;  // state_changed so far
    std::set<std::int64_t> failed_;   // failed so far
    std::set<std::int64_t> skipped_;  // for another reason than started_after_deadline
    std::string failed_first_;        // which failed first, and why
    std::string unknown_why_;         // why the outcome of some is unknown
};

}  // namespace dsfailover
