#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/events.h"
#include "coordinator/failover_coordinator.h"
#include "coordinator/failover_options.h"
#include "coordinator/world.h"
#include "report/report.h"
#include "servers/server_asker.h"

namespace dsfailover {

/// One run of dsfailover in a World, as the command line would start it, but that nothing is waited
/// for: neither grace time, nor locks, nor
/// announcements, nor the time between two questions.
class TestRun {
  public:
    /// `client`: the name of its registry session, for rules of the MemoryWorld.
    explicit TestRun(World& world, std::string client = "run");

    FailoverOptions options;
    RequeueOptions requeue_options;
    FinishOptions finish_options;
    RehostOptions rehost_options;
    StatusOptions status_options;
    ServerAsker* servers = nullptr;  ///< whom it asks
    std::optional<ProcessIdentity> process;
    std::optional<EpochMs> event_time;
    std::string audit_file;  ///< empty: none

    // What a run throws is put into the report, as the command line does it.
    TestRun& failover_master(const std::string& address);
    TestRun& failover_worker(const std::string& address);
    TestRun& failover_workflow(const std::vector<std::int64_t>& ids);
    TestRun& global();
    TestRun& requeue(std::vector<std::int64_t> ids = {});
    TestRun& finish(std::vector<std::int64_t> ids);
    TestRun& rehost(std::vector<std::int64_t> ids = {});
    TestRun& clean_marks(const MarksOptions& cleaning);
    TestRun& status();
    TestRun& explain(std::vector<std::int64_t> ids);

    Report report;
    int exit_code() const { return static_cast<int>(report.exit_code); }
    std::string outcome() const { return std::string(to_string(report.outcome)); }
    /// The section of a master; a failed test and an empty one where there is none.
    MasterSection master(const std::string& address) const;
    /// What became of a workflow: "failed_over", "planned", "requeued", ..., or why it was skipped
    /// or refused; "unseen" where it is not in the report.
    std::string fate_of(std::int64_t workflow) const;
    /// The item of a finish; a failed test and an empty one where there is none.
    FinishItem finish_item(std::int64_t workflow) const;
    /// Route and outcome of a task: "workflow_failover failed_over", "stuck left".
    std::string fate_of_task(std::int64_t task) const;
    /// All that is said in errors and warnings.
    std::string said() const;

  private:
    TestRun& perform(const std::string& command,
                     const std::function<void(const OpenCluster&)>& work);
    std::vector<const WorkflowItem*> items() const;

    World& world_;
    const std::string client_;
};

}  // namespace dsfailover
