#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace dsfailover {

/// When progress through a number of things is told, and how fast it is. One thread at a time.
class Pace {
  public:
    /// Whether it is time for another line: every 10 s, ten times a second where the line is
    /// written over; not in the first second, in which most runs end. The first call begins it.
    bool is_due();
    /// ", 1900/s, 5 s left"; empty while that is not known.
    std::string rate(std::int64_t done, std::int64_t of) const;

  private:
    Millis running() const;

    EpochMs began_ = 0;
    EpochMs told_ = 0;
};

}  // namespace dsfailover
