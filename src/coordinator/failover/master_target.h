#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/pace.h"
#include "coordinator/failover/failover_lock.h"
#include "coordinator/failover/failover_target.h"
#include "coordinator/failover/inserted_commands.h"
#include "coordinator/failover/master_record.h"
#include "coordinator/run_claim.h"
#include "coordinator/run_context.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// A master that is being failed over: how far that is, and what the run holds for it.
struct MasterTarget {
    enum class Stage {
        open,        ///< there is work to do, or may be
        fence_only,  ///< nothing to fail over, but its exact process has no mark
        ended,       ///< done, refused or stopped
    };

    /// `living`: the server at its address, another process than the one meant; nullptr: none.
    MasterTarget(FailoverTarget wanted, const Server* living, std::size_t items);

    std::string address;
    std::optional<ProcessIdentity> process;
    std::shared_ptr<LeakWatch> watch;
    std::optional<std::set<std::int64_t>> only;  ///< see FailoverTarget, as the next
    bool by_start;
    bool lives;                           ///< at the first look, with another startup time
    std::optional<EpochMs> living_since;  ///< that startup time
    bool fenced;                          ///< this run stopped its process
    Stage stage = Stage::open;
    bool asks_about_all = false;      ///< it passed a leaked lock
    bool complete = false;            ///< everything selectable was done
    std::optional<RunClaims> claims;  ///< its own, unless those of all were taken together
    std::optional<FailoverLock> lock;
    EpochMs deadline = 0;
    std::optional<EpochMs> stamp;
    std::string new_host;  ///< who becomes the host of what is failed over; empty: it stays
    Pace pace;             ///< of telling how many are failed over
    InsertedCommands inserted;
    MasterRecord record;

    /// Whether only what the masters answer decides.
    bool by_answer() const { return lives && only && !by_start; }
    bool is_open() const { return stage == Stage::open; }
    /// Whether its absence is still to be watched.
    bool is_watched() const { return stage != Stage::ended; }
    MasterSection& section() { return record.section(); }
    /// Ends its failover with this outcome.
    void end(Outcome outcome);
};

/// A master with what a reading found of it.
struct SelectedMaster {
    MasterTarget* target;
    AddressSelection* found;
};

/// Ends the failover of one master among several, with the reason in the report; nothing if it has
/// ended already.
void stop(const RunContext& context, MasterTarget& target, ExitCode code, Outcome outcome,
          const std::string& message);

/// Does `work` for a master: a refusal, a lost lock or a lost session stops that master, and not
/// the others. What ends the run passes.
void stop_on_error(const RunContext& context, MasterTarget& target,
                   const std::function<void()>& work);

/// The same for work on several masters together: what ends it stops each of them.
void stop_on_error(const RunContext& context, std::span<MasterTarget* const> targets,
                   const std::function<void()>& work);

}  // namespace dsfailover
