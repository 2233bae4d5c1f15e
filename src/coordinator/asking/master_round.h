#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coordinator/asking/control_workflows.h"
#include "coordinator/failover/workflow_verdict.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// What all living masters together said of one workflow.
struct HeldBy {
    int masters = 0;       ///< so many say that they hold it
    std::string holder;    ///< the first of them
    std::string holders;   ///< all of them, with commas
    bool complete = true;  ///< every living master answered

    MasterAnswer answer() const;
};

/// One round of questions to every living master.
struct MasterRound {
    std::vector<MasterAsked> masters;  ///< for the report, by address
    std::vector<HeldBy> workflows;     ///< in the order of the ids asked about
    bool any_new = false;              ///< a master registered meanwhile, and was not asked
};

/// Asks every living master whether it holds the workflows `ids`, and each about its own of
/// `controls` (ControlWorkflows::choose). One that holds none of these, although some are
/// unfinished still, answers like another cluster's master, and counts as one that does not answer.
/// So does one that registered while the others were asked. Where no master lives no workflow is
/// complete. Inside a transaction there is no time to see whether who looks dead lives all the same
/// (Registry::living): such a one is not asked. `timeout`: of the whole round. `leave_out`: a
/// master that counts as gone; may be empty. `context` must have servers to ask. Throws
/// RegistryError, DatabaseError, EnvironmentError, Interrupted.
MasterRound ask_living_masters(const RunContext& context, std::span<const std::int64_t> ids,
                               const Controls& controls, Millis timeout,
                               const std::string& leave_out = "");

}  // namespace dsfailover
