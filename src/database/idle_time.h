#pragma once

#include <chrono>

#include "base/time.h"

namespace dsfailover {

/// How long the server lets a transaction stand still before it takes the row locks back.
inline constexpr Millis kIdleInTransaction{10'000};

/// For how long a connection has rested: nobody notices that it is cut off meanwhile.
class IdleTime {
  public:
    void answered() { last_answer_ = Clock::now(); }
    /// Whether it may have been cut off.
    bool is_long() const { return Clock::now() - last_answer_ >= std::chrono::seconds(2); }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point last_answer_ = Clock::now();
};

}  // namespace dsfailover
