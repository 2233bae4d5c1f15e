#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "coordinator/events.h"
#include "report/report.h"

namespace dsfailover {

class LeakWatch;

/// A master that is to be failed over.
struct FailoverTarget {
    std::string address;
    std::optional<ProcessIdentity> process;  ///< names the exact mark; none: the unknown one
    std::optional<FenceInfo> fence;          ///< how it was made to stop, for the report
    std::shared_ptr<LeakWatch> watch{};      ///< over its lock, begun before it was fenced
    /// These workflows alone, and no mark. Where a master lives at the address they are failed over
    /// when no living master holds them, whenever they started, and never without that answer.
    std::optional<std::set<std::int64_t>> only{};
    /// With `only`: those of a master that lives as global judges them, by when it started.
    bool by_start = false;
};

}  // namespace dsfailover
