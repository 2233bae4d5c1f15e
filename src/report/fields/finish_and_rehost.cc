#include "report/fields/describe.h"

namespace dsfailover {
namespace {

constexpr std::string_view kOfEachReason = "How many, for each reason.";

}  // namespace

void describe(FieldSink& to, const FinishSection& finish) {
    to.count("selected", finish.selected, "Those named that have not ended.");
    to.count("finished", finish.done);
    to.count("left", finish.left, "Selected, but not ended: failures, interruption.");
    to.counts("refused", finish.refused, kOfEachReason);
    to.counts("skipped", finish.skipped, kOfEachReason);
    to.list("items", finish.items, {}, Layout::lines);
}

void describe(FieldSink& to, const FinishItem& workflow) {
    to.type("finish_item", "A workflow instance that finish was asked to end.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("previous_state", workflow.previous_state);
    to.word("outcome", workflow.outcome);
    to.text("reason", workflow.reason, "Why it was refused or skipped, or why it failed.");
    to.text("holder", workflow.holder, "The master that holds it.");
    to.time("last_task_activity", workflow.last_task_activity);
    to.time("end_time", workflow.end_time, "That it and its tasks have now, or would have.");
    to.numbers("tasks_ended", workflow.tasks_ended, "Ids of task instances; planned: to be ended.");
    to.numbers("commands_deleted", workflow.commands_deleted,
               "Ids of commands; planned: to be deleted.");
    to.list("tasks_alive", workflow.tasks_alive,
            "Unfinished tasks that are alive on their worker, or whose living worker did not say. "
            "finish does not kill them.");
}

void describe(FieldSink& to, const LivingTask& task) {
    to.type("living_task", "A task that is, or may be, alive while its workflow is ended.");
    to.number("id", task.id);
    to.text("name", task.name);
    to.text("worker", task.worker);
    to.one_of("answer", {"alive", "unanswered"}, task.alive ? "alive" : "unanswered");
    to.number("process_id", task.process_id);
    to.text("applications", task.applications, "Ids of its applications, as stored.");
}

void describe(FieldSink& to, const RehostSection& rehost) {
    to.count("selected", rehost.selected, "Those that another master holds than their host.");
    to.count("rehosted", rehost.done);
    to.count("left", rehost.left, "Selected, but not rehosted: --limit, failures, interruption.");
    to.counts("skipped", rehost.skipped, kOfEachReason);
    to.list("items", rehost.items);
}

void describe(FieldSink& to, const RehostItem& workflow) {
    to.type("rehost_item", "A workflow instance whose host is not the master that holds it.");
    to.number("id", workflow.id);
    to.text("name", workflow.name);
    to.text("host", workflow.host, "As it was read.");
    to.text("holder", workflow.holder,
            "The master that holds it, and is its host where it was rehosted.");
    to.word("outcome", workflow.outcome);
    to.text("reason", workflow.reason, "Why it was skipped or left, or why it failed.");
}

}  // namespace dsfailover
