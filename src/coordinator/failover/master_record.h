#pragma once

#include <cstdint>
#include <map>
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
    /// `items`: how many workflows are listed at most. `when_unanswered`: why one is skipped of
    /// which not every master says, with its row locked, that it does not hold it.
    MasterRecord(const std::string& address, std::size_t items,
                 SkipReason when_unanswered = SkipReason::in_doubt);

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
    void skip(const SkippedWorkflow& skipped, bool first);
    /// Everything is read anew.
    void forget_reading();

    // -- what becomes of the selected

    // `by_answer`: selected because no living master holds it.

    void plan(const WorkflowInstance& instance, bool by_answer);
    void leave_by_limit(const WorkflowInstance& instance);
    void add(const WorkflowFailoverResult& result, bool by_answer);

    bool failed(std::int64_t id) const { return failed_.contains(id); }
    bool any_failed() const { return !failed_.empty(); }
    std::int64_t done() const { return section_.workflows.done; }

    // -- the end

    /// The last counts: what is left of what was selected (not for a plan, which knows).
    void close(bool is_plan);
    /// Puts what a person has to know, and do, into the report's messages.
    void tell(const RunContext& context) const;

  private:
    void note_holder(std::int64_t id, Verdict verdict, const MastersSaid& said);
    void skip_selected(WorkflowItem& item, SkipReason reason);
    bool forget_left(std::int64_t id);
    void put_item(WorkflowItem item, bool listed);

    std::size_t items_;
    const SkipReason when_unanswered_;
    MasterSection section_;
    std::optional<EpochMs> settles_at_;
    std::set<std::int64_t> changed_;     // state_changed so far
    std::set<std::int64_t> unanswered_;  // masters did not answer with the row locked, so far
    std::set<std::int64_t> failed_;      // failed so far
    std::set<std::int64_t> skipped_;     // for another reason than started_after_deadline
    std::map<std::int64_t, std::string> held_by_two_;          // by which
    std::map<std::int64_t, std::string> child_running_;        // and which child
    std::set<std::int64_t> run_outside_;                       // moved, though no master holds them
    std::map<std::string, std::set<std::int64_t>> held_idle_;  // by holder
    std::string failed_first_;                                 // which failed first, and why
    std::string unknown_why_;                                  // why the outcome of some is unknown
};

}  // namespace dsfailover
