#include <fmt/format.h>

#include <ostream>

#include "base/terminal_text.h"
#include "report/print_report.h"

namespace dsfailover {
namespace {

std::string or_empty(const std::optional<std::string>& text) { return text.value_or(""); }

std::string number(const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : std::string();
}

std::string time(const std::optional<EpochMs>& value) {
    return value ? format_rfc3339(*value) : std::string();
}

std::string yes_no(bool value) { return value ? "yes" : "no"; }

/// "1.2 s", "350 ms", "3 d 4 h": for reading, not for arithmetic.
std::string span(std::int64_t ms) {
    if (ms < 1000) return fmt::format("{} ms", ms);
    if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
    const std::int64_t minutes = ms / 60'000;
    if (minutes < 60) return fmt::format("{} min {} s", minutes, ms / 1000 % 60);
    if (minutes < 48 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
    return fmt::format("{} d {} h", minutes / 1440, minutes / 60 % 24);
}

/// "in_doubt 2, started_after_deadline 1"
template <typename Word>
std::string counts(const std::map<Word, std::int64_t>& list) {
    std::string result;
    for (const auto& [word, count] : list)
        result += fmt::format("{}{} {}", result.empty() ? "" : ", ", to_string(word), count);
    return result;
}

/// Prints a report for a person: what happened first, then what is wrong, then the details.
class TableReport {
  public:
    explicit TableReport(std::ostream& out) : out_(out) {}

    void print(const Report& report) {
        summary(report);
        if (report.masters)
            for (const MasterSection& each : *report.masters) master(each, report.dry_run);
        if (report.others) others(*report.others);
        if (report.worker) worker(*report.worker, report.dry_run);
        if (report.marks) marks(*report.marks);
        if (report.requeue) {
            heading("workflows stuck in FAILOVER");
            workflows(*report.requeue, "requeued");
        }
        if (report.finish) finish(*report.finish);
        if (report.rehost) rehost(*report.rehost);
        if (report.recovery) recovery(*report.recovery);
        if (report.status) status(*report.status);
        if (report.explained) explained(*report.explained);
        if (report.masters_asked) masters_asked(*report.masters_asked);
        if (report.workers_asked) workers_asked(*report.workers_asked);
        if (report.sandbox) sandbox(*report.sandbox);
        if (report.settings) settings(*report.settings);
    }

  private:
    void line(const std::string& text) { out_ << printable(text) << '\n'; }
    void heading(const std::string& text) { out_ << '\n' << printable(text) << '\n'; }
    /// "  name      value", nothing where there is no value.
    void fact(std::string_view name, const std::string& value) {
        if (!value.empty()) line(fmt::format("  {:<12} {}", name, value));
    }
    void table(const TextTable& content) {
        if (!content.empty()) out_ << content.print(4);
    }
    void titled(const std::string& title, const TextTable& content) {
        if (content.empty()) return;
        heading(title);
        table(content);
    }
    /// Likewise, of what the last heading is about.
    void part(const std::string& title, const TextTable& content) {
        if (content.empty()) return;
        line("  " + title);
        table(content);
    }
    void omitted(std::int64_t count) {
        if (count > 0) line(fmt::format("    ... and {} more (--items lists more)", count));
    }

    void summary(const Report& report);
    void master(const MasterSection& master, bool dry_run);
    void others(const OthersSection& others);
    void worker(const WorkerSection& worker, bool dry_run);
    void workflows(const WorkflowsSection& workflows, std::string_view done_name);
    void finish(const FinishSection& finish);
    void rehost(const RehostSection& rehost);
    void fence(const std::optional<FenceInfo>& fence);
    void mark(const std::optional<MarkInfo>& mark, bool planned);
    void recovery(const RecoveryInfo& recovery);
    void marks(const MarksSection& marks);
    void status(const StatusSection& status);
    void explained(const Items<ExplainedWorkflow>& explained);
    void explained_facts(const ExplainedWorkflow& workflow);
    void explained_tasks(const Items<ExplainedTask>& tasks);
    void explained_commands(const std::string& title,
                            const std::vector<ExplainedCommand>& commands);
    void explained_host(const ExplainedWorkflow& workflow);
    void related(const std::string& title, const std::vector<RelatedWorkflow>& workflows);
    void asked(const AskedSection& asked);
    void masters_asked(const std::vector<MasterAsked>& asked);
    void workers_asked(const std::vector<WorkerAsked>& asked);
    void servers(const std::string& title, const Items<ServerItem>& servers);
    void leader(std::string_view name, const std::optional<std::string>& address,
                const std::optional<bool>& alive);
    void workflow_notes(const std::string& title, const Items<WorkflowNote>& notes);
    void needs_failover(const Items<NeedsFailover>& hosts);
    void checks(const std::vector<CheckItem>& checks);
    void workers_gone(const Items<GoneWorker>& workers);
    void ownerless(const Items<OwnerlessWorkflow>& workflows);
    void idle(const Items<IdleWorkflow>& workflows);
    void fences(const Items<FenceNote>& fences);
    void parents(const Items<ParentNote>& parents);
    void locks(const Items<LockNote>& locks);
    void sandbox(const SandboxSection& sandbox);
    void sandbox_commands(const std::string& title, const std::vector<SandboxCommand>& commands);
    void sandbox_nodes(const std::string& title, const std::vector<SandboxNode>& nodes);
    void settings(const std::vector<SettingItem>& settings);

    std::ostream& out_;
};

void TableReport::summary(const Report& report) {
    std::string subject = report.command;
    if (report.event && report.event->address) subject += ' ' + *report.event->address;
    line(fmt::format("{}: {}{}, exit status {}, {}", subject, to_string(report.outcome),
                     report.dry_run ? " (dry run, nothing was written)" : "",
                     static_cast<int>(report.exit_code),
                     span(report.finished_at - report.started_at)));
    for (const Problem& problem : report.problems) line("ERROR: " + problem.text);
    for (const std::string& warning : report.warnings) line("WARNING: " + warning);
    if (report.registry) {
        const RegistryInfo& registry = *report.registry;
        fact("registry", fmt::format("{} {}{}{}", registry.type, registry.endpoint,
                                     registry.name_space.empty() ? "" : " ", registry.name_space));
    }
    if (report.database)
        fact("database",
             fmt::format("{}{}", report.database->endpoint,
                         report.database->schema_version
                             ? " (DolphinScheduler " + *report.database->schema_version + ")"
                             : ""));
    if (report.event) fact("event time", time(report.event->event_time));
}

void TableReport::master(const MasterSection& master, bool dry_run) {
    heading(fmt::format("master {}: {}", master.address, to_string(master.outcome)));
    if (master.alive)
        fact("alive", master.startup_time ? "since " + time(master.startup_time) : "yes");
    fact("deadline", time(master.deadline));
    fact("stamp", time(master.stamp));
    if (master.old_process != OldProcess::not_asked)
        fact("old process", std::string(to_string(master.old_process)));
    fence(master.fence);
    if (master.lock)
        fact("lock", fmt::format("{}, waited {}{}", master.lock->path, span(master.lock->waited_ms),
                                 master.lock->holder ? ", held by " + *master.lock->holder : ""));
    mark(master.mark, dry_run && master.outcome != Outcome::already_failed_over);
    workflows(master.workflows, "failed over");
    if (master.recovery) recovery(*master.recovery);
}

void TableReport::others(const OthersSection& others) {
    const WorkflowsSection& its = others.workflows;
    if (its.items.kept().empty() && its.items.omitted() == 0) return;
    heading("workflows without a host, and what cannot be failed over");
    if (others.host) fact("new host", *others.host);
    fact("stamp", time(others.stamp));
    workflows(its, "failed over");
    if (others.recovery) recovery(*others.recovery);
}

void TableReport::workflows(const WorkflowsSection& workflows, std::string_view done_name) {
    std::string text =
        fmt::format("{} selected, {} {}", workflows.selected, workflows.done, done_name);
    if (workflows.left > 0) text += fmt::format(", {} LEFT", workflows.left);
    if (workflows.unknown > 0) text += fmt::format(", {} UNKNOWN", workflows.unknown);
    if (!workflows.skipped.empty()) text += "; skipped: " + counts(workflows.skipped);
    fact("workflows", text);
    TextTable list(
        {"ID", "NAME", "STATE BEFORE", "OUTCOME", "COMMAND", "LAST TASK ACTIVITY", "REASON"});
    for (const WorkflowItem& item : workflows.items.kept())
        list.add({std::to_string(item.id), or_empty(item.name), or_empty(item.previous_state),
                  std::string(to_string(item.outcome)), number(item.command_id),
                  time(item.last_task_activity), or_empty(item.reason)});
    table(list);
    omitted(workflows.items.omitted());
}

void TableReport::finish(const FinishSection& finish) {
    heading("workflows to be finished");
    std::string text = fmt::format("{} selected, {} finished", finish.selected, finish.done);
    if (finish.left > 0) text += fmt::format(", {} LEFT", finish.left);
    if (!finish.refused.empty()) text += "; refused: " + counts(finish.refused);
    if (!finish.skipped.empty()) text += "; skipped: " + counts(finish.skipped);
    fact("workflows", text);
    TextTable list({"ID", "NAME", "STATE BEFORE", "OUTCOME", "REASON", "HOLDER", "END TIME",
                    "TASKS ENDED", "COMMANDS DELETED"});
    TextTable tasks({"TASK", "NAME", "WORKFLOW", "WORKER", "ALIVE", "PROCESS", "APPLICATIONS"});
    for (const FinishItem& item : finish.items.kept()) {
        list.add({std::to_string(item.id), or_empty(item.name), or_empty(item.previous_state),
                  std::string(to_string(item.outcome)), or_empty(item.reason),
                  or_empty(item.holder), time(item.end_time),
                  fmt::format("{}", fmt::join(item.tasks_ended, " ")),
                  fmt::format("{}", fmt::join(item.commands_deleted, " "))});
        for (const LivingTask& task : item.tasks_alive)
            tasks.add({std::to_string(task.id), task.name, std::to_string(item.id), task.worker,
                       task.alive ? "yes" : "not known", number(task.process_id),
                       or_empty(task.applications)});
    }
    table(list);
    omitted(finish.items.omitted());
    titled("their tasks on living workers", tasks);
}

void TableReport::rehost(const RehostSection& rehost) {
    heading("workflows of another master than their host");
    std::string text = fmt::format("{} selected, {} rehosted", rehost.selected, rehost.done);
    if (rehost.left > 0) text += fmt::format(", {} LEFT", rehost.left);
    if (!rehost.skipped.empty()) text += "; skipped: " + counts(rehost.skipped);
    fact("workflows", text);
    TextTable list({"ID", "NAME", "HOST BEFORE", "HOLDER", "OUTCOME", "REASON"});
    for (const RehostItem& item : rehost.items.kept())
        list.add({std::to_string(item.id), or_empty(item.name), or_empty(item.host),
                  or_empty(item.holder), std::string(to_string(item.outcome)),
                  or_empty(item.reason)});
    table(list);
    omitted(rehost.items.omitted());
}

void TableReport::fence(const std::optional<FenceInfo>& fence) {
    if (fence)
        fact("fence", fmt::format("{}: {}", fence->path,
                                  fence->stopped ? "the server stopped" : "NOT STOPPED"));
}

void TableReport::mark(const std::optional<MarkInfo>& mark, bool planned) {
    if (!mark) return;
    const bool stands = mark->previous_value == number(mark->value);
    std::string text = fmt::format("{}: {}", mark->path,
                                   mark->written        ? "written"
                                   : planned && !stands ? "to be written"
                                                        : "not written");
    if (mark->value) text += fmt::format(", {} ({})", *mark->value, time(mark->value));
    if (mark->previous_value) text += ", before: " + *mark->previous_value;
    fact("mark", text);
}

void TableReport::recovery(const RecoveryInfo& recovery) {
    fact("recovery",
         fmt::format(
             "{} recovered, {} pending, {} errored{}{}", recovery.recovered, recovery.pending,
             recovery.errored,
             recovery.unproven > 0 ? fmt::format(", {} of them unproven", recovery.unproven) : "",
             recovery.lost > 0 ? fmt::format(", {} LOST", recovery.lost) : ""));
}

void TableReport::worker(const WorkerSection& worker, bool dry_run) {
    heading(fmt::format("worker {}: {}", worker.address, to_string(worker.outcome)));
    if (worker.alive)
        fact("alive", worker.startup_time ? "since " + time(worker.startup_time) : "yes");
    fact("deadline", time(worker.deadline));
    fence(worker.fence);
    if (worker.announced)
        fact("departure", worker.acknowledged ? "announced, acknowledged by a master"
                                              : "announced, NOT ACKNOWLEDGED by a master");
    mark(worker.mark, dry_run);
    fact("tasks", fmt::format("{} selected{}{}", worker.selected,
                              worker.routes.empty() ? "" : "; routes: ", counts(worker.routes)));
    TextTable list({"ID", "NAME", "WORKFLOW", "STATE", "OWNER", "ROUTE", "OUTCOME", "REASON"});
    for (const TaskItem& item : worker.items.kept())
        list.add({std::to_string(item.id), item.name, std::to_string(item.workflow_instance_id),
                  item.state, or_empty(item.owner), std::string(to_string(item.route)),
                  std::string(to_string(item.outcome)), or_empty(item.reason)});
    table(list);
    omitted(worker.items.omitted());
}

void TableReport::marks(const MarksSection& marks) {
    heading(fmt::format("marks: {} examined, {} removed, {} kept, {} failed", marks.examined,
                        marks.removed, marks.kept, marks.failed));
    TextTable list({"MARK", "VALUE", "AGE", "OUTCOME", "REASON"});
    for (const MarkItem& item : marks.items.kept()) {
        list.add({item.name, or_empty(item.value), item.age_ms ? span(*item.age_ms) : "",
                  std::string(to_string(item.outcome)), or_empty(item.reason)});
    }
    table(list);
    omitted(marks.items.omitted());
}

void TableReport::servers(const std::string& title, const Items<ServerItem>& servers) {
    TextTable list({"ADDRESS", "ALIVE", "STATUS", "STARTED", "PROCESS", "LAST REPORT", "PROBLEM"});
    for (const ServerItem& item : servers.kept())
        list.add({item.address, yes_no(item.alive), or_empty(item.server_status),
                  time(item.startup_time), number(item.process_id), time(item.report_time),
                  or_empty(item.problem)});
    heading(title + (list.empty() && servers.omitted() == 0 ? ": none" : ""));
    table(list);
    omitted(servers.omitted());
}

void TableReport::leader(std::string_view name, const std::optional<std::string>& address,
                         const std::optional<bool>& alive) {
    fact(name, address ? *address + (alive && !*alive ? " (GONE)" : "") : "none");
}

void TableReport::workflow_notes(const std::string& title, const Items<WorkflowNote>& notes) {
    TextTable list({"ID", "NAME", "HOST", "LAST TASK ACTIVITY", "REASON"});
    for (const WorkflowNote& item : notes.kept())
        list.add({std::to_string(item.id), or_empty(item.name), or_empty(item.host),
                  time(item.last_task_activity), item.reason});
    titled(title, list);
    omitted(notes.omitted());
}

void TableReport::needs_failover(const Items<NeedsFailover>& hosts) {
    TextTable list(
        {"ADDRESS", "ALIVE", "WORKFLOWS", "IN DOUBT", "RUNNING ELSEWHERE", "OLDEST START"});
    for (const NeedsFailover& item : hosts.kept())
        list.add({item.address, yes_no(item.alive), std::to_string(item.workflows),
                  std::to_string(item.in_doubt), std::to_string(item.running_elsewhere),
                  time(item.oldest_start_time)});
    heading(std::string("needs failover") + (list.empty() ? ": nothing" : ""));
    table(list);
    omitted(hosts.omitted());
}

void TableReport::checks(const std::vector<CheckItem>& checks) {
    TextTable list({"CHECK", "FOUND", "NEXT"});
    for (const CheckItem& check : checks)
        if (!check.ok)
            list.add({std::string(to_string(check.name)), check.detail, or_empty(check.hint)});
    titled("checks that fail", list);
}

void TableReport::workers_gone(const Items<GoneWorker>& workers) {
    TextTable list({"ADDRESS", "TASKS", "OLDEST SUBMIT", "ROUTES"});
    for (const GoneWorker& item : workers.kept()) {
        std::string routes;
        for (const auto& [route, count] : item.routes)
            routes += fmt::format("{}{} {}", routes.empty() ? "" : ", ", count, to_string(route));
        list.add({item.address, std::to_string(item.tasks), time(item.oldest_submit_time), routes});
    }
    titled("workers that are gone, with unfinished tasks", list);
    omitted(workers.omitted());
}

void TableReport::ownerless(const Items<OwnerlessWorkflow>& workflows) {
    TextTable list({"ID", "NAME", "STATE"});
    for (const OwnerlessWorkflow& item : workflows.kept())
        list.add({std::to_string(item.id), or_empty(item.name), item.state});
    titled("without a host", list);
    omitted(workflows.omitted());
}

void TableReport::idle(const Items<IdleWorkflow>& workflows) {
    TextTable list({"ID", "NAME", "HOST", "SINCE", "OVERTAKEN", "BLOCKED"});
    for (const IdleWorkflow& item : workflows.kept())
        list.add({std::to_string(item.id), or_empty(item.name), item.host, time(item.since),
                  item.overtaken ? "YES" : "no", item.blocked ? "YES" : "no"});
    titled("idle", list);
    omitted(workflows.omitted());
}

void TableReport::parents(const Items<ParentNote>& parents) {
    TextTable list({"ID", "NAME", "HOST", "CHILD", "CHILD'S HOST", "CHILD'S STATE"});
    for (const ParentNote& item : parents.kept())
        list.add({std::to_string(item.id), or_empty(item.name), or_empty(item.host),
                  std::to_string(item.child_id), or_empty(item.child_host), item.child_state});
    titled("parents whose child workflow is unfinished too", list);
    omitted(parents.omitted());
}

void TableReport::fences(const Items<FenceNote>& fences) {
    TextTable list({"MARK", "AGE", "ITS SERVER"});
    for (const FenceNote& item : fences.kept())
        list.add(
            {item.name, item.age_ms ? span(*item.age_ms) : "", item.alive ? "LIVES" : "is gone"});
    titled("fences", list);
    omitted(fences.omitted());
}

void TableReport::locks(const Items<LockNote>& locks) {
    TextTable list({"PATH", "HOLDER", "SINCE", "LEAKED", "WAITERS"});
    for (const LockNote& lock : locks.kept())
        list.add({lock.path, lock.holder, time(lock.held_since), lock.leaked ? "SUSPECTED" : "no",
                  fmt::format("{}", fmt::join(lock.waiters, ", "))});
    titled("failover locks", list);
    omitted(locks.omitted());
}

void TableReport::status(const StatusSection& status) {
    servers("masters", status.masters);
    servers("workers", status.workers);
    out_ << '\n';
    leader("coordinator", status.coordinator, status.coordinator_alive);
    leader("alert leader", status.alert_leader, status.alert_leader_alive);
    fact("serial wait", fmt::format("{} workflows{}", status.serial_wait.count,
                                    status.serial_wait.oldest_start_time
                                        ? " since " + time(status.serial_wait.oldest_start_time)
                                        : ""));
    const auto& lost = status.waiting_tasks.lost_task_group;
    fact("tasks", fmt::format("{} wait whose worker group has no living worker{}",
                              status.waiting_tasks.no_worker_group,
                              lost ? fmt::format(", {} that their task group lost", *lost) : ""));
    for (const auto& [type, its] : status.commands.by_type)
        fact("commands",
             fmt::format("{} {} waiting{}, {} that nobody takes", its.count,
                         type == 2 ? "failover commands" : fmt::format("commands of type {}", type),
                         its.oldest_update_time ? " since " + time(its.oldest_update_time) : "",
                         its.unclaimed));
    if (status.commands.by_type.empty()) fact("commands", "none waiting");
    fact("marks", fmt::format("{}, {} older than 7 days, {} unreadable, {} fences", status.marks,
                              status.expired_marks, status.unreadable_marks,
                              std::ssize(status.fences.kept()) + status.fences.omitted()));
    if (status.clock_skew_ms)
        fact("clocks", fmt::format("the database's is {} ms from ours", *status.clock_skew_ms));
    checks(status.checks);
    needs_failover(status.needs_failover);
    workers_gone(status.workers_gone);
    ownerless(status.ownerless_items);

    TextTable stuck({"ID", "NAME", "CAUSE"});
    for (const StuckWorkflow& item : status.stuck.kept())
        stuck.add({std::to_string(item.id), or_empty(item.name), item.cause});
    titled("stuck in FAILOVER without a command", stuck);
    omitted(status.stuck.omitted());

    workflow_notes("in doubt, or running elsewhere", status.uncertain);
    parents(status.parents);
    workflow_notes("waiting for a kill", status.waiting_for_kill);
    idle(status.idle);
    fences(status.fences);
    locks(status.locks);
    if (status.asked) asked(*status.asked);
}

// The conclusion and what to do come first: the rest is for those who do not believe it.
void TableReport::explained(const Items<ExplainedWorkflow>& explained) {
    for (const ExplainedWorkflow& each : explained.kept()) {
        heading(fmt::format("workflow {}{}: {}", each.id, each.name ? " (" + *each.name + ")" : "",
                            each.conclusion));
        fact("next", each.next.value_or("no command"));
        fact("", or_empty(each.advice));
        fact("why", fmt::format("{} ({}{})", each.why, each.verdict,
                                each.row ? fmt::format(", row {}", *each.row) : ""));
        explained_facts(each);
        explained_tasks(each.tasks);
        explained_commands("commands that wait", each.commands);
        explained_commands("failed commands", each.failed_commands.kept());
        omitted(each.failed_commands.omitted());
        explained_host(each);
        related("parents", each.parents);
        related("children", each.children.kept());
        omitted(each.children.omitted());
    }
    omitted(explained.omitted());
}

void TableReport::explained_facts(const ExplainedWorkflow& workflow) {
    fact("state", workflow.state);
    std::string host = workflow.host.value_or("none");
    if (workflow.host_alive)
        host += workflow.host_startup_time ? ", lives since " + time(workflow.host_startup_time)
                                           : ", lives";
    else if (workflow.host)
        host += ", no living master";
    fact("host", host);
    fact("started", time(workflow.start_time));
    fact("restarted", time(workflow.restart_time));
    fact("started by",
         workflow.command_type ? fmt::format("a command of type {}", *workflow.command_type) : "");
    fact("last moved", time(workflow.last_task_activity));
    fact("masters say", workflow.answer + (workflow.held_by ? ": " + *workflow.held_by : ""));
    if (workflow.lock)
        fact("lock",
             fmt::format(
                 "{}, held by {}{}{}", workflow.lock->path, workflow.lock->holder,
                 workflow.lock->held_since ? " since " + time(workflow.lock->held_since) : "",
                 workflow.lock->leaked ? " (SUSPECTED LEAKED)" : ""));
}

void TableReport::explained_tasks(const Items<ExplainedTask>& tasks) {
    TextTable list(
        {"ID", "NAME", "TYPE", "STATE", "HOST", "LIFE", "PID", "APPLICATION", "PROBLEM"});
    for (const ExplainedTask& item : tasks.kept())
        list.add({std::to_string(item.id), item.name, item.type, item.state, or_empty(item.host),
                  or_empty(item.life), number(item.pid), or_empty(item.app_link),
                  or_empty(item.problem)});
    part("tasks that have not ended", list);
    omitted(tasks.omitted());
}

void TableReport::explained_commands(const std::string& title,
                                     const std::vector<ExplainedCommand>& commands) {
    TextTable list({"ID", "TYPE", "UPDATED", "MESSAGE"});
    for (const ExplainedCommand& item : commands)
        list.add({std::to_string(item.id), std::to_string(item.command_type),
                  time(item.update_time), first_line(or_empty(item.message))});
    part(title, list);
}

void TableReport::explained_host(const ExplainedWorkflow& workflow) {
    TextTable marks({"NAME", "VALUE"});
    for (const ExplainedMark& item : workflow.marks) marks.add({item.name, item.value});
    part("marks of its host", marks);
    TextTable stamps({"TIME", "VALUE", "ZONE"});
    for (const ExplainedStamp& item : workflow.stamps)
        stamps.add({time(item.value), std::to_string(item.value), or_empty(item.zone)});
    part("stamps of its host", stamps);
}

void TableReport::related(const std::string& title, const std::vector<RelatedWorkflow>& workflows) {
    TextTable list({"ID", "NAME", "STATE", "HOST"});
    for (const RelatedWorkflow& item : workflows)
        list.add({std::to_string(item.id), or_empty(item.name), item.state, or_empty(item.host)});
    part(title, list);
}

void TableReport::masters_asked(const std::vector<MasterAsked>& asked) {
    TextTable masters({"ADDRESS", "CONNECTED TO", "QUESTIONS", "HELD", "NOT HELD", "UNANSWERED",
                       "CONTROL", "PROBLEM"});
    for (const MasterAsked& item : asked)
        masters.add({item.address, or_empty(item.peer), std::to_string(item.questions),
                     std::to_string(item.held), std::to_string(item.not_held),
                     std::to_string(item.unanswered), or_empty(item.control),
                     or_empty(item.problem)});
    heading(std::string("masters asked") + (masters.empty() ? ": none" : ""));
    table(masters);
}

void TableReport::workers_asked(const std::vector<WorkerAsked>& asked) {
    TextTable workers(
        {"ADDRESS", "CONNECTED TO", "QUESTIONS", "ALIVE", "UNKNOWN TASK", "UNANSWERED", "PROBLEM"});
    for (const WorkerAsked& item : asked)
        workers.add({item.address, or_empty(item.peer), std::to_string(item.questions),
                     std::to_string(item.alive), std::to_string(item.unknown_task),
                     std::to_string(item.unanswered), or_empty(item.problem)});
    titled("workers asked", workers);
}

void TableReport::asked(const AskedSection& asked) {
    masters_asked(asked.masters);
    TextTable abandoned({"ID", "NAME", "STATE", "HOST", "SINCE"});
    for (const AbandonedWorkflow& item : asked.abandoned.kept())
        abandoned.add({std::to_string(item.id), or_empty(item.name), item.state,
                       or_empty(item.host), time(item.since)});
    titled("abandoned: no master holds them", abandoned);
    omitted(asked.abandoned.omitted());

    TextTable idle({"ID", "NAME", "HOST", "HOLDER", "SINCE"});
    for (const HeldIdleWorkflow& item : asked.held_idle.kept())
        idle.add({std::to_string(item.id), or_empty(item.name), or_empty(item.host), item.holder,
                  time(item.since)});
    titled("held idle: a master holds them and nothing moves", idle);
    omitted(asked.held_idle.omitted());

    TextTable misplaced({"ID", "NAME", "HOST", "HOLDER"});
    for (const MisplacedWorkflow& item : asked.misplaced.kept())
        misplaced.add(
            {std::to_string(item.id), or_empty(item.name), or_empty(item.host), item.holder});
    titled("held by another master than their host", misplaced);
    omitted(asked.misplaced.omitted());
}

void TableReport::sandbox_commands(const std::string& title,
                                   const std::vector<SandboxCommand>& commands) {
    TextTable list({"ID", "TYPE", "WORKFLOW", "UPDATED", "MESSAGE", "PARAM"});
    for (const SandboxCommand& item : commands) {
        const std::string message = or_empty(item.message);
        list.add({std::to_string(item.id), number(item.command_type),
                  number(item.workflow_instance_id), or_empty(item.update_time),
                  message.substr(0, message.find('\n')), or_empty(item.command_param)});
    }
    titled(title, list);
}

void TableReport::sandbox_nodes(const std::string& title, const std::vector<SandboxNode>& nodes) {
    TextTable list({"NAME", "VALUE"});
    for (const SandboxNode& item : nodes) list.add({item.name, item.value});
    titled(title, list);
}

void TableReport::sandbox(const SandboxSection& sandbox) {
    TextTable servers({"KIND", "ADDRESS", "ALIVE", "STARTED", "PROCESS"});
    for (const SandboxServer& item : sandbox.servers)
        servers.add({item.kind, item.address, yes_no(item.alive), time(item.startup_time),
                     number(item.process_id)});
    titled("servers", servers);

    TextTable workflows(
        {"ID", "NAME", "STATE", "HOST", "STARTED", "RESTARTED", "COMMAND TYPE", "PARENT"});
    for (const SandboxWorkflow& item : sandbox.workflows)
        workflows.add({std::to_string(item.id), or_empty(item.name), item.state,
                       or_empty(item.host), or_empty(item.start_time), or_empty(item.restart_time),
                       number(item.command_type), number(item.parent_id)});
    titled("workflow instances", workflows);

    TextTable tasks({"ID", "NAME", "WORKFLOW", "STATE", "HOST", "FLAG", "SUBMITTED"});
    for (const SandboxTask& item : sandbox.tasks)
        tasks.add({std::to_string(item.id), or_empty(item.name), number(item.workflow_instance_id),
                   item.state, or_empty(item.host), number(item.flag), or_empty(item.submit_time)});
    titled("task instances", tasks);

    sandbox_commands("commands", sandbox.commands);
    sandbox_commands("failed commands", sandbox.error_commands);
    sandbox_nodes("marks", sandbox.marks);
    sandbox_nodes("stamps", sandbox.stamps);
    TextTable locks({"PATH", "OWNER", "CLIENT"});
    for (const SandboxLock& item : sandbox.locks)
        locks.add({item.path, item.owner, std::to_string(item.client_id)});
    titled("locks", locks);
}

void TableReport::settings(const std::vector<SettingItem>& settings) {
    TextTable list({"SETTING", "VALUE", "FROM"});
    for (const SettingItem& item : settings) list.add({item.name, item.value, item.origin});
    titled("settings", list);
}

}  // namespace

void print_table_report(const Report& report, std::ostream& out) { TableReport(out).print(report); }

}  // namespace dsfailover
