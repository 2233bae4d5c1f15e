#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "base/time.h"
#include "stand_ins/task_executor.h"

namespace dsfailover {

/// A worker that lives, as a master knows it.
struct LivingWorker {
    std::string address;
    TaskExecutor* executor = nullptr;
};

/// What a master sees around it when it takes a step.
struct MasterView {
    EpochMs now = 0;
    /// Its own place among the masters that it counts, and how many these are: it takes the
    /// commands whose id falls to its place. None: it takes none (it is BUSY, say).
    std::int64_t place = 0, places = 0;
    std::span<const LivingWorker> workers;

    /// What runs the tasks at `address`; none: no worker lives there.
    TaskExecutor* executor_at(const std::string& address) const {
        const auto found = std::ranges::find(workers, address, &LivingWorker::address);
        return found == workers.end() ? nullptr : found->executor;
    }
};

}  // namespace dsfailover
