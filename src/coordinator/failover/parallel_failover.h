#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "coordinator/failover/workflow_failover.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// One transaction's worth of a failover.
struct FailoverChunk {
    std::vector<WorkflowInstance> instances;
    std::optional<FileVersion> read_from;  ///< as for WorkflowFailover
    FailoverValues values;
    /// As for WorkflowFailover; never called by two threads at once.
    WorkflowFailover::Confirm confirm;
    /// As for WorkflowFailover; never called by two threads at once. May be empty.
    WorkflowFailover::Ask ask{};
    /// As for WorkflowFailover. May be empty; only where chunks are taken in turn.
    WorkflowFailover::AlsoInTransaction also;
    /// As for WorkflowFailover; called by the caller's thread.
    WorkflowFailover::Done done;
    /// As for WorkflowFailover; called by either thread.
    WorkflowFailover::Held held;
    CommandWatch* watch = nullptr;  ///< of the run
    /// Called by the caller's thread, after `done`, with what ended the chunk, for this to throw it
    /// again or deal with it.
    std::function<void(std::exception_ptr)> failed;
};

/// Fails chunks of workflow instances over, two at a time where the database has connections to
/// spare: one transaction each, on connections of their own. A server uses one processor for a
/// connection, so that two take little more than half the time. SQLite, where one writes at a time,
/// a user who may not connect twice, and a registry that answers slowly, do with one.
class ParallelFailover {
  public:
    explicit ParallelFailover(const RunContext& context);

    /// The next chunk, none at the end. No instance comes twice.
    using Next = std::function<std::optional<FailoverChunk>()>;

    /// Fails over what `next` gives; a large chunk that comes last and alone in two halves.
    /// `in_turn`: one chunk at a time, and `next` is called when the one before has its outcome.
    /// Throws what `next` and a chunk's `failed` throw, and Interrupted between two transactions;
    /// no transaction is under way then, and `done` was called for all that was committed.
    void run(const Next& next, bool in_turn);

  private:
    bool connect();
    void run_here(const FailoverChunk& chunk);
    void run_both(const FailoverChunk& chunk, const FailoverChunk& beside);
    void run_on(Database& database, const FailoverChunk& chunk, const WorkflowFailover::Done& done);

    const RunContext& context_;
    std::unique_ptr<Database> second_;
    bool alone_;  // on SQLite, or since a second connection or a thread was refused
    std::mutex confirming_;
    // The registry answers so slowly that one transaction would hold its rows while another waits
    // for its own answer.
    std::atomic<bool> slow_registry_ = false;
};

}  // namespace dsfailover
