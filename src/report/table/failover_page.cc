#include <fmt/format.h>

#include "report/table/pages.h"

namespace dsfailover {
namespace {

void print_list(Page& page, const WorkflowsSection& workflows, std::string_view done_name) {
    std::string text =
        fmt::format("{} selected, {} {}", workflows.selected, workflows.done, done_name);
    if (workflows.left > 0) text += fmt::format(", {} LEFT", workflows.left);
    if (workflows.unknown > 0) text += fmt::format(", {} UNKNOWN", workflows.unknown);
    if (!workflows.skipped.empty()) text += "; skipped: " + counts(workflows.skipped);
    page.fact("workflows", text);
    TextTable list({{"ID"},
                    cuts("NAME", 4),
                    drops("STATE BEFORE", 2),
                    {"OUTCOME"},
                    drops("COMMAND", 1),
                    drops("LAST MOVED", 3),
                    wraps("REASON")});
    for (const WorkflowItem& item : workflows.items.kept())
        list.add({item.id, item.name, item.previous_state, word_cell(to_string(item.outcome)),
                  item.command_id, page.age(item.last_task_activity), item.reason});
    page.table(list);
    page.omitted(workflows.items.omitted());
}

void print_fence(Page& page, const std::optional<FenceInfo>& fence) {
    if (!fence) return;
    page.fact(
        "fence",
        fmt::format("{}: {}", fence->path, fence->stopped ? "the server stopped" : "NOT STOPPED"),
        fence->stopped ? Tone::plain : Tone::bad);
}

void print_mark(Page& page, const std::optional<MarkInfo>& mark, bool planned) {
    if (!mark) return;
    const bool stands = mark->value && mark->previous_value == std::to_string(*mark->value);
    std::string text = fmt::format("{}: {}", mark->path,
                                   mark->written        ? "written"
                                   : planned && !stands ? "to be written"
                                                        : "not written");
    if (mark->value) text += fmt::format(", {} ({})", *mark->value, page.time(mark->value));
    if (mark->previous_value) text += ", before: " + *mark->previous_value;
    page.fact("mark", text);
}

std::string life(const Page& page, const std::optional<EpochMs>& startup_time) {
    return startup_time ? "since " + page.since(startup_time) : "yes";
}

void print_master(Page& page, const MasterSection& master, bool dry_run) {
    page.heading(fmt::format("master {}: {}", master.address, to_string(master.outcome)),
                 Tone::heading);
    if (master.alive) page.fact("alive", life(page, master.startup_time));
    page.fact("deadline", page.exact(master.deadline));
    page.fact("stamp", page.exact(master.stamp));
    page.fact("new host", master.new_host.value_or(""));
    if (master.old_process != OldProcess::not_asked)
        page.fact("old process", std::string(to_string(master.old_process)));
    print_fence(page, master.fence);
    if (master.lock)
        page.fact("lock",
                  fmt::format("{}, waited {}{}", master.lock->path, span(master.lock->waited_ms),
                              master.lock->holder ? ", held by " + *master.lock->holder : ""));
    print_mark(page, master.mark, dry_run && master.outcome != Outcome::already_failed_over);
    print_list(page, master.workflows, "failed over");
    if (master.recovery) print_recovery(page, *master.recovery);
}

void print_others(Page& page, const OthersSection& others) {
    if (others.workflows.items.total() == 0) return;
    page.heading("workflows without a host, and what cannot be failed over");
    page.fact("new host", others.host.value_or(""));
    page.fact("stamp", page.exact(others.stamp));
    print_list(page, others.workflows, "failed over");
    if (others.recovery) print_recovery(page, *others.recovery);
}

void print_worker(Page& page, const WorkerSection& worker, bool dry_run) {
    page.heading(fmt::format("worker {}: {}", worker.address, to_string(worker.outcome)));
    if (worker.alive) page.fact("alive", life(page, worker.startup_time));
    page.fact("deadline", page.exact(worker.deadline));
    print_fence(page, worker.fence);
    if (worker.announced)
        page.fact("departure",
                  worker.acknowledged ? "announced, acknowledged by a master"
                                      : "announced, NOT ACKNOWLEDGED by a master",
                  worker.acknowledged ? Tone::plain : Tone::caution);
    print_mark(page, worker.mark, dry_run);
    page.fact("tasks",
              fmt::format("{} selected{}{}", worker.selected,
                          worker.routes.empty() ? "" : "; routes: ", counts(worker.routes)));
    TextTable list({{"ID"},
                    cuts("NAME", 4),
                    {"WORKFLOW"},
                    drops("STATE", 1),
                    drops("OWNER", 2),
                    {"ROUTE"},
                    {"OUTCOME"},
                    wraps("REASON")});
    for (const TaskItem& item : worker.items.kept())
        list.add({item.id, item.name, item.workflow_instance_id, item.state, item.owner,
                  word_cell(to_string(item.route)), word_cell(to_string(item.outcome)),
                  item.reason});
    page.table(list);
    page.omitted(worker.items.omitted());
}

void print_finish(Page& page, const FinishSection& finish) {
    page.heading("workflows to be finished");
    std::string text = fmt::format("{} selected, {} finished", finish.selected, finish.done);
    if (finish.left > 0) text += fmt::format(", {} LEFT", finish.left);
    if (!finish.refused.empty()) text += "; refused: " + counts(finish.refused);
    if (!finish.skipped.empty()) text += "; skipped: " + counts(finish.skipped);
    page.fact("workflows", text);
    TextTable list({{"ID"},
                    cuts("NAME", 6),
                    drops("STATE BEFORE", 2),
                    {"OUTCOME"},
                    drops("HOLDER", 5),
                    drops("END TIME", 1),
                    drops("TASKS ENDED", 4),
                    drops("COMMANDS DELETED", 3),
                    wraps("REASON")});
    TextTable tasks({{"TASK"},
                     cuts("NAME", 2),
                     {"WORKFLOW"},
                     {"WORKER"},
                     {"ALIVE"},
                     {"PROCESS"},
                     drops("APPLICATIONS", 1)});
    for (const FinishItem& item : finish.items.kept()) {
        list.add({item.id, item.name, item.previous_state, word_cell(to_string(item.outcome)),
                  item.holder, page.time(item.end_time),
                  fmt::format("{}", fmt::join(item.tasks_ended, " ")),
                  fmt::format("{}", fmt::join(item.commands_deleted, " ")), item.reason});
        for (const LivingTask& task : item.tasks_alive)
            tasks.add({task.id, task.name, item.id, task.worker, task.alive ? "yes" : "not known",
                       task.process_id, task.applications});
    }
    page.table(list);
    page.omitted(finish.items.omitted());
    page.titled("their tasks on living workers", tasks);
}

void print_rehost(Page& page, const RehostSection& rehost) {
    page.heading("workflows of another master than their host");
    std::string text = fmt::format("{} selected, {} rehosted", rehost.selected, rehost.done);
    if (rehost.left > 0) text += fmt::format(", {} LEFT", rehost.left);
    if (!rehost.skipped.empty()) text += "; skipped: " + counts(rehost.skipped);
    page.fact("workflows", text);
    TextTable list({{"ID"},
                    cuts("NAME", 1),
                    drops("HOST BEFORE", 2),
                    {"HOLDER"},
                    {"OUTCOME"},
                    wraps("REASON")});
    for (const RehostItem& item : rehost.items.kept())
        list.add({item.id, item.name, item.host, item.holder, word_cell(to_string(item.outcome)),
                  item.reason});
    page.table(list);
    page.omitted(rehost.items.omitted());
}

}  // namespace

void print_failovers(Page& page, const Report& report) {
    if (report.masters)
        for (const MasterSection& each : *report.masters) print_master(page, each, report.dry_run);
    if (report.others) print_others(page, *report.others);
    if (report.worker) print_worker(page, *report.worker, report.dry_run);
}

void print_workflows(Page& page, const Report& report) {
    if (report.requeue) {
        page.heading("workflows that wait for a command, or whose command waits");
        print_list(page, *report.requeue, "requeued");
    }
    if (report.finish) print_finish(page, *report.finish);
    if (report.rehost) print_rehost(page, *report.rehost);
    if (report.recovery) print_recovery(page, *report.recovery);
}

void print_recovery(Page& page, const RecoveryInfo& recovery) {
    page.fact(
        "recovery",
        fmt::format(
            "{} recovered, {} pending, {} errored{}{}", recovery.recovered, recovery.pending,
            recovery.errored,
            recovery.unproven > 0 ? fmt::format(", {} of them unproven", recovery.unproven) : "",
            recovery.lost > 0 ? fmt::format(", {} LOST", recovery.lost) : ""),
        recovery.lost > 0 || recovery.errored > 0 ? Tone::bad : Tone::plain);
}

void print_marks(Page& page, const MarksSection& marks) {
    page.heading(fmt::format("marks: {} examined, {} removed, {} kept, {} failed", marks.examined,
                             marks.removed, marks.kept, marks.failed));
    TextTable list({{"MARK"}, drops("VALUE", 1), drops("AGE", 2), {"OUTCOME"}, wraps("REASON")});
    for (const MarkItem& item : marks.items.kept())
        list.add({item.name, item.value, item.age_ms ? span(*item.age_ms) : "",
                  word_cell(to_string(item.outcome)), item.reason});
    page.table(list);
    page.omitted(marks.items.omitted());
}

}  // namespace dsfailover
