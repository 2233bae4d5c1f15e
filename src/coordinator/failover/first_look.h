#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include "base/time.h"
#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/selection.h"
#include "registry/living_servers.h"
#include "store/command_watch.h"

namespace dsfailover {

/// The cluster as a run saw it first: who lives, and when that was seen (epoch ms).
struct FirstLook {
    Servers servers;
    EpochMs at = 0;
    EpochMs clock_difference = 0;  ///< the largest between our clock and another
    Activity activity;             ///< of the database's rows
    /// What the run saw in state 18, or with a command, since this look. Shared by all its parts.
    std::shared_ptr<CommandWatch> watch = std::make_shared<CommandWatch>();

    /// What the run left to resumed parents. Shared by all its parts.
    std::shared_ptr<std::set<std::int64_t>> left_to_parents =
        std::make_shared<std::set<std::int64_t>>();

    /// What the run asks the masters; nullptr: nothing. Shared by all its parts.
    std::shared_ptr<WorkflowInquiry> inquiry;

    bool targets_are_judged = false;  ///< a look without locks selected something of each target

    /// A task that moved later than this (epoch ms) did so while the run was under way, whatever
    /// the clocks.
    EpochMs moves_count_after() const;
    /// What every reading of the run asks with. `event_time` (epoch ms), and whether it is `given`.
    SelectionRequest request(EpochMs event_time, bool given) const;
};

}  // namespace dsfailover
