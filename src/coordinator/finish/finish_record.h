#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/failover_options.h"
#include "coordinator/finish/workflow_finish.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// What becomes of each workflow instance of a finish, and what is said of it in the report.
class FinishRecord {
  public:
    /// Both must outlive this. Makes the report's section.
    FinishRecord(const RunContext& context, const FinishOptions& options);

    /// The item of the report, made where it is not there.
    FinishItem& item(std::int64_t id);
    /// Everything is selected anew.
    void forget();
    /// There is nothing to end, or not any more: exit code 3.
    void skip(std::int64_t id, SkipReason reason);
    /// Exit code 4. `why`: what is the matter and the way out.
    void refuse(std::int64_t id, SkipReason reason, const std::string& why);
    void fail(std::int64_t id, const std::string& problem);
    void plan(const FinishTarget& target);
    /// It was committed: goes to the audit log, too.
    void finished(const FinishTarget& target);

    /// Puts the list into the report, says why nothing was done about some, and what follows from
    /// what was done. To be called once. Never throws.
    void list();

  private:
    void note(const FinishTarget& target, WorkflowOutcome outcome);
    void tell_of_skipped(SkipReason reason, const std::vector<std::int64_t>& ids);
    void tell_what_follows(const std::vector<std::int64_t>& ids);
    void tell_of_tasks(const std::vector<std::int64_t>& ids);

    const RunContext& context_;
    const FinishOptions& options_;
    FinishSection& section_;
    std::map<std::int64_t, FinishItem> items_;
    std::map<SkipReason, std::vector<std::int64_t>> skipped_;
    std::vector<std::int64_t> backfills_;  // of those that are done
    std::set<std::int64_t> parents_;       // of those, unfinished themselves
};

}  // namespace dsfailover
