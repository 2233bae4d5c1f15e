#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "coordinator/asking/control_workflows.h"
#include "coordinator/asking/master_round.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// Which masters hold workflow instances, by all rounds of questions of a run together: what was
/// held once is held, and what was not answered once is not answered.
class Holders {
  public:
    /// `servers`: those that lived when the run began. All must outlive this.
    Holders(const RunContext& context, const AskOptions& options, const Servers& servers);

    /// Asks the living masters about the first options.limit of `ids`, and puts what they said into
    /// report.masters_asked; where the run asks nobody nothing is answered. Not inside a
    /// transaction. Throws as ask_living_masters().
    void ask(std::span<const std::int64_t> ids);
    /// The same about one instance that was asked about, inside the transaction that has locked its
    /// row, so for at most a second; the report is left alone. Who looks dead now and lived before
    /// has not answered: there is no time to look patiently.
    void ask_with_row_locked(std::int64_t id);

    HeldBy of(std::int64_t id) const;
    /// Why not every living master answered, in the last round; empty: each did.
    const std::string& problems() const { return problems_; }

  private:
    void note_problems(const MasterRound& round);

    const RunContext& context_;
    const AskOptions& options_;
    const Servers& servers_;
    bool controls_chosen_ = false;
    Controls controls_;
    std::map<std::int64_t, HeldBy> held_;
    std::string problems_;
};

}  // namespace dsfailover
