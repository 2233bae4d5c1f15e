#pragma once

#include <memory>
#include <optional>
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
};

}  // namespace dsfailover
