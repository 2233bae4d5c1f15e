#include "report/fields/describe.h"

namespace dsfailover {

void describe(FieldSink& to, const Items<ExplainedWorkflow>& workflows) {
    to.list("explained", workflows, "By ascending id.", Layout::lines);
}

void describe(FieldSink& to, const ExplainedWorkflow& workflow) {
    to.type("explained_workflow",
            "One workflow instance, and what comes of all that is known of it.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("verdict", workflow.verdict,
            "In state RUNNING_EXECUTION, READY_PAUSE or READY_STOP that of the table in "
            "behaviour.md, \"Which workflows\": selected, or a skip reason. Else: command_pending, "
            "finished, in_doubt, lost, running_elsewhere, serial_wait, several_commands, stuck, "
            "unknown_state.");
    to.number("row", workflow.row, "Of that table; null in other states.");
    to.sentence("conclusion", workflow.conclusion, "What becomes of it.");
    to.sentence("why", workflow.why, "What that follows from.");
    to.text("next", workflow.next,
            "The command line to run next; null: there is none, and advice says why.");
    to.text("advice", workflow.advice, "What `next` does, or why there is none.");
    to.text("state", workflow.state, "Its name, or a number without one.");
    to.text("host", workflow.host);
    to.flag("host_alive", workflow.host_alive, "A master lives there.");
    to.time("host_startup_time", workflow.host_startup_time, "Of the master that lives there.");
    to.time("start_time", workflow.start_time);
    to.time("restart_time", workflow.restart_time);
    to.number("command_type", workflow.command_type);
    to.time("last_task_activity", workflow.last_task_activity, "Of all its tasks.");
    to.one_of("answer", {"not_asked", "unanswered", "not_held", "held", "held_idle", "held_by_two"},
              workflow.answer, "Of all living masters together.");
    to.text("held_by", workflow.held_by,
            "The living master that holds it; two or more with commas between them.");
    to.list("tasks", workflow.tasks, "Valid tasks that have not ended.");
    to.list("commands", workflow.commands, "Those that wait in t_ds_command.");
    to.list("failed_commands", workflow.failed_commands,
            "Those in t_ds_error_command, the newest first.");
    to.list("marks", workflow.marks, "Of its host, fences included.");
    to.list("stamps", workflow.stamps, "Of its host: when dsfailover failed over workflows of it.");
    to.object("lock", workflow.lock,
              "The failover lock of its host; null: it is free, or there is no host.");
    to.list("parents", workflow.parents);
    to.list("children", workflow.children);
}

void describe(FieldSink& to, const ExplainedTask& task) {
    to.type("explained_task", "A task of an explained workflow that has not ended.");
    to.number("id", task.id);
    to.text("name", task.name);
    to.text("type", task.type);
    to.text("state", task.state, "Its name, or a number without one.");
    to.text("host", task.host);
    to.one_of("life", {"alive", "unknown_task", "unanswered"}, task.life,
              "What its worker says; null: nobody was asked.");
    to.text("problem", task.problem, "Why it is unanswered.");
    to.number("pid", task.pid, "Of its process on the worker.");
    to.text("app_link", task.app_link, "Ids of its applications, or of its child workflow.");
}

void describe(FieldSink& to, const ExplainedCommand& command) {
    to.type("explained_command", "A command of an explained workflow, waiting or failed.");
    to.number("id", command.id);
    to.number("command_type", command.command_type);
    to.time("update_time", command.update_time, "null of one that failed.");
    to.text("message", command.message, "Of one that failed.");
}

void describe(FieldSink& to, const ExplainedMark& mark) {
    to.type("explained_mark", "A mark of the workflow's host.");
    to.text("name", mark.name);
    to.mark_value("value", mark.value, "As found: a number where it is one, else the text.");
}

void describe(FieldSink& to, const ExplainedStamp& stamp) {
    to.type("explained_stamp", "A stamp of the workflow's host.");
    to.time("value", stamp.value);
    to.text("zone", stamp.zone,
            "In which the times of the database were written; stamps of version 0.1 do not say "
            "(null).");
}

void describe(FieldSink& to, const RelatedWorkflow& workflow) {
    to.type("related_workflow", "A parent or a child of an explained workflow.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("state", workflow.state, "Its name, or a number without one.");
    to.text("host", workflow.host);
}

}  // namespace dsfailover
