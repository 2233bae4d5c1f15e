// What servers answered, what is in a sandbox, and the settings.

#include "base/terminal_text.h"
#include "report/table/pages.h"

namespace dsfailover {
namespace {

void print_masters(Page& page, const std::vector<MasterAsked>& asked) {
    TextTable masters({{"ADDRESS"},
                       drops("CONNECTED TO", 1),
                       drops("QUESTIONS", 3),
                       {"HELD"},
                       {"NOT HELD"},
                       {"UNANSWERED"},
                       drops("CONTROL", 2),
                       wraps("PROBLEM")});
    for (const MasterAsked& item : asked)
        masters.add({item.address, item.peer, item.questions, item.held, item.not_held,
                     item.unanswered, item.control ? word_cell(*item.control) : Cell(""),
                     item.problem});
    page.heading(std::string("masters asked") + (masters.empty() ? ": none" : ""));
    page.table(masters);
}

void print_workers(Page& page, const std::vector<WorkerAsked>& asked) {
    TextTable workers({{"ADDRESS"},
                       drops("CONNECTED TO", 1),
                       drops("QUESTIONS", 2),
                       {"ALIVE"},
                       {"UNKNOWN TASK"},
                       {"UNANSWERED"},
                       wraps("PROBLEM")});
    for (const WorkerAsked& item : asked)
        workers.add({item.address, item.peer, item.questions, item.alive, item.unknown_task,
                     item.unanswered, item.problem});
    page.titled("workers asked", workers);
}

void print_commands(Page& page, const std::string& title,
                    const std::vector<SandboxCommand>& commands) {
    TextTable list(
        {{"ID"}, {"TYPE"}, {"WORKFLOW"}, drops("UPDATED", 2), wraps("MESSAGE"), cuts("PARAM", 1)});
    for (const SandboxCommand& item : commands)
        list.add({item.id, item.command_type, item.workflow_instance_id, item.update_time,
                  first_line(item.message.value_or("")), item.command_param});
    page.titled(title, list);
}

void print_nodes(Page& page, const std::string& title, const std::vector<SandboxNode>& nodes) {
    TextTable list({{"NAME"}, {"VALUE"}});
    for (const SandboxNode& item : nodes) list.add({item.name, item.value});
    page.titled(title, list);
}

}  // namespace

void print_answers(Page& page, const Report& report) {
    if (report.status && report.status->asked)
        print_masters(page, report.status->asked->masters);
    else if (report.masters_asked)
        print_masters(page, *report.masters_asked);
    if (report.workers_asked) print_workers(page, *report.workers_asked);
}

void print_sandbox(Page& page, const SandboxSection& sandbox) {
    TextTable servers({{"KIND"}, {"ADDRESS"}, {"ALIVE"}, drops("STARTED", 1), {"PROCESS"}});
    for (const SandboxServer& item : sandbox.servers)
        servers.add({item.kind, item.address, item.alive ? "yes" : "no",
                     page.time(item.startup_time), item.process_id});
    page.titled("servers", servers);

    TextTable workflows({{"ID"},
                         cuts("NAME", 5),
                         {"STATE"},
                         {"HOST"},
                         drops("STARTED", 4),
                         drops("RESTARTED", 3),
                         drops("COMMAND TYPE", 2),
                         drops("PARENT", 1)});
    for (const SandboxWorkflow& item : sandbox.workflows)
        workflows.add({item.id, item.name, item.state, item.host, item.start_time,
                       item.restart_time, item.command_type, item.parent_id});
    page.titled("workflow instances", workflows);

    TextTable tasks({{"ID"},
                     cuts("NAME", 3),
                     {"WORKFLOW"},
                     {"STATE"},
                     {"HOST"},
                     drops("FLAG", 1),
                     drops("SUBMITTED", 2)});
    for (const SandboxTask& item : sandbox.tasks)
        tasks.add({item.id, item.name, item.workflow_instance_id, item.state, item.host, item.flag,
                   item.submit_time});
    page.titled("task instances", tasks);

    print_commands(page, "commands", sandbox.commands);
    print_commands(page, "failed commands", sandbox.error_commands);
    print_nodes(page, "marks", sandbox.marks);
    print_nodes(page, "stamps", sandbox.stamps);
    TextTable locks({{"PATH"}, {"OWNER"}, {"CLIENT"}});
    for (const SandboxLock& item : sandbox.locks)
        locks.add({item.path, item.owner, item.client_id});
    page.titled("locks", locks);
}

void print_settings(Page& page, const std::vector<SettingItem>& settings) {
    TextTable list({{"SETTING"}, wraps("VALUE"), wraps("FROM")});
    for (const SettingItem& item : settings) list.add({item.name, item.value, item.origin});
    page.titled("settings", list);
}

}  // namespace dsfailover
