// Sections of the failovers of masters, of workflows and of workers, and of requeue.

#include "report/fields/describe.h"

namespace dsfailover {
namespace {

constexpr std::string_view kSkipped = "How many were not done, for each reason.";

void describe_failed_over(FieldSink& to, const WorkflowsSection& workflows) {
    to.type("failover_workflows", "Workflow instances of a failover.");
    to.count("selected", workflows.selected);
    to.count("failed_over", workflows.done);
    to.count("left", workflows.left,
             "Selected, but not failed over: --limit, failures, interruption.");
    to.count("unknown", workflows.unknown,
             "In a commit without an answer, of a database that did not come back: failed over or "
             "not. The next run settles it.");
    to.counts("skipped", workflows.skipped, kSkipped);
    to.list("items", workflows.items);
}

void workflows_and_recovery(FieldSink& to, const WorkflowsSection& workflows,
                            const std::optional<RecoveryInfo>& recovery) {
    to.part("workflows", {}, Layout::lines,
            [&](FieldSink& inner) { describe_failed_over(inner, workflows); });
    to.object("recovery", recovery, "null without --wait.");
}

}  // namespace

void describe(FieldSink& to, const MasterSection& master) {
    to.type("master", "The failover of one master's address.");
    to.text("address", master.address);
    to.flag("alive", master.alive, "A master lives there.");
    to.time("startup_time", master.startup_time, "Of the master that lives there.");
    to.time("deadline", master.deadline, "Workflows that started before it are failed over.");
    to.time("stamp", master.stamp, "Of this failover: its workflows get it as restart_time.");
    to.text("new_host", master.new_host,
            "The host that what is failed over gets: the one master that lives. null: it keeps its "
            "host.");
    to.word("outcome", master.outcome);
    to.word("old_process", master.old_process,
            "What still answers at its address, which counts as gone.");
    to.object("fence", master.fence, "null: --fence was not given, or there was nothing to fence.");
    to.object("lock", master.lock, "null: none was taken.");
    to.object("mark", master.mark, "null: there was none to write.");
    workflows_and_recovery(to, master.workflows, master.recovery);
}

void describe(FieldSink& to, const OthersSection& others) {
    to.type("others", "Workflows named that have no host, or are in no state to be failed over.");
    to.text("host", others.host, "The living master that those without a host got as host.");
    to.time("stamp", others.stamp, "Of that master.");
    workflows_and_recovery(to, others.workflows, others.recovery);
}

void describe(FieldSink& to, const FenceInfo& fence) {
    to.type("fence", "The mark with the value 0 that stops a server.");
    to.text("path", fence.path);
    to.flag("stopped", fence.stopped, "The server's node is gone.");
}

void describe(FieldSink& to, const LockInfo& lock) {
    to.type("lock", "The failover lock of an address.");
    to.text("path", lock.path);
    to.count("waited_ms", lock.waited_ms);
    to.text("holder", lock.holder, "Only if somebody else has it.");
}

void describe(FieldSink& to, const MarkInfo& mark) {
    to.type("mark", "The mark that says that an address was failed over.");
    to.text("path", mark.path);
    to.time("value", mark.value);
    to.mark_value("previous_value", mark.previous_value,
                  "As found: a number where it is one, else the text. null: there was none.");
    to.flag("written", mark.written);
}

void describe(FieldSink& to, const RecoveryInfo& recovery) {
    to.type("recovery", "What masters made of the commands, within --wait.");
    to.count("recovered", recovery.recovered, "Taken by a master, and finished or held by one.");
    to.count("pending", recovery.pending,
             "Nobody took the command, or it was not seen who holds the workflow.");
    to.count("errored", recovery.errored, "The command went to t_ds_error_command.");
    to.count("unproven", recovery.unproven, "Of recovered: the masters did not say who holds it.");
    to.count("lost", recovery.lost, "Taken, and for half a minute held by nobody.");
    to.count("rehosted", recovery.rehosted,
             "Of recovered: the master that holds it was made its host.");
}

void describe(FieldSink& to, const WorkflowItem& workflow) {
    to.type("workflow_item", "A workflow instance of a failover or of requeue.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("previous_state", workflow.previous_state);
    to.word("outcome", workflow.outcome);
    to.text("reason", workflow.reason, "A skip reason, or why it was left, failed or is unknown.");
    to.number("command_id", workflow.command_id, "Of the command inserted for it.");
    to.time("last_task_activity", workflow.last_task_activity);
    to.text("held_by", workflow.held_by,
            "The living master that holds it; two or more with commas between them.");
}

void describe_requeued(FieldSink& to, const WorkflowsSection& workflows) {
    to.count("selected", workflows.selected);
    to.count("requeued", workflows.done);
    to.count("left", workflows.left,
             "Selected, but not requeued: --limit, failures, interruption.");
    to.count(
        "unknown", workflows.unknown,
        "In a commit without an answer, of a database that did not come back: requeued or not. "
        "The next run settles it.");
    to.counts("skipped", workflows.skipped, kSkipped);
    to.list("items", workflows.items);
}

void describe(FieldSink& to, const WorkerSection& worker) {
    to.type("worker", "The failover of one worker's address.");
    to.text("address", worker.address);
    to.flag("alive", worker.alive, "A worker lives there.");
    to.time("startup_time", worker.startup_time, "Of the worker that lives there.");
    to.time("deadline", worker.deadline, "Tasks submitted before it are looked at.");
    to.word("outcome", worker.outcome);
    to.flag("announced", worker.announced, "Its departure was announced in the registry.");
    to.flag("acknowledged", worker.acknowledged,
            "A master made or changed the mark of the incarnation announced.");
    to.object("fence", worker.fence, "null: --fence was not given, or there was nothing to fence.");
    to.object("mark", worker.mark, "null: there was none to write.");
    to.part("tasks", {}, Layout::lines, [&](FieldSink& tasks) {
        tasks.count("selected", worker.selected);
        tasks.counts("routes", worker.routes, "How many come to run again by each route.");
        tasks.list("items", worker.items);
    });
}

void describe(FieldSink& to, const TaskItem& task) {
    to.type("task_item", "A task of the worker.");
    to.number("id", task.id);
    to.text("name", task.name);
    to.number("workflow_instance_id", task.workflow_instance_id);
    to.one_of("state", {"DISPATCH", "RUNNING_EXECUTION"}, task.state);
    to.text("owner", task.owner, "The host of its workflow.");
    to.word("route", task.route);
    to.word("outcome", task.outcome);
    to.text("reason", task.reason);
}

}  // namespace dsfailover
