#include <fmt/format.h>

#include "base/terminal_text.h"
#include "report/table/pages.h"

namespace dsfailover {
namespace {

void print_facts(Page& page, const ExplainedWorkflow& workflow) {
    page.fact("state", workflow.state);
    std::string host = workflow.host.value_or("none");
    if (workflow.host_alive)
        host += workflow.host_startup_time
                    ? ", lives since " + page.since(workflow.host_startup_time)
                    : ", lives";
    else if (workflow.host)
        host += ", no living master";
    page.fact("host", host);
    page.fact("started", page.since(workflow.start_time));
    page.fact("restarted", page.since(workflow.restart_time));
    page.fact("started by", workflow.command_type
                                ? fmt::format("a command of type {}", *workflow.command_type)
                                : "");
    page.fact("last moved", page.since(workflow.last_task_activity));
    page.fact("masters say", workflow.answer + (workflow.held_by ? ": " + *workflow.held_by : ""));
    if (workflow.lock)
        page.fact(
            "lock",
            fmt::format(
                "{}, held by {}{}{}", workflow.lock->path, workflow.lock->holder,
                workflow.lock->held_since ? " since " + page.since(workflow.lock->held_since) : "",
                workflow.lock->leaked ? " (SUSPECTED LEAKED)" : ""));
}

void print_tasks(Page& page, const Items<ExplainedTask>& tasks) {
    TextTable list({{"ID"},
                    cuts("NAME", 6),
                    drops("TYPE", 2),
                    drops("STATE", 3),
                    {"HOST"},
                    {"LIFE"},
                    drops("PID", 4),
                    drops("APPLICATION", 1),
                    wraps("PROBLEM")});
    for (const ExplainedTask& item : tasks.kept())
        list.add({item.id, item.name, item.type, item.state, item.host, item.life, item.pid,
                  item.app_link, item.problem});
    page.part("tasks that have not ended", list);
    page.omitted(tasks.omitted());
}

void print_commands(Page& page, const std::string& title,
                    const std::vector<ExplainedCommand>& commands) {
    TextTable list({{"ID"}, {"TYPE"}, drops("UPDATED", 1), wraps("MESSAGE")});
    for (const ExplainedCommand& item : commands)
        list.add({item.id, item.command_type, page.age(item.update_time),
                  first_line(item.message.value_or(""))});
    page.part(title, list);
}

void print_host(Page& page, const ExplainedWorkflow& workflow) {
    TextTable marks({{"NAME"}, {"VALUE"}});
    for (const ExplainedMark& item : workflow.marks) marks.add({item.name, item.value});
    page.part("marks of its host", marks);
    TextTable stamps({{"TIME"}, drops("VALUE", 2), drops("ZONE", 1)});
    for (const ExplainedStamp& item : workflow.stamps)
        stamps.add({page.exact(item.value), item.value, item.zone});
    page.part("stamps of its host", stamps);
}

void print_related(Page& page, const std::string& title,
                   const std::vector<RelatedWorkflow>& workflows) {
    TextTable list({{"ID"}, cuts("NAME", 2), drops("STATE", 1), {"HOST"}});
    for (const RelatedWorkflow& item : workflows)
        list.add({item.id, item.name, item.state, item.host});
    page.part(title, list);
}

}  // namespace

// The conclusion comes first: the rest is for those who do not believe it.
void print_explained(Page& page, const Items<ExplainedWorkflow>& explained) {
    for (const ExplainedWorkflow& each : explained.kept()) {
        page.heading(fmt::format("workflow {}{}: {}", each.id,
                                 each.name ? " (" + *each.name + ")" : "", each.conclusion));
        page.fact("next", each.next.value_or("no command"), Tone::heading);
        page.fact("", each.advice.value_or(""));
        page.fact("why", fmt::format("{} ({}{})", each.why, each.verdict,
                                     each.row ? fmt::format(", row {}", *each.row) : ""));
        print_facts(page, each);
        print_tasks(page, each.tasks);
        print_commands(page, "commands that wait", each.commands);
        print_commands(page, "failed commands", each.failed_commands.kept());
        page.omitted(each.failed_commands.omitted());
        print_host(page, each);
        print_related(page, "parents", each.parents);
        print_related(page, "children", each.children.kept());
        page.omitted(each.children.omitted());
    }
    page.omitted(explained.omitted());
}

}  // namespace dsfailover
