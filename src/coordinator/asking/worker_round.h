#pragma once

#include <span>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "store/task_instance_store.h"

namespace dsfailover {

/// What is known of whether a task lives.
struct TaskLife {
    Answer answer = Answer::unanswered;  ///< of the worker that is its host
    bool at_living_worker = false;       ///< that worker lives: unanswered, the task may, too
    std::string reason;                  ///< why it is unanswered
};

/// One round of questions to living workers.
struct WorkerRound {
    std::vector<WorkerAsked> workers;  ///< for the report, by address: those that were asked
    std::vector<TaskLife> tasks;       ///< in the order of the tasks asked about
};

/// Asks each living worker whether those of `tasks` live whose host it is. Nobody is asked about a
/// type that is not known to be a batch task of a worker (is_known_batch_type), nor about a task
/// whose host is not a living worker, nor at all where the run asks nobody: these are unanswered.
/// `timeout`: of the whole round. Throws RegistryError, EnvironmentError, Interrupted.
WorkerRound ask_living_workers(const RunContext& context, std::span<const UnfinishedTask> tasks,
                               Millis timeout);

}  // namespace dsfailover
