#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/test_run.h"
#include "registry/paths.h"
#include "simulation/cluster.h"

namespace dsfailover {

/// A run of ours in a simulation, and what the observer saw of it.
struct ObservedRun {
    std::string name;        ///< of process and registry session
    std::string command;     ///< as it would be typed
    bool may_doubt = false;  ///< --in-doubt: what masters do not answer the operator answers for
    bool goes_by_idle_time = false;  ///< finish
    bool only_reads = false;         ///< status, explain
    std::string fences;              ///< the address of a process that it may fence
    EpochMs began = 0;
    /// Of each failover lock: who held it at its last two looks; empty: nobody.
    std::map<std::string, std::pair<std::string, std::string>> locks;
    std::optional<std::int64_t> first_look;  ///< at the commands: after so many commits of anybody
    EpochMs saw = 0;  ///< who lives: the masters that registered before this it can know of
    bool asks_about_all = false;
    bool asks = true;    ///< not --ask none
    bool ended = false;  ///< not killed
    std::set<std::int64_t>
        given;  ///< workflows that got a command of it, for the first time or anew
    std::set<std::int64_t> rehosted;  ///< and those of which it wrote the host alone
    std::set<std::int64_t> finished;
    std::set<std::int64_t> left_behind;  ///< a mark of it
    /// What the last commit was about, with the restart_time since then; and all commits together
    /// that had no answer.
    std::map<std::int64_t, std::string> in_commit, unanswered;
};

/// Sees every commit and every mark as it takes effect, knows who runs what, and holds both against
/// what must never happen.
class Observer : public CommitWatcher {
  public:
    Observer(Scheduler& scheduler, Faults& faults, World& world);
    void look_at(SimulatedCluster& cluster) { cluster_ = &cluster; }

    ObservedRun& add_run(const std::string& name);

    /// This process makes a call that changes something in the registry.
    void writes(const std::string& process, const std::string& path);
    /// This process has looked at a failover lock, or has changed it.
    void saw_lock(const std::string& process, const std::string& path);
    /// This process has read who lives.
    void saw_masters(const std::string& process);

    void after_commit(const std::string& process) override;
    void answer_lost(const std::string& process) override;
    void reads_commands(const std::string& process) override;
    /// The cluster's own failover of this workflow left no mark: its master died before.
    void left_no_mark(std::int64_t workflow) { unmarked_[workflow] = "?"; }
    /// Nothing speaks against failing this workflow over, as long as nobody touches it.
    void is_plain(std::int64_t workflow) { plain_.insert(workflow); }
    /// A task of `parent` that has not ended started `child`.
    void is_parent(std::int64_t parent, std::int64_t child) { children_[parent] = child; }
    /// A run has written this mark.
    void mark_written(const std::string& process, const std::string& path);
    /// A session of a run is closed by itself: it has given back what it had.
    void session_closed(const std::string& process);
    /// What a run said of itself, as it ended.
    void run_ended(ObservedRun& run, const TestRun& said, const std::string& audit_log);
    /// A run was killed, and has left this.
    void run_killed(const ObservedRun& run, const std::string& audit_log);

    /// "two commands: workflow 5 has 2 commands after a commit of run-1"
    const std::vector<std::string>& violations() const { return violations_; }

  private:
    struct Workflow {
        int state = 0;
        std::string host, restart_time;
        bool operator==(const Workflow&) const = default;
    };
    struct Rows {
        std::map<std::int64_t, Workflow> workflows;
        std::map<std::int64_t, std::int64_t> commands;                       // id -> workflow
        std::map<std::int64_t, std::pair<std::int64_t, std::string>> tasks;  // id -> workflow, rest
        std::size_t commands_of(std::int64_t workflow) const;
    };
    Rows read();
    void judge(ObservedRun& run, const Rows& after);
    void judge_lock(ObservedRun& run, const std::string& host);
    void judge_held(ObservedRun& run, std::int64_t workflow, bool commanded, const Rows& after);
    void judge_family(ObservedRun& run, std::int64_t id, const Rows& after);
    bool comes_to_its_child(std::int64_t parent);
    bool came_and_went_before(const ObservedRun& run, std::int64_t workflow);
    void note_double_runs(const Rows& after);
    void judge_fence(const ObservedRun& run, const MarkName& mark);
    void violated(const std::string& invariant, const std::string& what);

    Scheduler& scheduler_;
    Faults& faults_;
    World& world_;
    SimulatedCluster* cluster_ = nullptr;
    void judge_explained(const ObservedRun& run, const ExplainedWorkflow& said);
    void judge_masters_failover(const MasterProcess& master, const Rows& after);

    Rows before_;
    // Of a workflow to which a run of ours was the last to give a command or a host.
    struct Ours {
        EpochMs began = 0, committed = 0;
        bool without_lock = false;
        std::string passed;  // who held the failover lock of its host
    };
    std::map<std::int64_t, Ours> ours_;
    std::set<std::int64_t> plain_;
    std::map<std::int64_t, std::int64_t> children_;  // by parent
    std::map<std::string, ObservedRun> runs_;
    std::map<std::int64_t, std::string> unmarked_;  // and their hosts
    std::int64_t commits_ = 0;
    struct Taken {  // with which commit, and when
        std::int64_t commit = 0;
        EpochMs at = 0;
    };
    std::map<std::int64_t, Taken> taken_;      // the last command of each workflow
    std::map<std::int64_t, EpochMs> touched_;  // when row or commands changed last
    std::set<std::int64_t> double_runs_;       // told already
    std::vector<std::string> violations_;
};

}  // namespace dsfailover
