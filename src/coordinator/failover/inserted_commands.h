#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// The recovery commands that a run inserted for the workflows of one master.
class InsertedCommands {
  public:
    /// A workflow and its command; 0 where the id is not known: a commit that only a later look
    /// confirmed does not tell it.
    void add(std::int64_t workflow_id, std::int64_t command_id);

    /// Follows them until all are taken or `until` (epoch ms) is reached, and adds what happened to
    /// `recovery`, as watch_recovery() does. `before`: the newest command's id before the run's
    /// first. Returns the first few messages of those that failed. `recovery` is true whatever it
    /// throws.
    std::vector<std::string> follow(const RunContext& context, std::int64_t before, EpochMs until,
                                    WorkflowInquiry* inquiry, bool rehosts, RecoveryInfo& recovery);

    std::int64_t count() const;

  private:
    std::vector<std::int64_t> find_unknown(const RunContext& context, std::int64_t before);

    std::vector<FailedOver> known_;
    std::vector<std::int64_t> workflows_;  // of which no command's id is known
};

}  // namespace dsfailover
