#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/failover/address_guard.h"
#include "coordinator/failover/chunk_size.h"
#include "coordinator/failover/failover_target.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover/master_reading.h"
#include "coordinator/failover/master_target.h"
#include "coordinator/failover/parallel_failover.h"
#include "coordinator/failover/stamp_agreement.h"
#include "coordinator/failover/workflow_failover.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// do_master_failover of DolphinScheduler, for one master or for all of a global failover: a look
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

    /// After run(): whether any of what was selected is left.
    bool any_left() const { return any_left_; }

  private:
    void fail_over(bool whole_cluster);
    void first_reading(bool whole_cluster);
    void later_readings();
    void commit(std::span<const SelectedMaster> selected);
    std::optional<FailoverChunk> next_chunk(const SelectedMaster& master);
    std::vector<WorkflowInstance> next_instances(const SelectedMaster& master);
    void record(MasterTarget& target, const WorkflowFailoverResult& result);
    std::vector<SelectedMaster> open_ones(Selection& selection);
    bool by_answer(std::int64_t id) const;
    void plan(const SelectedMaster& master);
    void list_beyond_limit(const SelectedMaster& master);
    bool over_limit() const { return limit_left_ && *limit_left_ <= 0; }
    void write_marks();
    void note_left(MasterTarget& target);
    void nothing_was_left(MasterTarget& target);
    void write_fences();
    void finish(std::optional<Outcome> unfinished);
    void add_names(bool asks_workers);

    const RunContext& context_;
    const FailoverOptions& options_;
    FirstLook look_;
    std::vector<MasterTarget> targets_;
    AddressGuard guard_;
    std::optional<MasterReading> reading_;
    std::optional<StampAgreement> stamps_;
    ParallelFailover parallel_;
    ChunkSize chunk_size_;
    std::optional<std::int64_t> limit_left_;
    std::int64_t newest_command_ = 0;  // before the first of ours, with --wait
    bool any_left_ = false;
    std::size_t first_section_ = 0;  // of ours among the report's
    WorkflowFailover::AlsoInTransaction also_;
    std::function<void(std::int64_t)> on_failed_over_;
};

}  // namespace dsfailover
