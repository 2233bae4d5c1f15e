#pragma once

#include <cstdint>

#include "base/time.h"

namespace dsfailover {

/// The process that is said to be gone: startup time (epoch ms) and process id, always both.
struct ProcessIdentity {
    EpochMs startup_time = 0;
    std::int64_t process_id = 0;
};

}  // namespace dsfailover
