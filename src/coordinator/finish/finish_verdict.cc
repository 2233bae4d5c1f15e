#include "coordinator/finish/finish_verdict.h"

namespace dsfailover {

std::optional<SkipReason> why_refused(const FinishFacts& facts, FinishAs as, bool with_tasks) {
    switch (facts.masters) {
        case MasterAnswer::held:
        case MasterAnswer::held_idle:
        case MasterAnswer::held_by_two:
            return SkipReason::held;
        case MasterAnswer::not_asked:
        case MasterAnswer::unanswered:
            if (!facts.idle) return SkipReason::active;
            break;
        case MasterAnswer::not_held:
            break;
    }
    if (facts.duplicate_tasks) return SkipReason::duplicate_tasks;
    if (facts.child_unfinished) return SkipReason::child_unfinished;
    // A stopped child makes its parent's task KILL, with which the parent hangs for ever.
    if (as == FinishAs::stop && facts.parent_unfinished) return SkipReason::parent_unfinished;
    if (with_tasks) return std::nullopt;
    if (facts.task_alive) return SkipReason::task_alive;
    if (facts.task_unknown) return SkipReason::task_unanswered;
    return std::nullopt;
}

}  // namespace dsfailover
