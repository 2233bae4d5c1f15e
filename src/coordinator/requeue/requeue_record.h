#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/run_context.h"
#include "store/command_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

/// A workflow instance that nobody will touch by itself.
struct StuckInstance {
    enum class Kind {
        no_command,  ///< in state FAILOVER
        unclaimed,   ///< it has a command that no master takes
    };
    Kind kind = Kind::no_command;
    WaitingCommand command;      ///< the one that no master takes; its id is then the new one's
    WorkflowInstance row;        ///< as read
    int state = 0;               ///< to go back to; 0: as its command says
    std::string_view why_state;  ///< why to that state; a literal
    WorkflowOutcome outcome = WorkflowOutcome::left;
    std::string problem;  ///< failed or unknown: why

    /// As the report says it.
    std::string reason() const;
    bool in_failover() const { return row.state == workflow_state::kFailover; }
};

/// What a requeue is about, and what becomes of each workflow: one place in the list for each.
class RequeueRecord {
  public:
    /// `items`: how many workflows are listed at most. Makes the report's section.
    RequeueRecord(const RunContext& context, std::size_t items);

    /// By workflow instance; those that are skipped are not, or no longer, among them.
    std::map<std::int64_t, StuckInstance>& stuck() { return stuck_; }
    StuckInstance& at(std::int64_t id) { return stuck_.at(id); }
    const StuckInstance& at(std::int64_t id) const { return stuck_.at(id); }
    std::vector<std::int64_t> ids() const;
    /// Those of a kind that have not failed.
    std::vector<std::int64_t> of_kind(StuckInstance::Kind kind) const;
    std::vector<std::int64_t> without_command() const {
        return of_kind(StuckInstance::Kind::no_command);
    }
    std::vector<std::int64_t> unclaimed() const { return of_kind(StuckInstance::Kind::unclaimed); }
    std::vector<std::int64_t> command_ids(std::span<const std::int64_t> ids) const;

    /// Everything is selected anew.
    void forget();
    /// So many are selected as are in stuck() now.
    void count_selected();
    /// One that is not, or no longer, to be requeued; `holder`: of one that is held.
    void skip(std::int64_t id, SkipReason reason, const std::string& holder = "");
    /// skip() of those in stuck().
    void leave_out(std::span<const std::int64_t> ids, SkipReason reason);
    /// skip() of one in stuck(), once they are counted.
    void drop(std::int64_t id, SkipReason reason);
    /// drop() of one that a master took: whether before or after it was exchanged nobody knows.
    void drop_unknown(std::int64_t id);
    /// Leaves all but the first `limit` for another run.
    void limit(std::size_t limit);
    void fail(std::int64_t id, const std::string& problem);
    /// The same for all of a host, for a reason that is told once.
    void fail_all_of(const std::string& host, const std::string& problem);
    /// One of which nobody knows whether it was requeued, and why.
    void unknown(std::int64_t id, const std::string& problem);
    /// `command_id`: 0 where only a lost commit told of it.
    void requeued(std::int64_t id, std::int64_t command_id);
    void plan();
    /// Of those of `named` that are skipped for a reason of which nothing was said yet: why.
    void say_why_left(std::span<const std::int64_t> named) const;

    /// Puts the list into the report, with `is_plan` nothing counts as left. The names are for the
    /// report alone: never throws.
    void list(bool is_plan);

  private:
    struct Left {
        WorkflowOutcome outcome = WorkflowOutcome::skipped;
        std::string reason;
        std::string holder;
        std::string state;
    };

    void tell_unknown() const;
    void list(std::int64_t id, const Left& other);
    void list(std::int64_t id, const StuckInstance& stuck);

    const RunContext& context_;
    WorkflowsSection& section_;
    std::map<std::int64_t, StuckInstance> stuck_;
    std::map<std::int64_t, Left> others_;  // those not, or no longer, in stuck_
    std::int64_t over_limit_ = 0;
    std::string unknown_why_;
};

}  // namespace dsfailover
