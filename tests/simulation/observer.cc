#include "simulation/observer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "registry/paths.h"
#include "store/command_type.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr Millis kFirstLook{5000};  // after a run began, at the commands
constexpr Millis kFromReadingToCommit{5000};

}  // namespace

Observer::Observer(Scheduler& scheduler, Faults& faults, World& world)
    : scheduler_(scheduler), faults_(faults), world_(world) {}

ObservedRun& Observer::add_run(const std::string& name) {
    ObservedRun& run = runs_[name];
    run.name = name;
    return run;
}

std::size_t Observer::Rows::commands_of(std::int64_t workflow) const {
    return static_cast<std::size_t>(std::count_if(
        commands.begin(), commands.end(), [&](const auto& one) { return one.second == workflow; }));
}

Observer::Rows Observer::read() {
    Rows all;
    Database& database = world_.database();
    const auto workflows =
        database.query("SELECT id, state, host, restart_time FROM t_ds_workflow_instance");
    for (std::size_t i = 0; i < workflows.size(); ++i)
        all.workflows[workflows[i].integer(0)] = {static_cast<int>(workflows[i].integer(1)),
                                                  std::string(workflows[i].text(2)),
                                                  std::string(workflows[i].text(3))};
    const auto commands = database.query("SELECT id, workflow_instance_id FROM t_ds_command");
    for (std::size_t i = 0; i < commands.size(); ++i)
        all.commands[commands[i].integer(0)] = commands[i].integer(1);
    const auto tasks = database.query(
        "SELECT id, workflow_instance_id, state, flag, host FROM t_ds_task_instance");
    for (std::size_t i = 0; i < tasks.size(); ++i)
        all.tasks[tasks[i].integer(0)] = {
            tasks[i].integer(1),
            fmt::format("{}|{}|{}", tasks[i].text(2), tasks[i].text(3), tasks[i].text(4))};
    return all;
}

void Observer::violated(const std::string& invariant, const std::string& what) {
    violations_.push_back(invariant + ": " + what);
    scheduler_.tell("VIOLATED  " + violations_.back());
}

void Observer::writes(const std::string& process, const std::string& path) {
    const auto run = runs_.find(process);
    if (run != runs_.end() && run->second.only_reads) violated("a look that writes", path);
}

void Observer::saw_lock(const std::string& process, const std::string& path) {
    const auto run = runs_.find(process);
    if (run == runs_.end()) return;
    auto& [before, now] = run->second.locks[path];
    before = std::exchange(now, world_.registry.look([&](const MemoryState& state) -> std::string {
        const auto claims = state.locks.find("/dolphinscheduler" + path);
        if (claims == state.locks.end() || claims->second.empty()) return "";
        return claims->second.front().description + claims->second.front().id;
    }));
}

void Observer::saw_masters(const std::string& process) {
    const auto run = runs_.find(process);
    if (run != runs_.end()) run->second.saw = scheduler_.time();
}

void Observer::after_commit(const std::string& process) {
    Rows after = read();
    ++commits_;
    for (const auto& [id, workflow] : after.commands)
        cluster_->workflow_of_command.emplace(id, workflow);
    for (const auto& [id, workflow] : before_.commands)
        if (!after.commands.contains(id)) taken_[workflow] = {commits_, scheduler_.time()};
    for (const auto& [id, row] : after.workflows) {
        const auto found = before_.workflows.find(id);
        const bool changed = found == before_.workflows.end() || found->second != row;
        if (changed && found != before_.workflows.end()) plain_.erase(id);
        if (changed || after.commands_of(id) != before_.commands_of(id))
            touched_[id] = scheduler_.time();
    }
    const auto run = runs_.find(process);
    if (run != runs_.end()) {
        judge(run->second, after);
    } else {
        for (const MasterProcess& master : cluster_->masters())
            if (master.name == process) judge_masters_failover(master, after);
        note_double_runs(after);
    }
    before_ = std::move(after);
}

