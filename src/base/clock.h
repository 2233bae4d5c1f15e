#pragma once

#include <functional>
#include <future>

#include "base/time.h"

namespace dsfailover {

/// Whose time passes for the program: a test puts one of its own in the place of the machine's, and
/// decides then what happens while somebody waits.
class Clock {
  public:
    virtual ~Clock() = default;
    /// Epoch ms.
    virtual EpochMs now() = 0;
    virtual void wait(Millis duration) = 0;
};

/// nullptr, as at the start: the machine's. For tests only; no other thread may be running.
void use_clock(Clock* clock);
/// What use_clock() was told last.
Clock* clock_in_use();

/// Waits, whatever signals arrive. See wait_for().
void wait_uninterrupted(Millis duration);

/// Runs `work` on a thread of its own where the machine's clock counts, else when it is asked for.
std::future<void> run_beside(std::function<void()> work);

}  // namespace dsfailover
