#pragma once

#include "report/words.h"

namespace dsfailover {

/// The workflow of a task whose worker is gone.
struct TaskOwner {
    bool in_failover = false;    ///< in state 18; else in 1, 2 or 4
    bool command_waits = false;  ///< for it
    bool has_host = false;       ///< it has one that is an address
    bool lives = false;          ///< a master lives there
    bool doubtful = false;       ///< none does, and another master may hold the workflow
    bool unheld = false;         ///< no living master holds it: all of them said so
    bool any_master_lives = false;
};

/// The way by which failover-worker gets a task of that workflow to run again: announced, pending,
/// stuck or workflow_failover (not_announceable and redispatched take the place of the first and
/// the last, as the run has it).
TaskRoute route_by(const TaskOwner& owner);

}  // namespace dsfailover