// The cluster's own failover must pass by what a run of ours gave to another master, as long as its
// deadline is older than the run: that is what the stamp in restart_time is for. Excused:
// - what a master holds that lost its session, whom the others take for gone;
// - what the master had read before the commit, if the run did not keep it from that by the
//   failover lock of the host: rehost and requeue take none, a run passed that of this very
//   master, which looked leaked, and was used once more, or the master's went with its session
//   (docs/reliability.md).
void Observer::judge_masters_failover(const MasterProcess& master, const Rows& after) {
    for (const auto& [command, workflow] : after.commands) {
        if (before_.commands.contains(command)) continue;
        const Workflow& was = before_.workflows.at(workflow);
        // That of a resumed parent for its child changes no state.
        if (was.state == workflow_state::kFailover ||
            after.workflows.at(workflow).state != workflow_state::kFailover)
            continue;
        unmarked_[workflow] = was.host;
        const auto found = ours_.find(workflow);
        if (found == ours_.end()) continue;
        const Ours ours = found->second;
        ours_.erase(found);
        const bool not_kept_from_it =
            ours.without_lock || master.deaf_until > 0 || ours.passed.starts_with(master.name);
        if (master.model->failover().deadline() >= ours.began ||
            master.selected_at < (not_kept_from_it ? ours.committed : ours.began))
            continue;
        for (const MasterProcess* holder : cluster_->holders(workflow))
            if (holder->deaf_until == 0)
                violated("failed over again by the cluster",
                         fmt::format("workflow {} is held by {}", workflow, holder->name));
    }
}

void Observer::judge(ObservedRun& run, const Rows& after) {
    std::set<std::int64_t> commanded, changed;
    for (const auto& [id, workflow] : after.commands)
        if (!before_.commands.contains(id)) commanded.insert(workflow);
    for (const auto& [id, row] : after.workflows) {
        const auto found = before_.workflows.find(id);
        if (found != before_.workflows.end() && found->second == row) continue;
        changed.insert(id);
    }
    for (const auto& [id, row] : after.tasks) {
        const auto found = before_.tasks.find(id);
        if (found == before_.tasks.end() || found->second != row) changed.insert(row.first);
    }
    changed.insert(commanded.begin(), commanded.end());
    if (run.only_reads) violated("a look that writes", fmt::format("{}", fmt::join(changed, " ")));
    if (!changed.empty())
        scheduler_.tell(fmt::format("committed: {} changed, {} with a new command",
                                    fmt::join(changed, " "), fmt::join(commanded, " ")));
    run.in_commit.clear();
    for (const std::int64_t id : changed) run.in_commit[id] = after.workflows.at(id).restart_time;
    for (const std::int64_t id : changed) {
        judge_held(run, id, commanded.contains(id), after);
        const Workflow& now = after.workflows.at(id);
        const Workflow& was = before_.workflows.at(id);
        if (commanded.contains(id) && after.commands_of(id) > 1)
            violated("two commands",
                     fmt::format("workflow {} has {} commands", id, after.commands_of(id)));
        if (now.state == workflow_state::kFailover && after.commands_of(id) == 0 &&
            (was.state != now.state || before_.commands_of(id) > 0) &&
            cluster_->holders(id).empty())
            violated("lost", fmt::format("workflow {} is in 18 without a command", id));
        if (now.host.empty() && !was.host.empty())
            violated("host lost", fmt::format("workflow {} has no host", id));
        const bool exchanged = commanded.contains(id) && before_.commands_of(id) > 0;
        if (exchanged && now != was && was.state != workflow_state::kFailover)
            violated("changed by an exchange", fmt::format("workflow {}", id));
        if (commanded.contains(id) && !exchanged && was.state != workflow_state::kFailover &&
            !was.host.empty())
            judge_lock(run, was.host);
        if (commanded.contains(id) || now.host != was.host) {
            const std::string& lock = run.locks[failover_lock_path(was.host)].second;
            ours_[id] = {run.began, scheduler_.time(),
                         !commanded.contains(id) || run.command.starts_with("requeue"),
                         lock.starts_with(run.name) ? "" : lock};
        }
        if (commanded.contains(id) && !exchanged && was.state != workflow_state::kFailover)
            judge_family(run, id, after);
        if (commanded.contains(id))
            run.given.insert(id);
        else if (now.state != was.state)
            run.finished.insert(id);
        else if (now.host != was.host)
            run.rehosted.insert(id);
    }
}

