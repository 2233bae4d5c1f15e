#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/failover/host_stamps.h"
#include "coordinator/run_context.h"
#include "registry/living_servers.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

/// A workflow instance in state 1, 2 or 4, as it was read, that another master holds than the one
/// that is its host.
struct MisplacedInstance {
    WorkflowInstance row;
    std::string holder;
};

/// What became of one.
struct RehostResult {
    enum class Kind {
        rehosted,
        changed,  ///< its row is not as it was read; nothing was changed
        failed,   ///< `problem`; nothing was changed
    };
    Kind kind = Kind::failed;
    std::string problem;
};

/// Puts those first that wait for a slot of a task group: the group is blocked, or they wait for
/// ever, while their host is not who holds them. Otherwise the order stays. Throws DatabaseError.
void put_waiting_first(const RunContext& context, std::vector<MisplacedInstance>& instances);

/// Makes the master that holds a workflow its host, on releases whose recovery leaves the host
/// alone. The master itself learns nothing of it, and writes the old host back when the workflow is
/// stopped, paused or ends.
class Rehosting {
  public:
    /// `confirm` is called right before each commit; what it throws rolls back.
    Rehosting(const RunContext& context, std::function<void()> confirm);

    /// Adds a stamp to each holder's, then sets host to the holder and restart_time to that stamp,
    /// where the row is still as it was read; a hundred in a transaction, and one alone where some
    /// fail. Each that is written goes to the audit log. Returns what became of each, in their
    /// order. `servers` live now. Throws LockError if others change the stamps all the time,
    /// RegistryError, DatabaseError if the database is gone, and Interrupted.
    std::vector<RehostResult> write(std::span<const MisplacedInstance> instances,
                                    const Servers& servers);

  private:
    bool write_together(std::span<const std::size_t> places);
    void attempt(std::span<const std::size_t> places, bool maybe_committed);

    const RunContext& context_;
    const std::function<void()> confirm_;
    WorkflowInstanceStore workflows_;
    HostStamps stamps_;
    std::span<const MisplacedInstance> instances_;  // of write()
    std::vector<RehostResult> results_;
    std::string problem_;  // of the last that failed
};

}  // namespace dsfailover
