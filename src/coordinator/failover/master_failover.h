#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "coordinator/events.h"
#include "coordinator/failover/chunk_size.h"
#include "coordinator/failover/failover_lock.h"
#include "coordinator/failover/parallel_failover.h"
#include "coordinator/failover/selection.h"
#include "coordinator/failover/workflow_failover.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_claim.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// A master that is to be failed over.
struct FailoverTarget {
    std::string address;
    std::optional<ProcessIdentity> process;  ///< names the exact mark; none: the unknown one
    std::optional<FenceInfo> fence;          ///< how it was made to stop, for the report
    std::shared_ptr<LeakWatch> watch{};      ///< over its lock, begun before it was fenced
};

/// A reading of the cluster: who lives, and when that was seen (epoch ms).
struct FirstLook {
    Servers servers;
    EpochMs at = 0;
    EpochMs clock_difference = 0;  ///< the largest between our clock and another
    /// What the run saw in state 18, or with a command, since this look. Shared by all its parts.
    std::shared_ptr<CommandWatch> watch = std::make_shared<CommandWatch>();

    bool targets_are_judged = false;  ///< a look without locks selected something of each target

    /// A task that moved later than this (epoch ms) did so while the run was under way, whatever
    /// the clocks.
    EpochMs moves_count_after() const;
    /// What every reading of the run asks with. `event_time` (epoch ms), and whether it is `given`.
    SelectionRequest request(EpochMs event_time, bool given) const;
};

/// do_master_failover of the reference, for one master or for all of a global failover: a look
/// without locks, which ends the run where there is nothing to fail over, then locks, grace, one
/// reading for all, stamps, transactions, marks.
///
/// Adds one MasterSection per target to the report, in order. One target's refusal, lost lock or
/// failure never stops the others. Throws Error when the registry or the database is gone, and
/// Interrupted; the report is true then, too.
class MasterFailover {
  public:
    MasterFailover(const RunContext& context, const FailoverOptions& options, FirstLook look);
    ~MasterFailover();

    /// More work inside each transaction, for instance redispatching tasks.
    void also_in_transaction(WorkflowFailover::AlsoInTransaction also) { also_ = std::move(also); }

    /// Called with the id of each workflow instance once it is failed over and committed.
    void on_failed_over(std::function<void(std::int64_t)> callback) {
        on_failed_over_ = std::move(callback);
    }

    /// Fails the targets over, or with dry_run says what would be done. `event_time` (epoch ms):
    /// none takes the later of our and the database's clock once the locks are held.
    /// `whole_cluster`: also judge the other hosts' instances, and warn of those that the dead
    /// master may have been running.
    void run(std::vector<FailoverTarget> targets, std::optional<EpochMs> event_time,
             bool whole_cluster);

    /// After run(), with options.wait: follows the commands it inserted until all are taken or
    /// `until` (epoch ms) is reached, and puts it into the report. Throws DatabaseError, and
    /// Interrupted.
    void wait_for_recovery(EpochMs until);

  private:
    struct Target;
    struct Selected;

    void take_claims();
    Millis left_to_wait() const;
    void take_free_locks();
    void take_locks();
    const Servers& look_again(Target& waiting);
    void look_who_returned(const Target* but);
    void wait_grace();
    void check_return(Target& target);
    void set_event_time();
    void look_without_locks(bool whole_cluster);
    void first_reading(bool whole_cluster);
    void say_which_in_doubt_were_not_met(const std::set<std::int64_t>& met);
    void judge_reading(Target& target, AddressSelection& found);
    void conclude_without_work(Target& target, const AddressSelection& found);
    void forget_reading(Target& target);
    void plan(Target& target, AddressSelection& found);
    void list_left(Target& target, const WorkflowInstance& instance);
    void choose_stamps(std::span<const Selected> selected);
    void agree_on_stamps(std::span<const Selected> selected);
    void agree_on_stamp(Target& target, AddressSelection& found);
    void commit(std::span<const Selected> selected);
    std::optional<FailoverChunk> next_chunk(Target& target, AddressSelection& found);
    void list_beyond_limit(Target& target, AddressSelection& found);
    void later_readings();
    void write_marks();
    void nothing_was_left(Target& target);
    void write_fences();
    bool still_claimed(Target& target);
    void confirm(Target& target);
    void confirm_all(std::vector<Selected>& selected);
    void require_ours(Target& target, bool lock_held, const std::optional<Server>& living);
    void release_locks();
    std::int64_t find_commands(Target& target);
    void record(Target& target, const WorkflowFailoverResult& result);
    void stop(Target& target, ExitCode code, Outcome outcome, const std::string& message);
    void guarded(Target& target, const std::function<void()>& work);
    void guarded(std::span<const Selected> selected, const std::function<void()>& work);
    std::string_view by_global() const;
    void warn_of_others(const Selection& selection);
    void finish(std::optional<Outcome> unfinished);
    void add_names();
    MasterSection& section(const Target& target) const;
    Target* find(const std::string& address);
    Selection read(const std::set<std::string>& addresses, bool all_hosts, bool first);
    Selection read_once(const std::set<std::string>& addresses, bool all_hosts, bool first,
                        bool until_selected);
    void skip_later(Target& target, WorkflowItem item);
    void put_item(Target& target, WorkflowItem item, bool listed);
    std::set<std::string> active() const;
    std::set<std::string> waiting() const;

    const RunContext& context_;
    const FailoverOptions& options_;
    FirstLook look_;
    std::optional<EpochMs> given_event_time_;
    EpochMs event_time_ = 0;
    bool lagging_ = false;
    std::optional<std::int64_t> limit_left_;
    ChunkSize chunk_size_;
    EpochMs waiting_since_ = 0;        // for claims and locks
    RunClaims claims_;                 // of all targets together
    std::int64_t newest_command_ = 0;  // before the first of ours, with --wait
    std::vector<Target> targets_;
    ParallelFailover parallel_;
    WorkflowFailover::AlsoInTransaction also_;
    std::function<void(std::int64_t)> on_failed_over_;
};

}  // namespace dsfailover
