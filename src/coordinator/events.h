#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace dsfailover {

/// The process that is said to be gone: startup time (epoch ms) and process id, always both.
struct ProcessIdentity {
    EpochMs startup_time = 0;
    std::int64_t process_id = 0;
};

/// MasterFailoverEvent of the reference.
struct MasterFailoverEvent {
    std::string address;
    std::optional<ProcessIdentity> process;
    std::optional<EpochMs>
        event_time;  ///< none: the later of our and the database's clock, under the locks
};

/// WorkerFailoverEvent of the reference.
struct WorkerFailoverEvent {
    std::string address;
    std::optional<ProcessIdentity> process;
    std::optional<EpochMs> event_time;
};

/// GlobalMasterFailoverEvent of the reference.
struct GlobalMasterFailoverEvent {
    std::optional<EpochMs> event_time;
};

}  // namespace dsfailover
