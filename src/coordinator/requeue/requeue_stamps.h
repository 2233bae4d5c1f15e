#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

#include "coordinator/requeue/requeue_record.h"
#include "coordinator/run_context.h"
#include "registry/cluster.h"

namespace dsfailover {

/// The stamps of a requeue: as a failover does, it adds one for each host before its first commit,
/// so that the next run knows its work again, and writes it into the rows.
class RequeueStamps {
  public:
    /// Both must outlive this.
    RequeueStamps(const RunContext& context, RequeueRecord& record);

    /// Puts a stamp for the host of each of these workflows into the registry. Those whose host's
    /// stamps cannot be read fail. Throws LockError if others change them all the time, and as
    /// add_stamps() does.
    void add_for(std::span<const std::int64_t> ids, const Servers& servers);

    /// The restart_time (epoch ms) that a workflow gets, so that its row is written: its host's
    /// stamp, where there can be one.
    EpochMs restart_time(std::int64_t id) const;

  private:
    void try_to_add(std::set<std::string>& left, const Servers& servers);

    const RunContext& context_;
    RequeueRecord& record_;
    std::map<std::string, EpochMs> stamps_;  // by host
    EpochMs no_stamp_ = 0;                   // restart_time where the host is no address
};

}  // namespace dsfailover
