#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/failover/first_look.h"
#include "coordinator/failover/master_target.h"
#include "coordinator/failover/selection.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Reads the unfinished workflows of the masters that are failed over, and takes down what a
/// reading says of each as a whole: one with nothing to fail over, or of which it makes no sense to
/// fail over anything, ends with that.
class MasterReading {
  public:
    /// All must outlive this. `given`: --event-time, epoch ms.
    MasterReading(const RunContext& context, const FailoverOptions& options, FirstLook& look,
                  std::vector<MasterTarget>& targets, std::optional<EpochMs> given);

    /// The event time of the readings from now on: the one given, or the later of our and the
    /// database's clock. Throws DatabaseError.
    void set_event_time();

    /// A look that needs neither lock nor grace time to end the run for masters with nothing to
    /// fail over, and nothing to ask about: most runs that repeat another find nothing. Throws as
    /// read_selection() does; so do the others.
    void look_without_locks(bool whole_cluster);

    /// The reading under the locks: of every open master, with `whole_cluster` of all hosts. The
    /// result has an entry for each that was open; those still open afterwards have work to do.
    Selection first(bool whole_cluster);

    /// Of some masters once more, after others' work on them: their records begin anew.
    Selection again(const std::set<std::string>& addresses);

    /// Of some masters after our own work on them.
    Selection later(const std::set<std::string>& addresses);

    /// What a reading says about the master as a whole.
    void judge(MasterTarget& target, AddressSelection& found);

  private:
    using Asking = SelectionRequest::Asking;

    Selection read(const std::set<std::string>& addresses, bool all_hosts, bool first);
    SelectionRequest request(const std::set<std::string>& addresses, bool all_hosts, bool first);
    Selection read_once(const SelectionRequest& request, bool first);
    void take_note_of_questions(const std::set<std::string>& addresses, bool all_hosts);
    MasterTarget* find(const std::string& address);
    std::set<std::string> open() const;
    std::map<std::int64_t, std::string> judge_open(Selection& selection);
    void conclude_without_work(MasterTarget& target, const AddressSelection& found);
    void say_which_named_were_left(const std::map<std::int64_t, std::string>& met);
    void warn_of_others(const Selection& selection);

    const RunContext& context_;
    const FailoverOptions& options_;
    FirstLook& look_;
    std::vector<MasterTarget>& targets_;
    const std::optional<EpochMs> given_event_time_;
    EpochMs event_time_ = 0;
    bool lagging_ = false;  // the zone may be wrong, and a master was restarted
};

}  // namespace dsfailover
