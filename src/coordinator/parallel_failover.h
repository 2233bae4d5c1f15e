#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "coordinator/run_context.h"
#include "coordinator/workflow_failover.h"

namespace dsfailover {

/// Fails chunks of workflow instances over, two at a time where the database has connections to
/// spare: one transaction each, on connections of their own. A server uses one processor for a
/// connection, so that two take little more than half the time. SQLite, where one writes at a
/// time, and a user who may not connect twice, do with one.
class ParallelFailover {
  public:
    explicit ParallelFailover(const RunContext& context) : context_(context) {}

    struct Work {
        /// The next chunk; empty when there is none. No instance comes twice.
        std::function<std::vector<WorkflowInstance>()> next;
        /// As WorkflowFailover::Confirm; never called by two threads at once.
        WorkflowFailover::Confirm confirm;
        /// As WorkflowFailover::Done; called by the caller's thread.
        WorkflowFailover::Done done;
        /// As WorkflowFailover::AlsoInTransaction. Where it is given, one chunk follows the other.
        WorkflowFailover::AlsoInTransaction also;
        /// One chunk after the other, so that `next` can depend on what became of the last one.
        bool in_turn = false;
    };

    /// Fails over what `work.next` gives, with `stamp` (epoch ms), as WorkflowFailover::run does,
    /// and throws what that throws: then both transactions under way have ended, and `work.done`
    /// was called for everything that was committed. Throws Interrupted between two transactions.
    void run(const Work& work, EpochMs stamp);

  private:
    bool connect();
    bool run_both(WorkflowFailover& here, const Work& work,
                  const std::vector<WorkflowInstance>& chunk,
                  const std::vector<WorkflowInstance>& beside, EpochMs stamp);

    const RunContext& context_;
    std::unique_ptr<Database> second_;
    bool alone_ = false;  // a second connection was refused
    std::mutex confirming_;
};

}  // namespace dsfailover
