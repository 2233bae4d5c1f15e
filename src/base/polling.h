#pragma once

#include <cstdint>
#include <functional>

#include "base/time.h"

namespace dsfailover {

/// How patiently something is looked at. `look` of poll() may change it for the looks to come.
struct Polling {
    EpochMs until = 0;      ///< epoch ms; there is one look at least
    Millis step{1000};      ///< between two looks
    Millis progress{5000};  ///< between two lines about it
};

/// Looks, at once and then step by step, until `look` returns true or the time is up. Returns
/// whether it did. `progress` is called with the whole seconds left, after the first look in vain
/// and then in its own steps. Throws what the two throw, and Interrupted.
bool poll(const Polling& polling, const std::function<bool()>& look,
          const std::function<void(std::int64_t seconds_left)>& progress = {});

}  // namespace dsfailover
