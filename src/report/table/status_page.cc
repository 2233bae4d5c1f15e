#include <fmt/format.h>

#include "report/table/pages.h"

namespace dsfailover {
namespace {

constexpr const char* yes_no(bool value) { return value ? "yes" : "no"; }

void print_servers(Page& page, const std::string& title, const Items<ServerItem>& servers) {
    TextTable list({{"ADDRESS"},
                    {"ALIVE"},
                    {"STATUS"},
                    drops("GROUP", 4),
                    drops("STARTED", 3),
                    drops("PROCESS", 1),
                    drops("LAST REPORT", 2),
                    wraps("PROBLEM")});
    for (const ServerItem& item : servers.kept())
        list.add({item.address, Cell(yes_no(item.alive), item.alive ? Tone::plain : Tone::bad),
                  item.server_status, item.worker_group, page.age(item.startup_time),
                  item.process_id, page.age(item.report_time), item.problem});
    page.heading(title + (servers.total() == 0 ? ": none" : ""));
    page.table(list);
    page.omitted(servers.omitted());
}

void print_leader(Page& page, std::string_view name, const std::optional<std::string>& address,
                  const std::optional<bool>& alive) {
    const bool gone = alive && !*alive;
    page.fact(name, address ? *address + (gone ? " (GONE)" : "") : "none",
              gone ? Tone::bad : Tone::plain);
}

void print_checks(Page& page, const std::vector<CheckItem>& checks) {
    TextTable list({{"CHECK"}, wraps("FOUND"), wraps("WHAT TO DO")});
    for (const CheckItem& check : checks)
        if (!check.ok && check.counts)
            list.add(
                {Cell(std::string(to_string(check.name)), Tone::bad), check.detail, check.hint});
    page.titled("checks that fail", list);
}

void print_facts(Page& page, const StatusSection& status) {
    page.blank();
    print_leader(page, "coordinator", status.coordinator, status.coordinator_alive);
    print_leader(page, "alert leader", status.alert_leader, status.alert_leader_alive);
    for (const auto& [type, found] : status.commands.by_type)
        page.fact("commands",
                  fmt::format(
                      "{}{}, {} that no master takes",
                      counted(found.count, type == 2 ? "failover command waits" : "command waits",
                              type == 2 ? "failover commands wait" : "commands wait"),
                      (type == 2 ? "" : fmt::format(" of type {}", type)) +
                          (found.oldest_update_time
                               ? ", the oldest for " + span(page.now() - *found.oldest_update_time)
                               : ""),
                      found.unclaimed));
    if (status.commands.by_type.empty()) page.fact("commands", "none waits");
    if (status.serial_wait.count > 0)
        page.fact("serial wait", counted(status.serial_wait.count, "workflow") +
                                     (status.serial_wait.oldest_start_time
                                          ? ", the oldest started " +
                                                page.age(status.serial_wait.oldest_start_time)
                                          : ""));
    const WaitingTasks& tasks = status.waiting_tasks;
    if (tasks.no_worker_group > 0)
        page.fact("tasks", counted(tasks.no_worker_group, "task waits", "tasks wait") +
                               " whose worker group has no living worker");
    if (tasks.lost_task_group.value_or(0) > 0)
        page.fact("tasks", counted(*tasks.lost_task_group, "task waits", "tasks wait") +
                               " that the task group lost");
    page.fact("marks", fmt::format("{}, {} older than 7 days, {} unreadable, {}", status.marks,
                                   status.expired_marks, status.unreadable_marks,
                                   counted(status.fences.total(), "fence")));
    if (status.clock_skew_ms)
        page.fact("clocks",
                  fmt::format("the database's is {} ms from ours", *status.clock_skew_ms));
}

void print_needs_failover(Page& page, const Items<NeedsFailover>& hosts) {
    TextTable list({{"ADDRESS"},
                    drops("ALIVE", 2),
                    {"WORKFLOWS"},
                    {"IN DOUBT"},
                    drops("RUNNING ELSEWHERE", 3),
                    drops("OLDEST STARTED", 1)});
    for (const NeedsFailover& item : hosts.kept())
        list.add({item.address, yes_no(item.alive), item.workflows, item.in_doubt,
                  item.running_elsewhere, page.age(item.oldest_start_time)});
    page.heading(std::string("needs failover") + (hosts.total() == 0 ? ": nothing" : ""));
    page.table(list);
    page.omitted(hosts.omitted());
}

void print_gone_workers(Page& page, const Items<GoneWorker>& workers) {
    TextTable list({{"ADDRESS"}, {"TASKS"}, drops("OLDEST SUBMITTED", 1), wraps("ROUTES")});
    for (const GoneWorker& item : workers.kept())
        list.add(
            {item.address, item.tasks, page.age(item.oldest_submit_time), counts(item.routes)});
    page.titled("workers that are gone, with unfinished tasks", list);
    page.omitted(workers.omitted());
}

void print_ownerless(Page& page, const Items<OwnerlessWorkflow>& workflows) {
    TextTable list({{"ID"}, cuts("NAME", 1), {"STATE"}});
    for (const OwnerlessWorkflow& item : workflows.kept())
        list.add({item.id, item.name, item.state});
    page.titled("without a host", list);
    page.omitted(workflows.omitted());
}

void print_stuck(Page& page, const Items<StuckWorkflow>& workflows) {
    TextTable list({{"ID"}, cuts("NAME", 1), wraps("CAUSE")});
    for (const StuckWorkflow& item : workflows.kept()) list.add({item.id, item.name, item.cause});
    page.titled("stuck in FAILOVER without a command", list);
    page.omitted(workflows.omitted());
}

void print_notes(Page& page, const std::string& title, const Items<WorkflowNote>& notes) {
    TextTable list(
        {{"ID"}, cuts("NAME", 3), drops("HOST", 2), drops("LAST MOVED", 1), wraps("REASON")});
    for (const WorkflowNote& item : notes.kept())
        list.add({item.id, item.name, item.host, page.age(item.last_task_activity), item.reason});
    page.titled(title, list);
    page.omitted(notes.omitted());
}

void print_parents(Page& page, const Items<ParentNote>& parents) {
    TextTable list({{"ID"},
                    cuts("NAME", 4),
                    drops("HOST", 2),
                    {"CHILD"},
                    drops("CHILD'S HOST", 3),
                    drops("CHILD'S STATE", 1)});
    for (const ParentNote& item : parents.kept())
        list.add({item.id, item.name, item.host, item.child_id, item.child_host, item.child_state});
    page.titled("parents whose child workflow is unfinished too", list);
    page.omitted(parents.omitted());
}

void print_idle(Page& page, const Items<IdleWorkflow>& workflows) {
    TextTable list({{"ID"},
                    cuts("NAME", 2),
                    {"HOST"},
                    {"LAST MOVED"},
                    drops("OVERTAKEN", 1),
                    drops("BLOCKED", 1)});
    for (const IdleWorkflow& item : workflows.kept())
        list.add({item.id, item.name, item.host, page.age(item.since),
                  item.overtaken ? "YES" : "no", item.blocked ? "YES" : "no"});
    page.titled("idle", list);
    page.omitted(workflows.omitted());
}

void print_fences(Page& page, const Items<FenceNote>& fences) {
    TextTable list({{"MARK"}, drops("AGE", 1), {"ITS SERVER"}});
    for (const FenceNote& item : fences.kept())
        list.add({item.name, item.age_ms ? span(*item.age_ms) : "",
                  item.alive ? Cell("LIVES", Tone::bad) : Cell("is gone")});
    page.titled("fences", list);
    page.omitted(fences.omitted());
}

void print_locks(Page& page, const Items<LockNote>& locks) {
    TextTable list(
        {{"LOCK OF"}, {"LEAKED"}, drops("HELD", 2), wraps("HOLDER"), drops("WAITERS", 1)});
    for (const LockNote& lock : locks.kept())
        list.add({lock.path.substr(lock.path.rfind('/') + 1),
                  lock.leaked ? Cell("SUSPECTED", Tone::caution) : Cell("no"),
                  page.age(lock.held_since), lock.holder,
                  fmt::format("{}", fmt::join(lock.waiters, ", "))});
    page.titled("failover locks", list);
    page.omitted(locks.omitted());
}

void print_asked(Page& page, const AskedSection& asked) {
    TextTable abandoned(
        {{"ID"}, cuts("NAME", 3), drops("STATE", 1), {"HOST"}, drops("LAST MOVED", 2)});
    for (const AbandonedWorkflow& item : asked.abandoned.kept())
        abandoned.add({item.id, item.name, item.state, item.host, page.age(item.since)});
    page.titled("abandoned: no master holds them", abandoned);
    page.omitted(asked.abandoned.omitted());

    TextTable idle({{"ID"}, cuts("NAME", 3), drops("HOST", 1), {"HOLDER"}, drops("LAST MOVED", 2)});
    for (const HeldIdleWorkflow& item : asked.held_idle.kept())
        idle.add({item.id, item.name, item.host, item.holder, page.age(item.since)});
    page.titled("held idle: a master holds them and nothing moves", idle);
    page.omitted(asked.held_idle.omitted());

    TextTable misplaced({{"ID"}, cuts("NAME", 1), {"HOST"}, {"HOLDER"}});
    for (const MisplacedWorkflow& item : asked.misplaced.kept())
        misplaced.add({item.id, item.name, item.host, item.holder});
    page.titled("held by another master than their host", misplaced);
    page.omitted(asked.misplaced.omitted());
}

}  // namespace

void print_status(Page& page, const StatusSection& status) {
    print_checks(page, status.checks);
    print_servers(page, "masters", status.masters);
    print_servers(page, "workers", status.workers);
    print_facts(page, status);
    print_needs_failover(page, status.needs_failover);
    print_gone_workers(page, status.workers_gone);
    print_ownerless(page, status.ownerless_items);
    print_stuck(page, status.stuck);
    print_notes(page, "in doubt, or running elsewhere", status.uncertain);
    print_parents(page, status.parents);
    print_notes(page, "waiting for a kill", status.waiting_for_kill);
    print_idle(page, status.idle);
    print_fences(page, status.fences);
    print_locks(page, status.locks);
    if (status.asked) print_asked(page, *status.asked);
}

}  // namespace dsfailover
