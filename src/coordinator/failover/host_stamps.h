#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "coordinator/run_context.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// The stamps of a run that writes rows of many hosts: as a failover does, it adds one for each
/// host before its first commit, so that the next run knows its work again, and writes it into the
/// rows.
class HostStamps {
  public:
    /// `context` must outlive this.
    explicit HostStamps(const RunContext& context) : context_(context) {}

    /// Puts a stamp of each of `hosts` that is an address, and has none of this run yet, into the
    /// registry. `unreadable` is called for each whose stamps cannot be read, and why: its rows
    /// must be left. Throws LockError if others change the stamps all the time, and as add_stamps()
    /// does.
    using Unreadable = std::function<void(const std::string& host, const std::string& problem)>;
    void add(const std::set<std::string>& hosts, const Servers& servers,
             const Unreadable& unreadable);

    /// The restart_time (epoch ms) that a row of `host` gets, so that it is written: the host's
    /// stamp, where there can be one. After an add().
    EpochMs restart_time(const std::optional<std::string>& host) const;

  private:
    void try_to_add(std::set<std::string>& left, const Servers& servers,
                    const Unreadable& unreadable);

    const RunContext& context_;
    std::map<std::string, EpochMs> stamps_;  // by host
    EpochMs no_stamp_ = 0;                   // restart_time where the host is not an address
};

}  // namespace dsfailover
