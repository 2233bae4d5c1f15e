#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stand_ins/master_tables.h"
#include "stand_ins/master_view.h"
#include "stand_ins/registry.h"

namespace dsfailover {

/// Whether a master gives a failover lock back: before May 2026 it holds each until it ends.
enum class FailoverLocks { leaked, given_back };

/// The failovers that a master does by itself: of all that is left when it starts, of a master or
/// worker that goes. They wait for one another, as for one thread: one that waits for a lock keeps
/// all others waiting.
class StandInFailover {
  public:
    /// Between the departure of a server and its failover.
    static constexpr Millis kAfterDeparture{30'000};
    /// Until one that failed is tried again.
    static constexpr Millis kAgainAfter{10'000};
    using Say = std::function<void(const std::string& what)>;

    /// All must outlive it. `held`: what the master holds, which it does not fail over.
    StandInFailover(Database& database, MasterTables& tables, StandInRegistry& registry,
                    const std::map<std::int64_t, int>& held, FailoverLocks locks, const Say& say)
        : database_(database),
          tables_(tables),
          registry_(registry),
          held_(held),
          locks_(locks),
          say_(say) {}

    /// The master registered `now` (epoch ms): it begins with what is left of all hosts.
    void started(EpochMs startup_time, EpochMs now);
    /// The master sees that a process is gone, `now`: its node went, or another process registered
    /// at its address.
    void master_gone(const ServerProcess& process, EpochMs now);
    void worker_gone(const ServerProcess& process, EpochMs now);

    /// The next small thing that is due: one transaction, or one call to the registry. Returns
    /// whether there was one. Throws DatabaseError, and what the registry throws: the next step
    /// tries the same again.
    bool step(const MasterView& view);

    /// Of the last host whose workflows were read (epoch ms): only those that began before it are
    /// failed over. 0: none yet.
    EpochMs deadline() const { return deadline_; }

  private:
    using Work = std::function<void(const MasterView&)>;
    /// Returns whether it is done; if not it comes again.
    using Part = std::function<bool(const MasterView&)>;
    struct Event {
        EpochMs due = 0;
        std::string what;
        Work begin;
    };
    struct Left {  // what ends the event, to be tried again
        std::string why;
    };

    void add(EpochMs due, const std::string& what, Work begin);
    bool begin_next(EpochMs now);
    void fail_over_all(EpochMs event_time);
    void fail_over_host(const std::optional<std::string>& host, EpochMs event_time);
    void fail_over(const std::string& address, EpochMs deadline, const std::string& mark);
    void select(const std::string& address, EpochMs deadline, EpochMs now);
    void fail_over_workflow(const LeftWorkflow& workflow, EpochMs now);
    void give_up_tasks(std::int64_t workflow_id, const ServerProcess& worker, EpochMs before,
                       const MasterView& view);
    void end_lock();
    bool lives(std::string_view folder, const ServerProcess& process);
    void next(Work work);
    void until_done(Part part) { parts_.push_back(std::move(part)); }

    Database& database_;
    MasterTables& tables_;
    StandInRegistry& registry_;
    const std::map<std::int64_t, int>& held_;
    const FailoverLocks locks_;
    const Say& say_;
    std::vector<Event> events_;
    Event event_;              // at work, while there are parts
    std::vector<Part> parts_;  // what is left to do of it, the next one last
    std::optional<std::string> lock_;
    EpochMs deadline_ = 0;
    bool waits_ = false;  // for a lock, which was said
};

}  // namespace dsfailover
