#include "report/fields/describe.h"

namespace dsfailover {

void describe(FieldSink& to, const SandboxSection& sandbox) {
    to.text("file", sandbox.file);
    to.list("servers", sandbox.servers, "Masters first, by address.");
    to.list("workflows", sandbox.workflows, "By id, as the next three.");
    to.list("tasks", sandbox.tasks);
    to.list("commands", sandbox.commands);
    to.list("error_commands", sandbox.error_commands);
    to.list("marks", sandbox.marks, "By name.");
    to.list("stamps", sandbox.stamps, "By address.");
    to.list("locks", sandbox.locks, "By path.");
}

void describe(FieldSink& to, const SandboxServer& server) {
    to.type("sandbox_server", "A master or a worker of the sandbox.");
    to.one_of("kind", {"master", "worker"}, server.kind);
    to.text("address", server.address);
    to.flag("alive", server.alive, "Its client's heartbeat is within the session timeout.");
    to.time("startup_time", server.startup_time);
    to.number("process_id", server.process_id);
}

void describe(FieldSink& to, const SandboxWorkflow& workflow) {
    to.type("sandbox_workflow",
            "A row of t_ds_workflow_instance. Texts named *_time, here and below, are the column "
            "as stored, in UTC.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("state", workflow.state, "Its name, or a number without one.");
    to.text("host", workflow.host);
    to.text("start_time", workflow.start_time);
    to.text("restart_time", workflow.restart_time);
    to.number("command_type", workflow.command_type);
    to.number("parent_id", workflow.parent_id,
              "The workflow instance that it is a sub-workflow of.");
}

void describe(FieldSink& to, const SandboxTask& task) {
    to.type("sandbox_task", "A row of t_ds_task_instance.");
    to.number("id", task.id);
    to.text("name", task.name);
    to.number("workflow_instance_id", task.workflow_instance_id);
    to.text("state", task.state, "Its name, or a number without one.");
    to.text("host", task.host);
    to.number("flag", task.flag);
    to.text("submit_time", task.submit_time);
}

void describe(FieldSink& to, const SandboxCommand& command) {
    to.type("sandbox_command", "A row of t_ds_command or t_ds_error_command.");
    to.number("id", command.id);
    to.number("command_type", command.command_type);
    to.number("workflow_instance_id", command.workflow_instance_id);
    to.text("command_param", command.command_param);
    to.text("update_time", command.update_time);
    to.text("message", command.message, "Of a failed command only.");
}

void describe(FieldSink& to, const SandboxNode& node) {
    to.type("sandbox_node", "A mark or a stamp in the registry.");
    to.text("name", node.name);
    to.mark_value("value", node.value, "As found: a number where it is one, else the text.");
}

void describe(FieldSink& to, const SandboxLock& lock) {
    to.type("sandbox_lock", "A lock in the registry.");
    to.text("path", lock.path);
    to.text("owner", lock.owner);
    to.number("client_id", lock.client_id);
}

}  // namespace dsfailover
