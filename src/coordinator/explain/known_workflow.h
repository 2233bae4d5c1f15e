#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/failover/resumed_parents.h"
#include "coordinator/failover/workflow_verdict.h"
#include "store/command_store.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// What decides about one workflow instance that is explained.
struct KnownWorkflow {
    WorkflowInstance row;
    std::vector<WaitingCommand> commands;
    MastersSaid said;
    // Of one in state 1, 2 or 4, of the table's judge():
    std::optional<Judgement> judgement;
    AddressFacts facts;
    Evidence evidence;
    /// Of one that is selected: why it is left all the same.
    std::optional<LeftForFamily> family;

    bool duplicate_tasks = false;           ///< with which recovery fails
    bool unreadable_command_param = false;  ///< its own; likewise
    std::string fails_again;         ///< for which its commands failed twice; empty: for none
    bool unfinished_parent = false;  ///< one of its parents has not ended
    std::vector<std::int64_t> unfinished_children;
    std::int64_t living_tasks = 0;  ///< of which their workers say that they live

    const std::string& host() const { return *row.host; }
    bool has_host() const { return row.host && !row.host->empty(); }
    bool is_held() const { return !said.held_by.empty(); }
};

/// What all workflows of one run have in common.
struct ExplainedCluster {
    EpochMs clock = 0;  ///< the database's
    bool any_master_lives = false;
    std::vector<std::string> normal_masters;  ///< those that take commands
    std::string unanswered;                   ///< why not every master answered; may be empty
};

}  // namespace dsfailover
