#include "report/fields/describe.h"

namespace dsfailover {
namespace {

void describe_by_type(FieldSink& to, const CommandsOfType& commands) {
    to.count("count", commands.count);
    to.time("oldest_update_time", commands.oldest_update_time);
    to.count("unclaimed", commands.unclaimed,
             "Waiting for more than --unclaimed-after although a master lives.");
}

// All but by_type are of failover commands alone, as in 0.1.
void describe_commands(FieldSink& to, const CommandsInfo& commands) {
    const CommandsOfType failovers = commands.failovers();
    to.map("by_type", commands.by_type, "By command_type.", describe_by_type);
    to.count("pending", failovers.count, "Of failover commands (type 2), as the next two.");
    to.count("unclaimed", failovers.unclaimed);
    to.time("oldest_update_time", failovers.oldest_update_time);
}

void describe_marks(FieldSink& to, const StatusSection& status) {
    to.count("count", status.marks);
    to.count("expired", status.expired_marks,
             "Older than 7 days, but for the fences that clean-marks keeps.");
    to.count("unreadable", status.unreadable_marks, "Whose value is not a number.");
    to.list("fences", status.fences, "Marks with the value 0.");
}

void describe_serial_wait(FieldSink& to, const SerialWait& waiting) {
    to.count("count", waiting.count);
    to.time("oldest_start_time", waiting.oldest_start_time);
}

void describe_waiting_tasks(FieldSink& to, const WaitingTasks& waiting) {
    to.count("no_worker_group", waiting.no_worker_group,
             "No worker of their worker group lives (groups of t_ds_worker_group included).");
    to.count("lost_task_group", waiting.lost_task_group,
             "They wait for a slot of a task group for more than --unclaimed-after, and are not in "
             "t_ds_task_group_queue; null: there is no such table.");
}

}  // namespace

void describe(FieldSink& to, const StatusSection& status) {
    // A part of the status is null where there is no status.
    const auto part = [&](std::string_view name, std::string_view about, Layout layout,
                          const auto& it, auto describer) {
        to.part(name, about, layout, [&](FieldSink& inner) { describer(inner, it); });
    };
    to.list("masters", status.masters);
    to.list("workers", status.workers);
    to.text("coordinator", status.coordinator, "Its address; null: none is registered.");
    to.flag("coordinator_alive", status.coordinator_alive,
            "Whether the process that registered lives at that address now (etcd: whether a server "
            "does).");
    to.text("alert_leader", status.alert_leader, "As the coordinator.");
    to.flag("alert_leader_alive", status.alert_leader_alive);
    to.list("needs_failover", status.needs_failover, "Hosts that global would look at.");
    to.count("ownerless", status.ownerless_items.total(), "Unfinished workflows without a host.");
    to.list("ownerless_items", status.ownerless_items);
    to.list("stuck", status.stuck, "Workflows in FAILOVER without a command.");
    to.counted("uncertain", status.uncertain, "Workflows in doubt, or running elsewhere.");
    to.counted("parents", status.parents,
               "Unfinished workflows whose child workflow is unfinished too.");
    to.counted("waiting_for_kill", status.waiting_for_kill,
               "Workflows in READY_STOP whose kill was lost.");
    to.list("workers_gone", status.workers_gone,
            "Addresses that unfinished tasks stand on and where no server lives. Tasks that a "
            "master runs itself, and those at the host of an unfinished workflow, are left to the "
            "failover of that master.");
    to.counted("idle", status.idle,
               "Unfinished workflows of living masters of which no task moved for --idle.");
    part("serial_wait", "Workflows in SERIAL_WAIT.", Layout::one_line, status.serial_wait,
         describe_serial_wait);
    part("waiting_tasks", "Tasks in SUBMITTED_SUCCESS that nothing will start.", Layout::one_line,
         status.waiting_tasks, describe_waiting_tasks);
    part("commands", "Commands that wait.", Layout::lines, status.commands, describe_commands);
    to.list("locks", status.locks, "Failover locks that somebody holds.");
    part("marks", "Failover marks in the registry.", Layout::lines, status, describe_marks);
    to.number("clock_skew_ms", status.clock_skew_ms,
              "The database's clock minus this machine's, in milliseconds.");
    to.section(status.asked);
    to.list("checks", status.checks, "What --check looks at.");
}

void describe(FieldSink& to, const ServerItem& server) {
    to.type("server", "A master or a worker in the registry.");
    to.text("address", server.address);
    to.flag("alive", server.alive);
    to.time("startup_time", server.startup_time, "From its heartbeat, as the next three.");
    to.number("process_id", server.process_id);
    to.time("report_time", server.report_time);
    to.text("server_status", server.server_status);
    to.text("problem", server.problem, "Why its heartbeat cannot be read.");
    to.text("worker_group", server.worker_group, "Of a worker.");
}

void describe(FieldSink& to, const NeedsFailover& host) {
    to.type("needs_failover", "One host of unfinished workflows that global would look at.");
    to.text("address", host.address);
    to.flag("alive", host.alive, "A server lives there: it was restarted.");
    to.count("workflows", host.workflows, "Workflows that global would fail over.");
    to.count("in_doubt", host.in_doubt);
    to.count("running_elsewhere", host.running_elsewhere);
    to.time("oldest_start_time", host.oldest_start_time, "Of the workflows to fail over.");
}

void describe(FieldSink& to, const OwnerlessWorkflow& workflow) {
    to.type("ownerless_workflow", "An unfinished workflow without a host.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("state", workflow.state);
}

void describe(FieldSink& to, const StuckWorkflow& workflow) {
    to.type("stuck_workflow", "A workflow in FAILOVER without a command.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.sentence("cause", workflow.cause,
                "First line of the failed command's message, \"duplicate valid tasks\", or "
                "\"none\".");
}

void describe(FieldSink& to, const WorkflowNote& workflow) {
    to.type("workflow_note", "A workflow that needs a look before anything is done with it.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("host", workflow.host);
    to.text("reason", workflow.reason, "in_doubt, running_elsewhere, or what is wrong with it.");
    to.time("last_task_activity", workflow.last_task_activity);
}

void describe(FieldSink& to, const ParentNote& parent) {
    to.type("parent_note", "A parent whose child workflow is unfinished too.");
    to.number("id", parent.id);
    to.text("name", parent.name);
    to.text("host", parent.host);
    to.number("child_id", parent.child_id);
    to.text("child_host", parent.child_host);
    to.text("child_state", parent.child_state);
}

void describe(FieldSink& to, const GoneWorker& worker) {
    to.type("gone_worker", "An address that unfinished tasks stand on and where no server lives.");
    to.text("address", worker.address);
    to.count("tasks", worker.tasks);
    to.time("oldest_submit_time", worker.oldest_submit_time, "Of those tasks.");
    to.counts("routes", worker.routes,
              "How many would come to run again by each route of failover-worker.");
}

void describe(FieldSink& to, const IdleWorkflow& workflow) {
    to.type("idle_workflow", "An unfinished workflow of which no task moved for --idle.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("host", workflow.host);
    to.time("since", workflow.since, "Its last task activity, or its start.");
    to.flag("overtaken", workflow.overtaken, "Another run of its definition ended since.");
    to.flag("blocked", workflow.blocked, "It has one of the waiting_tasks.");
}

void describe(FieldSink& to, const LockNote& lock) {
    to.type("held_lock", "A failover lock that somebody holds.");
    to.text("path", lock.path);
    to.text("holder", lock.holder);
    to.time("held_since", lock.held_since, "null on etcd, which does not say.");
    to.flag("leaked", lock.leaked,
            "Suspected: a living server holds it, and a mark of its address was written since.");
    to.texts("waiters", lock.waiters, "None in the JDBC registry, which has no queue.");
}

void describe(FieldSink& to, const FenceNote& fence) {
    to.type("fence_note", "A mark with the value 0.");
    to.text("name", fence.name);
    to.text("address", fence.address, "From its name; null: the name has none.");
    to.number("age_ms", fence.age_ms, "Since the startup time in its name; null: it has none.");
    to.flag("alive", fence.alive, "A server lives at its address.");
}

void describe(FieldSink& to, const AskedSection& asked) {
    to.list("abandoned", asked.abandoned,
            "Unfinished workflows that no living master holds and no command is for. null without "
            "--ask, as the two lists after it.");
    to.list("held_idle", asked.held_idle,
            "Workflows that a master holds although nothing of them moves.");
    to.list("misplaced", asked.misplaced, "Workflows that a master holds which is not their host.");
}

void describe(FieldSink& to, const AbandonedWorkflow& workflow) {
    to.type("abandoned_workflow",
            "An unfinished workflow that no living master holds and no command is for.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("state", workflow.state);
    to.text("host", workflow.host);
    to.time("since", workflow.since, "Its last task activity, or its start.");
}

void describe(FieldSink& to, const HeldIdleWorkflow& workflow) {
    to.type("held_idle_workflow", "A workflow that a master holds although nothing of it moves.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("host", workflow.host);
    to.text("holder", workflow.holder);
    to.time("since", workflow.since, "Its last task activity, or its start.");
}

void describe(FieldSink& to, const MisplacedWorkflow& workflow) {
    to.type("misplaced_workflow", "A workflow that a master holds which is not its host.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("host", workflow.host);
    to.text("holder", workflow.holder, "The address of the master that holds it.");
}

void describe(FieldSink& to, const CheckItem& check) {
    to.type("check", "One thing that is right or not.");
    to.word("name", check.name);
    to.flag("ok", check.ok);
    to.text("detail", check.detail, "What was found.");
    to.text("hint", check.hint, "What to do about it; null where all is well.");
}

}  // namespace dsfailover
