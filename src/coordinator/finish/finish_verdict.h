#pragma once

#include <optional>

#include "coordinator/failover/workflow_verdict.h"
#include "coordinator/failover_options.h"
#include "report/words.h"

namespace dsfailover {

/// What decides whether an unfinished workflow instance may be ended by hand.
struct FinishFacts {
    MasterAnswer masters = MasterAnswer::unanswered;
    bool idle = false;  ///< no task of it moved for long enough
    bool duplicate_tasks = false;
    bool child_unfinished = false;
    bool parent_unfinished = false;
    bool task_alive = false;    ///< on a living worker
    bool task_unknown = false;  ///< on a living worker, which did not say
};

/// Why it is refused (docs/behaviour.md, "Finish"), the gravest reason first; nullopt: it is not.
/// `with_tasks`: --tasks.
std::optional<SkipReason> why_refused(const FinishFacts& facts, FinishAs as, bool with_tasks);

}  // namespace dsfailover
