#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/failover/workflow_spool.h"
#include "coordinator/failover/workflow_verdict.h"
#include "coordinator/failover_options.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/run_context.h"
#include "registry/living_servers.h"
#include "store/command_watch.h"

namespace dsfailover {

/// The unfinished workflow instances of one address, as one reading found them.
struct AddressSelection {
    AddressFacts facts;
    FailoverStamps stamps;
    AddressMarks marks;
    WorkflowSpool selected;
    std::optional<FileVersion> read_from;  ///< the file before anything of `selected` was read
    std::int64_t total = 0;                ///< all in state 1, 2 or 4
    std::int64_t selectable = 0;           ///< in `selected`, or counted only
    std::int64_t by_answer = 0;            ///< of `selectable`: because no master holds them
    std::int64_t held = 0;                 ///< a living master holds them
    /// With Asking::who_holds: no master holds them, which will change what becomes of them once
    /// that is sure.
    std::int64_t open_questions = 0;
    std::map<Verdict, std::int64_t> skipped;
    std::set<std::int64_t> named;  ///< those of --in-doubt ID,... that were selected
    std::map<std::int64_t, std::string> named_left;  ///< those that were not, and why
    std::int64_t impossible = 0;                     ///< of the verdict impossible_start
    std::vector<std::int64_t> some_ids;  ///< of all, as many as an old process is asked about
    std::optional<EpochMs> settles_at;   ///< when the last of those settling can be told
    std::optional<std::int64_t> latest_start_us;  ///< of all
    std::optional<EpochMs> oldest_start;          ///< of all, epoch ms
    bool start_unknown = false;                   ///< one has neither start_time nor restart_time

    /// Those that another master may be running, or runs, as far as is concluded without an answer:
    /// in_doubt, settling, running_elsewhere.
    std::int64_t doubtful() const;
};

/// Which instances a reading selects, and of whom.
struct SelectionRequest {
    /// Addresses whose selected instances are wanted.
    std::set<std::string> addresses;
    /// Read every host's instances. Those of addresses not wanted are judged and counted only; if
    /// `addresses` is empty, all are wanted.
    bool all_hosts = false;
    /// Of these addresses these instances alone.
    std::map<std::string, std::set<std::int64_t>> only;
    /// Where a master lives at these addresses only that no master holds an instance decides: see
    /// FailoverTarget::only.
    std::set<std::string> by_answer;
    EpochMs event_time = 0;
    bool event_time_given = false;  ///< it is that of --event-time
    InDoubtSelection in_doubt;
    /// When this run began (epoch ms): what carries a later stamp was failed over by another run
    /// meanwhile, and --in-doubt does not mean it.
    EpochMs run_began = 0;
    /// A task that moved later than this (epoch ms) did so under somebody's hands during the run:
    /// FirstLook::moves_count_after.
    EpochMs moves_count_after = INT64_MAX;
    /// The stamps that this run has given, by address.
    std::map<std::string, EpochMs> own_stamps;
    /// What this run saw in state 18, or with a command; none: the reading has one of its own.
    CommandWatch* watch = nullptr;
    /// What earlier readings of the run left to resumed parents (left_for_family()); none: nothing.
    std::set<std::int64_t>* left_to_parents = nullptr;
    /// Whom the masters are asked about; nullptr: nobody, and what is concluded without is said.
    WorkflowInquiry* inquiry = nullptr;
    enum class Asking {
        not_yet,     ///< only what WorkflowInquiry must have seen before is noted
        who_holds,   ///< once: only that a master holds one counts, the rest stays an open question
        once,        ///< of a dry run: that no master holds one counts at once
        until_sure,  ///< WorkflowInquiry::ask()
    } asking = Asking::until_sure;
    /// Addresses of which what would be selected is asked about, too, whatever AskOptions::about
    /// says.
    std::set<std::string> ask_about_all;
    /// Only whether anything is selected: the scan may end at the first instance that is. For one
    /// address.
    bool until_selected = false;
    /// Do not call `skipped` for what runs of ours failed over since run_began.
    bool leave_out_own_work = false;
    /// Read the instances with these ids alone, of whatever host, instead of scanning; empty: scan.
    std::vector<std::int64_t> ids;
    /// If set: told of every instance that is judged, and of what judge() was given. One that is
    /// judged again comes again.
    std::function<void(const WorkflowInstance&, const AddressFacts&, const Evidence&)> judged;
    /// If set, with all_hosts: the scan reads those that wait, too (states 0, 14 and 18), and hands
    /// every instance over to this before those in state 1, 2 or 4 are judged.
    std::function<void(const WorkflowInstance&)> each;
};

/// An instance that was skipped, and why.
struct SkippedWorkflow {
    const WorkflowInstance& instance;
    Verdict verdict;
    std::optional<EpochMs> last_task_activity;  ///< epoch ms, where it was looked up
    MastersSaid said;                           ///< not_asked where nobody was
    std::string relative = {};                  ///< LeftForFamily::other
};
using SkipCallback = std::function<void(const std::string& address, const SkippedWorkflow&)>;

/// Everything one reading found.
struct Selection {
    std::map<std::string, AddressSelection> addresses;
    std::int64_t ownerless = 0;         ///< unfinished, without a host
    std::set<std::string> odd_hosts;    ///< hosts that are not HOST:PORT
    bool any_of_living_master = false;  ///< a living master is the host of one
};

/// Looks at the waiting commands, then reads the unfinished instances in one scan and judges each
/// by the marks and stamps of its address, which are read after the scan began: what another run of
/// ours changed before is then always recognised. Instances in state 18 are noted in
/// `request.watch`. Addresses that live (in `servers`) are judged by their new process's startup
/// time. An address whose stamps cannot be read is warned of, and its instances are judged as with
/// an unreadable mark. Throws EnvironmentError (impossible start_time), DatabaseError,
/// RegistryError, and Interrupted. An address of `request.addresses` without instances has an entry
/// all the same.
Selection read_selection(const RunContext& context, const Servers& servers,
                         const SelectionRequest& request, const SkipCallback& skipped);

/// Whether any workflow of any host is in doubt, settling or running elsewhere: a master that
/// starts would fail it over again. What cannot be judged counts. Throws DatabaseError,
/// RegistryError.
bool any_in_doubt(const RunContext& context, const Servers& servers);

/// The report's item for a workflow instance in state 1, 2 or 4, its name left out.
WorkflowItem workflow_item(std::int64_t id, int state, WorkflowOutcome outcome);

/// The same for one that was skipped.
WorkflowItem skipped_item(const SkippedWorkflow& skipped);

/// Tells what to do about the workflows of `address` that were skipped and need a person, by reason
/// (in_doubt, settling, command_pending), and raises the exit code to 3 if there are any.
/// `settles_at`: AddressSelection::settles_at.
void report_doubts(const RunContext& context, const std::string& address,
                   const std::map<SkipReason, std::int64_t>& skipped,
                   std::optional<EpochMs> settles_at);

}  // namespace dsfailover