// A failover has the lock, or passed it, and then whoever has it is still the one that was passed.
void Observer::judge_lock(ObservedRun& run, const std::string& host) {
    const auto seen = run.locks.find(failover_lock_path(host));
    if (seen == run.locks.end()) return violated("no lock", host);
    const auto& [before, now] = seen->second;
    if (now.starts_with(run.name)) return;
    if (now.empty() || now != before)
        violated("commits past a lock that changed",
                 fmt::format("{}: '{}' after '{}'", host, now, before));
}

// Nothing of what a living master holds is touched, but the host by a rehosting. Excused:
// - what a process holds that is not in the registry: nobody can know of it (docs/behaviour.md,
// rows
//   6 and 7); and what two hold since then;
// - where masters do not answer, or are not asked, what --in-doubt took, which is the operator's
//   word, and what finish ends by its --idle;
// - what the cluster failed over by a master that died before it wrote its mark, where the command
//   was gone before the run looked at the commands first: but for --ask all nobody is asked about
//   that (docs/reliability.md); likewise what two masters ran at once, of which the row tells one.
void Observer::judge_held(ObservedRun& run, std::int64_t workflow, bool commanded,
                          const Rows& after) {
    const Workflow& now = after.workflows.at(workflow);
    const Workflow& was = before_.workflows.at(workflow);
    const auto holders = cluster_->holders(workflow);
    if (holders.size() > 1) return;
    const bool ran_twice = double_runs_.contains(workflow);
    for (const MasterProcess* holder : holders) {
        if (!cluster_->is_registered(*holder, run.saw)) continue;
        const bool answers =
            run.asks && holder->mute_until < run.began && !faults_.fate(run.name).any;
        const bool by_cluster = unmarked_.contains(workflow) && came_and_went_before(run, workflow);
        if ((by_cluster || ran_twice) && !(run.asks_about_all && answers)) continue;
        if ((run.may_doubt || run.goes_by_idle_time) && !answers) continue;
        if (commanded) {
            violated("held and given a command",
                     fmt::format("workflow {} is held by {}", workflow, holder->name));
            continue;
        }
        const bool rehosted = now.state == was.state && now.host == holder->address;
        if (!rehosted)
            violated("held and changed",
                     fmt::format("workflow {} is held by {}", workflow, holder->name));
    }
}

// A parent that a person resumed sends its child a command once it is recovered (H11 of
// docs/dolphinscheduler.md), unless its task for the child has ended. So no run fails both over,
// and who gives the parent a command gives the child one. Excused: a command that a master took
// after the run had read (docs/reliability.md).
void Observer::judge_family(ObservedRun& run, std::int64_t id, const Rows& after) {
    for (const auto& [parent, child] : children_) {
        if ((parent != id && child != id) || !comes_to_its_child(parent)) continue;
        if (run.given.contains(parent == id ? child : parent))
            violated("parent and child",
                     fmt::format("workflow {} was resumed, and its child {} got a command as well",
                                 parent, child));
        if (parent != id) continue;
        if (after.commands_of(child) > 0)
            violated("parent and child",
                     fmt::format("workflow {} was resumed, and its child {} has a command", parent,
                                 child));
        const auto touched = touched_.find(child);
        const bool since_it_read =
            touched != touched_.end() &&
            scheduler_.time() - touched->second < kFromReadingToCommit.count();
        if (!since_it_read) judge_held(run, child, true, after);
    }
}

