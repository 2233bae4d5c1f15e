#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/asking/control_workflows.h"
#include "coordinator/asking/master_round.h"
#include "coordinator/failover/workflow_verdict.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// What the living masters said of a workflow.
struct MastersSaid {
    MasterAnswer answer = MasterAnswer::not_asked;
    std::string held_by;    ///< "HOST:PORT", or two and more with commas; empty: nobody
    bool complete = false;  ///< every living master answered
};

/// The questions of one run to the masters, and what it remembers of them from one reading to the
/// next. Each round is added up in the report (masters_asked).
class WorkflowInquiry {
  public:
    /// `context` must have servers to ask; what it refers to must outlive this.
    WorkflowInquiry(const RunContext& context, const AskOptions& options);

    const AskOptions& options() const { return options_; }
    /// A master that counts as gone, and is not asked.
    void leave_out(std::string address) { left_out_ = std::move(address); }
    bool is_left_out(const std::string& address) const { return left_out_ == address; }

    /// A look at `at` (epoch ms) found the instance unfinished and without a command. Remembers
    /// when that was first so, as long as the row stays as it is; of at most options().limit.
    void saw_without_command(const WorkflowInstance& instance, EpochMs at);

    /// Asks all living masters about instances once, and returns what they said, in their order.
    /// not_held says nothing yet of one whose command a master took a moment ago. These functions
    /// throw as ask_living_masters() does.
    std::vector<MastersSaid> ask_once(std::span<const std::int64_t> ids);
    /// The same, but not_held is sure: what was not seen without a command options().apart ago is
    /// asked about again when that time is over. Needs saw_without_command() of each before.
    std::vector<MastersSaid> ask(std::span<const std::int64_t> ids);

    /// Whether every living master but `leave_out` (may be empty) says what it holds.
    bool every_master_answers(const std::string& leave_out);

    /// An instance is failed over because no master holds it: it is asked about again before the
    /// commit.
    void rely_on_answer(std::int64_t id) { relied_on_.insert(id); }
    bool relies_on_answer(std::int64_t id) const { return relied_on_.contains(id); }
    bool relies_on_any() const { return !relied_on_.empty(); }

    /// An instance that the answers do not allow to be failed over any more.
    struct Objection {
        std::int64_t id = 0;
        MastersSaid said;
    };
    /// With the rows of `ids` locked, on the connection of `context`: asks again about those that
    /// rely on an answer, for a second at most. May be called by the threads that commit, by one at
    /// a time.
    std::vector<Objection> ask_locked(const RunContext& context, std::span<const std::int64_t> ids);

  private:
    struct Seen {
        WorkflowInstance as_read;
        EpochMs since = 0;
    };

    MasterRound round(std::span<const std::int64_t> ids);
    const Controls& controls();
    EpochMs sure_at(std::int64_t id) const;

    const RunContext context_;
    const AskOptions options_;
    std::string left_out_;
    std::optional<Controls> controls_;
    std::vector<std::string> masters_;  // of the last round of a reading
    std::unordered_map<std::int64_t, Seen> seen_;
    std::set<std::int64_t> relied_on_;
};

}  // namespace dsfailover
