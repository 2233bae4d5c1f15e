#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "base/time.h"

namespace dsfailover {

/// How many workflows a transaction gives commands. A master whose event waits too long for a row
/// loses that event for good, so rows are held for two seconds at most in the ordinary way: chunks
/// shrink where they take longer, and grow again. Any thread may call both functions.
class ChunkSize {
  public:
    std::size_t get() const { return size_; }

    /// A transaction over `rows` workflows held them for `held`.
    void learn(std::size_t rows, Millis held) {
        if (rows == 0) return;
        if (held > kMostHeld) {
            // To half of the limit, for the next may be slower still.
            const auto ms = static_cast<std::size_t>(held.count());
            const auto wanted = rows * static_cast<std::size_t>(kMostHeld.count() / 2) / ms;
            size_ = std::clamp(wanted, kLeast, kMost);
        } else if (rows >= size_ && held < kMostHeld / 4) {
            size_ = std::min(rows * 2, kMost);
        }
    }

  private:
    static constexpr std::size_t kMost = 5000;
    static constexpr std::size_t kLeast = 20;
    static constexpr Millis kMostHeld{2000};
    // How fast the database is shows with the first.
    static constexpr std::size_t kFirst = 1000;
    std::atomic<std::size_t> size_ = kFirst;
};

}  // namespace dsfailover
