#include "simulation/observer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "registry/paths.h"
#include "store/workflow_state.h"

namespace dsfailover {

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

void Observer::saw_masters(const std::string& process) {
    const auto run = runs_.find(process);
    if (run != runs_.end()) run->second.saw = world_.registry.state().order;
}

void Observer::before_commit(const std::string& process) {
    if (!runs_.contains(process)) return;
    before_ = read();
}

void Observer::after_commit(const std::string& process) {
    const auto run = runs_.find(process);
    Rows after = read();
    for (const auto& [id, workflow] : last_commands_)
        if (!after.commands.contains(id)) taken_at_[workflow] = scheduler_.time();
    last_commands_ = after.commands;
    for (const auto& [id, workflow] : after.commands) {
        if (cluster_->workflow_of_command.emplace(id, workflow).second && run != runs_.end())
            author_of_command_[id] = process;
    }
    if (run != runs_.end()) judge(run->second, after);
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
    if (!changed.empty())
        scheduler_.tell(fmt::format("committed: {} changed, {} with a new command",
                                    fmt::join(changed, " "), fmt::join(commanded, " ")));
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
        if (commanded.contains(id))
            run.given.insert(id);
        else if (now.state != was.state)
            run.finished.insert(id);
        else if (now.host != was.host)
            run.rehosted.insert(id);
    }
}

// Nothing of what a living master holds is touched, but the host by a rehosting. Excused:
// - what a process holds that is not in the registry: nobody can know of it (docs/behaviour.md,
// rows
//   6 and 7); and what two hold since then;
// - where masters do not answer, or are not asked, what --in-doubt took, which is the operator's
//   word, and what finish ends by its --idle;
// - what the cluster failed over before the run began, by a master that died before it wrote its
//   mark: but for --ask all nobody is asked about that (docs/reliability.md).
void Observer::judge_held(ObservedRun& run, std::int64_t workflow, bool commanded,
                          const Rows& after) {
    const Workflow& now = after.workflows.at(workflow);
    const Workflow& was = before_.workflows.at(workflow);
    const auto holders = cluster_->holders(workflow);
    if (holders.size() > 1) return;
    for (const MasterProcess* holder : holders) {
        if (!cluster_->is_registered(*holder, run.saw)) continue;
        const bool answers = run.asks && holder->mute_until <= scheduler_.time();
        if (unmarked_.contains(workflow) && taken_at_.contains(workflow) &&
            taken_at_.at(workflow) < run.began && !(run.asks_about_all && answers))
            continue;
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

// A second command may be taken only after its workflow was let go. Masters do that to each other,
// so only commands of ours count.
void Observer::turn_over() {
    for (MasterProcess& master : cluster_->masters()) {
        if (!master.lives()) continue;
        for (const auto& [id, state] : master.model->held()) {
            if (double_runs_.contains(id)) continue;
            const auto holders = cluster_->holders(id);
            if (holders.size() > 1) {
                double_runs_.insert(id);
                scheduler_.tell(fmt::format("workflow {} is run by two masters now", id));
            }
        }
    }
}

void Observer::mark_written(const std::string&, const std::string&, const std::string&) {}

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

void Observer::run_ended(ObservedRun& run, const TestRun& said, const std::string& audit_log) {
    run.ended = true;
    for (const Problem& problem : said.report.problems) scheduler_.tell("  " + problem.text);
    scheduler_.tell(fmt::format("{} ended: {} {}", run.command, said.outcome(), said.exit_code()));
    std::set<std::int64_t> given, rehosted, finished, unknown;
    const auto take = [&](const WorkflowsSection& section) {
        for (const WorkflowItem& item : section.items.kept()) {
            if (item.outcome == WorkflowOutcome::failed_over ||
                item.outcome == WorkflowOutcome::requeued)
                given.insert(item.id);
            if (item.outcome == WorkflowOutcome::unknown) unknown.insert(item.id);
        }
    };
    if (said.report.masters)
        for (const MasterSection& section : *said.report.masters) take(section.workflows);
    if (said.report.others) take(said.report.others->workflows);
    if (said.report.requeue) take(*said.report.requeue);
    std::set<std::int64_t> did = run.given;
    for (const std::int64_t id : unknown) {
        given.erase(id);
        did.erase(id);
    }
    if (given != did)
        violated("report",
                 fmt::format("says {}, did {}", fmt::join(given, " "), fmt::join(did, " ")));
    std::set<std::int64_t> audited;
    std::ifstream lines(audit_log);
    for (std::string line; std::getline(lines, line);) {
        const auto entry = nlohmann::json::parse(line);
        const std::string action = entry.value("action", "");
        if (entry.value("kind", "") == "workflow" &&
            (action == "failed_over" || action == "requeued"))
            audited.insert(entry.value("id", 0));
    }
    for (const std::int64_t id : unknown) audited.erase(id);
    if (audited != did)
        violated("audit log",
                 fmt::format("says {}, did {}", fmt::join(audited, " "), fmt::join(did, " ")));
}

void Observer::world_ended() {}

}  // namespace dsfailover
