#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "registry/living_servers.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

/// By the address of a master, workflows that it must hold.
using Controls = std::map<std::string, std::vector<std::int64_t>>;

/// Workflows of which the database knows that a master holds them: what is asked to see that
/// whoever answers at its address is the master of this cluster.
class ControlWorkflows {
  public:
    explicit ControlWorkflows(const Servers& servers) : servers_(servers) {}

    /// Takes an unfinished instance of a scan into account: those that started under the process
    /// that is their host now. Whoever resumed or recovered one may be another master.
    void note(const WorkflowInstance& instance);

    /// For each master up to five of them with task activity within the last ten minutes by
    /// `clock`, epoch ms. Those without any are missing. Throws DatabaseError.
    Controls choose(const RunContext& context, EpochMs clock) const;

  private:
    const Servers& servers_;
    std::map<std::string, std::vector<std::int64_t>> newest_;  // by address
};

/// The same, of a scan of its own over the workflows of the masters in `servers`. Not inside a
/// transaction. Throws DatabaseError, and EnvironmentError naming a row that cannot be read.
Controls choose_controls(const RunContext& context, const Servers& servers);

}  // namespace dsfailover
