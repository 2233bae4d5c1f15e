#include "coordinator/worker/task_route.h"

namespace dsfailover {

TaskRoute route_by(const TaskOwner& owner) {
    if (owner.command_waits) return TaskRoute::pending;
    if (owner.in_failover || !owner.has_host) return TaskRoute::stuck;
    if (owner.unheld) return TaskRoute::workflow_failover;
    if (owner.lives || (owner.doubtful && owner.any_master_lives)) return TaskRoute::announced;
    return TaskRoute::workflow_failover;
}

}  // namespace dsfailover
