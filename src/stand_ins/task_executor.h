#pragma once

#include <cstdint>
#include <map>

#include "base/time.h"

namespace dsfailover {

/// Runs tasks, as a worker does, and a master its logic tasks: each for as long as it is told.
class TaskExecutor {
  public:
    /// Times are epoch ms.
    void start(std::int64_t task, EpochMs ends_at) { ends_at_[task] = ends_at; }
    /// Whether the task is alive: also one that has ended, as long as nobody took note of it.
    bool has(std::int64_t task) const { return ends_at_.contains(task); }
    bool has_ended(std::int64_t task, EpochMs now) const {
        const auto found = ends_at_.find(task);
        return found != ends_at_.end() && found->second <= now;
    }
    /// Its master took note of its end.
    void forget(std::int64_t task) { ends_at_.erase(task); }

  private:
    std::map<std::int64_t, EpochMs> ends_at_;
};

}  // namespace dsfailover