bool Observer::comes_to_its_child(std::int64_t parent) {
    return !world_.database()
                .query(fmt::format("SELECT 1 FROM t_ds_workflow_instance w "
                                   "JOIN t_ds_task_instance t ON t.workflow_instance_id = w.id "
                                   "WHERE w.id = ? AND w.command_type IN ({}, {}) AND t.flag = 1 "
                                   "AND t.task_type = 'SUB_WORKFLOW' AND t.state IN ({})",
                                   command_type::kRecoverSuspended, command_type::kStartFailureTask,
                                   fmt::join(kUnfinishedTaskStates, ", ")),
                       {parent})
                .empty();
}

// A second command may be taken only after its workflow was let go. Masters do that to each other,
// so only commands of ours count.
void Observer::note_double_runs(const Rows& after) {
    for (const auto& [command, id] : before_.commands) {
        if (after.commands.contains(command) || cluster_->holders(id).size() < 2) continue;
        if (double_runs_.insert(id).second)
            scheduler_.tell(fmt::format("workflow {} is run by two masters now", id));
    }
}

// A mark says that all is done but what the report lists.
void Observer::mark_written(const std::string& process, const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto parsed = parse_mark_name(name);
    const auto value = world_.get(path);
    if (!parsed || !value) return;
    const bool ours = runs_.contains(process);
    if (*value == "0") {
        if (ours) judge_fence(runs_.at(process), *parsed);
        return;
    }
    if (!ours) {
        std::erase_if(unmarked_, [&](const auto& one) { return one.second == parsed->address; });
        return;
    }
    scheduler_.tell(fmt::format("wrote the mark {}", name));
    for (const std::int64_t id : plain_) {
        const Workflow& row = before_.workflows.at(id);
        if (row.host == parsed->address && before_.commands_of(id) == 0 &&
            cluster_->holders(id).empty())
            runs_.at(process).left_behind.insert(id);
    }
}

// A fence stops nobody but a process at the address that was named: --fence, or a process that is
// gone, which gets one, should it live after all. It stays behind a run that was killed.
void Observer::judge_fence(const ObservedRun& run, const MarkName& mark) {
    for (const MasterProcess& master : cluster_->masters())
        if (master.address == run.fences && mark.address == run.fences && mark.process &&
            mark.process->startup_time == master.started && mark.process->process_id == master.pid)
            return;
    violated("fences another", mark.address);
}

void Observer::reads_commands(const std::string& process) {
    const auto run = runs_.find(process);
    if (run != runs_.end() && !run->second.first_look) run->second.first_look = commits_;
}

// The last command for this workflow was gone before the run first looked at the commands, which it
// does when it begins, and not only after what it waits for.
bool Observer::came_and_went_before(const ObservedRun& run, std::int64_t workflow) {
    const auto went = taken_.find(workflow);
    if (went == taken_.end() || (run.first_look && went->second.commit > *run.first_look))
        return false;
    return went->second.at <= run.began + kFirstLook.count() || faults_.fate(run.name).any;
}

void Observer::session_closed(const std::string& process) {
    const auto run = runs_.find(process);
    if (run == runs_.end() || faults_.fate(process).any) return;
    const MemoryState state = world_.registry.state();
    const auto is_its = [&](const std::string& session) {
        const auto found = state.sessions.find(session);
        return found != state.sessions.end() && found->second == process;
    };
    for (const auto& [path, node] : state.nodes)
        if (!node.owner.empty() && is_its(node.owner)) violated("left behind", path);
    for (const auto& [path, claims] : state.locks)
        for (const LockClaim& claim : claims)
            if (is_its(claim.owner)) violated("left behind", path);
}

void Observer::answer_lost(const std::string& process) {
    const auto run = runs_.find(process);
    if (run == runs_.end()) return;
    for (const auto& [id, restart_time] : run->second.in_commit)
        run->second.unanswered[id] = restart_time;
}

}  // namespace dsfailover
