#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "registry/process_identity.h"

namespace dsfailover {

/// MasterFailoverEvent of DolphinScheduler.
struct MasterFailoverEvent {
    std::string address;
    std::optional<ProcessIdentity> process;
    std::optional<EpochMs>
        event_time;  ///< none: the later of our and the database's clock, under the locks
};

/// WorkerFailoverEvent of DolphinScheduler.
struct WorkerFailoverEvent {
    std::string address;
    std::optional<ProcessIdentity> process;
    std::optional<EpochMs> event_time;
};

/// GlobalMasterFailoverEvent of DolphinScheduler.
struct GlobalMasterFailoverEvent {
    std::optional<EpochMs> event_time;
};

}  // namespace dsfailover
