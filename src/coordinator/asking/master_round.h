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
/// complete. `timeout`: of the whole round. `leave_out`: a master that counts as gone; may be
/// empty. `context` must have servers to ask. Throws RegistryError, DatabaseError,
/// EnvironmentError, Interrupted.
MasterRound ask_living_masters(const RunContext& context, std::span<const std::int64_t> ids,
                               const Controls& controls, Millis timeout,
                               const std::string& leave_out = "");

/// The same inside a transaction that has locked the rows of `ids`, for a second at most. There is
/// no time then to see whether who looks dead lives all the same (Registry::living): one of
/// `before`, the masters of an earlier round, that is not there now counts as one that does not
/// answer.
MasterRound ask_with_rows_locked(const RunContext& context, std::span<const std::int64_t> ids,
                                 const Controls& controls, Millis timeout,
                                 std::span<const std::string> before,
                                 const std::string& leave_out = "");

/// Their addresses, for ask_with_rows_locked().
std::vector<std::string> addresses_of(std::span<const MasterAsked> masters);

}  // namespace dsfailover
