#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "store/command_store.h"

namespace dsfailover {

/// What one run has seen of commands: which workflow instances had one, or stood in state 18, at
/// any look of the run. It remembers them in little memory, some bits each, whether or not a master
/// has taken the command since. Any number of threads may use it, each with a connection of its
/// own.
class CommandWatch {
  public:
    CommandWatch();
    ~CommandWatch();
    CommandWatch(const CommandWatch&) = delete;
    CommandWatch& operator=(const CommandWatch&) = delete;

    /// A workflow instance was seen in state 18.
    void note(std::int64_t workflow_id);
    /// Whether a workflow instance was noted, or had a command at any look.
    bool seen(std::int64_t workflow_id) const;

    /// Looks at the commands that wait: the first time at all of them, later at those that may have
    /// come since the last look of any thread. Not inside a transaction. Throws as CommandStore.
    void look(CommandStore& commands);
    /// The first look(), which hands over what it reads.
    void look(CommandStore& commands, const std::function<void(const WaitingCommand&)>& command);

    /// Inside the transaction that locked the rows of `ours` and inserted these commands: looks at
    /// the commands that may have come since the last look of any thread, and returns those
    /// workflow instances of `ours` that have a command of somebody else: one that waits, or one
    /// that look_locked() of any thread saw since the last look(). An instance that only the looks
    /// before knew is not returned. Costs what is new, whatever stands in the table. Throws as
    /// CommandStore.
    std::vector<std::int64_t> look_locked(CommandStore& commands, std::span<const FailedOver> ours);

    /// Whether look_locked() of any thread saw a command of somebody else for the workflow instance
    /// since the last look().
    bool came_since_look(std::int64_t workflow_id) const;

    /// The transaction in which look_locked() was given `ours` took effect. As long as nobody says
    /// so, their ids may be somebody else's: SQLite gives those of a rollback out again.
    void committed(std::span<const FailedOver> ours);

  private:
    class WorkflowIds;

    std::int64_t known_up_to() const;
    std::vector<IdRange> not_to_look_at(std::int64_t& after, std::int64_t slack);

    mutable std::mutex mutex_;  // never held while a database is asked
    const std::unique_ptr<WorkflowIds> seen_;
    const std::unique_ptr<WorkflowIds> seen_since_look_;  // by look_locked()
    std::int64_t last_id_ = 0;                            // up to it every command was seen
    IdRanges own_ids_;                                    // of all our commands
    std::deque<std::pair<EpochMs, std::int64_t>> looks_;  // when, and last_id_ then
    bool looked_ = false;
};

}  // namespace dsfailover
