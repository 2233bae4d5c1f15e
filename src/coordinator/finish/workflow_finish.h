#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "report/words.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// A workflow instance that is to be ended, as it was read.
struct FinishTarget {
    WorkflowInstance row;
    std::vector<std::int64_t> commands;  ///< that wait for it, in ascending order
    std::vector<UnfinishedTask> tasks;
    std::string end_time;  ///< as the columns take it
    std::vector<std::int64_t> unfinished_parents;
};

/// The states that it and its tasks get.
struct FinalStates {
    int workflow = 0;
    int task = 0;
};

/// What became of it.
struct FinishResult {
    enum class Kind {
        finished,
        taken,    ///< a master took its command; nothing was changed
        changed,  ///< it, its commands or its tasks are not as they were read; nothing was changed
        refused,  ///< `refusal`; nothing was changed
        failed,   ///< the database refused; nothing was changed
    };
    Kind kind = Kind::failed;
    std::optional<SkipReason> refusal;
    std::string problem;  ///< failed
};

/// Ends a workflow instance in one transaction in the masters' own order: its commands are deleted
/// by id, each must still be there; the instance is locked, must be as it was read and have no
/// other command; its unfinished tasks are locked and must be the same; then instance and tasks get
/// their states and end_time. With the rows locked, right before they are written, `judge` says
/// whether something speaks against it by now; what it throws rolls back. A commit whose outcome is
/// unknown is settled under the row's lock. Throws DatabaseError if the database is gone for good,
/// read-only or full, and Interrupted between two tries.
FinishResult finish_workflow(const RunContext& context, const FinishTarget& target,
                             const FinalStates& states,
                             const std::function<std::optional<SkipReason>()>& judge);

}  // namespace dsfailover
