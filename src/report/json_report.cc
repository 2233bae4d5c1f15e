#include <algorithm>
#include <charconv>
#include <ostream>

#include "report/json_writer.h"
#include "report/print_report.h"

namespace dsfailover {
namespace {

constexpr auto kInline = JsonWriter::Style::inline_;

/// Writes the report's parts through a bounded buffer.
class JsonReport {
  public:
    explicit JsonReport(std::ostream& out) : out_(out) {}

    void print(const Report& report, JsonWriter::Style style) {
        json_.begin_object(style);
        general(report);
        sections(report);
        json_.end_object();
        buffer_ += '\n';
        out_ << buffer_;
        buffer_.clear();
    }

  private:
    void general(const Report& report);
    void event(const std::optional<EventInfo>& event);
    void sections(const Report& report);
    void masters(const Report& report);
    void others(const std::optional<OthersSection>& others);
    void master(const MasterSection& master);
    void worker(const std::optional<WorkerSection>& worker);
    void workflows(const WorkflowsSection& workflows, std::string_view done_name);
    void finish(const std::optional<FinishSection>& finish);
    void rehost(const std::optional<RehostSection>& rehost);
    void finish_item(const FinishItem& item);
    void fence(const std::optional<FenceInfo>& fence);
    void mark(const std::optional<MarkInfo>& mark);
    void recovery(const std::optional<RecoveryInfo>& recovery);
    void marks(const std::optional<MarksSection>& marks);
    void status(const std::optional<StatusSection>& status);
    void commands(const CommandsInfo& commands);
    void explained(const std::optional<Items<ExplainedWorkflow>>& explained);
    void workflow(const ExplainedWorkflow& workflow);
    void servers_asked(const Report& report);
    void asked(const std::optional<AskedSection>& asked);
    void locks(const std::vector<LockNote>& locks);
    void lock(const LockNote& lock);
    void sandbox(const std::optional<SandboxSection>& sandbox);

    void item(const WorkflowItem& item);
    void item(const LivingTask& item);
    void item(const RehostItem& item);
    void item(const TaskItem& item);
    void item(const MarkItem& item);
    void item(const ServerItem& item);
    void item(const NeedsFailover& item);
    void item(const GoneWorker& item);
    void item(const OwnerlessWorkflow& item);
    void item(const IdleWorkflow& item);
    void item(const StuckWorkflow& item);
    void item(const WorkflowNote& item);
    void item(const ParentNote& item);
    void item(const FenceNote& item);
    void item(const MasterAsked& item);
    void item(const WorkerAsked& item);
    void item(const ExplainedTask& item);
    void item(const ExplainedCommand& item);
    void item(const ExplainedMark& item);
    void item(const ExplainedStamp& item);
    void item(const RelatedWorkflow& item);
    void item(const AbandonedWorkflow& item);
    void item(const HeldIdleWorkflow& item);
    void item(const MisplacedWorkflow& item);
    void item(const SandboxServer& item);
    void item(const SandboxWorkflow& item);
    void item(const SandboxTask& item);
    void item(const SandboxCommand& item);
    void item(const SandboxNode& item);
    void item(const SandboxLock& item);
    void item(const CheckItem& item);
    void item(const SettingItem& item);

    /// An array with one line for each of `items`.
    template <typename List>
    void array(std::string_view name, const List& items) {
        json_.key(name).begin_array();
        for (const auto& each : items) {
            json_.begin_object(kInline);
            item(each);
            json_.end_object();
            spill();
        }
        json_.end_array();
    }
    template <typename Item>
    void items(const Items<Item>& list) {
        array("items", list.kept());
        json_.field("items_omitted", list.omitted());
    }
    /// An array, and how many it leaves out.
    template <typename Item>
    void listed(const std::string& name, const Items<Item>& list) {
        array(name, list.kept());
        json_.field(name + "_omitted", list.omitted());
    }
    /// {total, items, items_omitted}
    template <typename Item>
    void counted_items(std::string_view name, const Items<Item>& list) {
        json_.key(name).begin_object();
        json_.field("total", static_cast<std::int64_t>(list.kept().size()) + list.omitted());
        items(list);
        json_.end_object();
    }
    void texts(std::string_view name, const std::vector<std::string>& list,
               JsonWriter::Style style = JsonWriter::Style::lines) {
        json_.key(name).begin_array(style);
        for (const std::string& text : list) json_.value(text);
        json_.end_array();
    }
    void numbers(std::string_view name, const std::vector<std::int64_t>& list) {
        json_.key(name).begin_array(kInline);
        for (const std::int64_t number : list) json_.value(number);
        json_.end_array();
    }
    template <typename Word>
    void counts(std::string_view name, const std::map<Word, std::int64_t>& list) {
        json_.key(name).begin_object(kInline);
        for (const auto& [word, count] : list) json_.field(to_string(word), count);
        json_.end_object();
    }
    void null_field(std::string_view name) { json_.key(name).value(nullptr); }
    /// A mark's value as found: a number where it is one.
    void mark_value(std::string_view name, const std::optional<std::string>& value);

    void spill() {
        if (buffer_.size() < 1 << 16) return;
        out_ << buffer_;
        buffer_.clear();
    }

    std::ostream& out_;
    std::string buffer_;
    JsonWriter json_{buffer_};
};

void JsonReport::mark_value(std::string_view name, const std::optional<std::string>& value) {
    std::int64_t number = 0;
    if (value) {
        const auto [end, error] =
            std::from_chars(value->data(), value->data() + value->size(), number);
        if (error == std::errc() && end == value->data() + value->size() &&
            std::to_string(number) == *value) {
            json_.field(name, number);
            return;
        }
    }
    json_.field(name, value);
}

void JsonReport::general(const Report& report) {
    json_.field("schema_version", std::int64_t{1});
    json_.field("command", report.command);
    json_.field("dry_run", report.dry_run);
    json_.field("outcome", to_string(report.outcome));
    json_.field("exit_code", static_cast<std::int64_t>(report.exit_code));
    json_.field("started_at", format_rfc3339(report.started_at));
    json_.field("finished_at", format_rfc3339(report.finished_at));
    // A clock set back during the run must not make it negative.
    json_.field("duration_ms", std::max<std::int64_t>(0, report.finished_at - report.started_at));
    if (report.registry) {
        json_.key("registry").begin_object(kInline);
        json_.field("type", report.registry->type);
        json_.field("endpoint", report.registry->endpoint);
        json_.field("namespace", report.registry->name_space);
        json_.end_object();
    } else {
        null_field("registry");
    }
    if (report.database) {
        json_.key("database").begin_object(kInline);
        json_.field("type", report.database->type);
        json_.field("endpoint", report.database->endpoint);
        json_.field("schema_version", report.database->schema_version);
        json_.field("replica", report.database->replica);
        json_.end_object();
    } else {
        null_field("database");
    }
    event(report.event);
    texts("warnings", report.warnings);
    std::vector<std::string> errors;
    for (const Problem& problem : report.problems) errors.push_back(problem.text);
    texts("errors", errors);
    servers_asked(report);
}

void JsonReport::servers_asked(const Report& report) {
    if (report.status && report.status->asked)
        array("masters_asked", report.status->asked->masters);
    else if (report.masters_asked)
        array("masters_asked", *report.masters_asked);
    else
        null_field("masters_asked");
    if (report.workers_asked)
        array("workers_asked", *report.workers_asked);
    else
        null_field("workers_asked");
}

void JsonReport::event(const std::optional<EventInfo>& event) {
    if (!event) return null_field("event");
    json_.key("event").begin_object(kInline);
    json_.field("type", event->type);
    json_.field("address", event->address);
    json_.field("startup_time", event->startup_time);
    json_.field("process_id", event->process_id);
    json_.field("event_time", event->event_time);
    json_.end_object();
}

/// Every command has its sections whether or not the run got that far, so that a script need not
/// look for them: empty lists where nothing was done, null where nothing is known.
void JsonReport::sections(const Report& report) {
    const std::string_view command = report.command;
    if (command == "failover-master" || command == "global") {
        masters(report);
    } else if (command == "failover-workflow") {
        masters(report);
        others(report.others);
    } else if (command == "failover-worker") {
        worker(report.worker);
        masters(report);
    } else if (command == "clean-marks" || command == "list-marks") {
        marks(report.marks);
    } else if (command == "requeue") {
        if (report.requeue) {
            json_.key("workflows");
            workflows(*report.requeue, "requeued");
        } else {
            null_field("workflows");
        }
        recovery(report.recovery);
    } else if (command == "finish") {
        finish(report.finish);
    } else if (command == "rehost") {
        rehost(report.rehost);
    } else if (command == "status") {
        status(report.status);
    } else if (command == "explain") {
        explained(report.explained);
    } else if (command == "sandbox show") {
        sandbox(report.sandbox);
    } else if (command == "config") {
        if (report.settings)
            array("settings", *report.settings);
        else
            null_field("settings");
    }
}

void JsonReport::masters(const Report& report) {
    json_.key("masters").begin_array();
    if (report.masters)
        for (const MasterSection& each : *report.masters) master(each);
    json_.end_array();
}

void JsonReport::master(const MasterSection& master) {
    json_.begin_object();
    json_.field("address", master.address);
    json_.field("alive", master.alive);
    json_.field("startup_time", master.startup_time);
    json_.field("deadline", master.deadline);
    json_.field("stamp", master.stamp);
    json_.field("new_host", master.new_host);
    json_.field("outcome", to_string(master.outcome));
    json_.field("old_process", to_string(master.old_process));
    fence(master.fence);
    if (master.lock) {
        json_.key("lock").begin_object(kInline);
        json_.field("path", master.lock->path);
        json_.field("waited_ms", master.lock->waited_ms);
        json_.field("holder", master.lock->holder);
        json_.end_object();
    } else {
        null_field("lock");
    }
    mark(master.mark);
    json_.key("workflows");
    workflows(master.workflows, "failed_over");
    recovery(master.recovery);
    json_.end_object();
}

void JsonReport::others(const std::optional<OthersSection>& others) {
    if (!others) return null_field("others");
    json_.key("others").begin_object();
    json_.field("host", others->host);
    json_.field("stamp", others->stamp);
    json_.key("workflows");
    workflows(others->workflows, "failed_over");
    recovery(others->recovery);
    json_.end_object();
}

void JsonReport::worker(const std::optional<WorkerSection>& worker) {
    if (!worker) return null_field("worker");
    json_.key("worker").begin_object();
    json_.field("address", worker->address);
    json_.field("alive", worker->alive);
    json_.field("startup_time", worker->startup_time);
    json_.field("deadline", worker->deadline);
    json_.field("outcome", to_string(worker->outcome));
    json_.field("announced", worker->announced);
    json_.field("acknowledged", worker->acknowledged);
    fence(worker->fence);
    mark(worker->mark);
    json_.key("tasks").begin_object();
    json_.field("selected", worker->selected);
    counts("routes", worker->routes);
    items(worker->items);
    json_.end_object();
    json_.end_object();
}

void JsonReport::workflows(const WorkflowsSection& workflows, std::string_view done_name) {
    json_.begin_object();
    json_.field("selected", workflows.selected);
    json_.field(done_name, workflows.done);
    json_.field("left", workflows.left);
    if (done_name == "failed_over") json_.field("unknown", workflows.unknown);
    counts("skipped", workflows.skipped);
    items(workflows.items);
    json_.end_object();
}

void JsonReport::finish(const std::optional<FinishSection>& finish) {
    if (!finish) return null_field("workflows");
    json_.key("workflows").begin_object();
    json_.field("selected", finish->selected);
    json_.field("finished", finish->done);
    json_.field("left", finish->left);
    counts("refused", finish->refused);
    counts("skipped", finish->skipped);
    json_.key("items").begin_array();
    for (const FinishItem& each : finish->items.kept()) {
        finish_item(each);
        spill();
    }
    json_.end_array();
    json_.field("items_omitted", finish->items.omitted());
    json_.end_object();
}

void JsonReport::finish_item(const FinishItem& item) {
    json_.begin_object();
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("previous_state", item.previous_state);
    json_.field("outcome", to_string(item.outcome));
    json_.field("reason", item.reason);
    json_.field("holder", item.holder);
    json_.field("last_task_activity", item.last_task_activity);
    json_.field("end_time", item.end_time);
    numbers("tasks_ended", item.tasks_ended);
    numbers("commands_deleted", item.commands_deleted);
    array("tasks_alive", item.tasks_alive);
    json_.end_object();
}

void JsonReport::rehost(const std::optional<RehostSection>& rehost) {
    if (!rehost) return null_field("workflows");
    json_.key("workflows").begin_object();
    json_.field("selected", rehost->selected);
    json_.field("rehosted", rehost->done);
    json_.field("left", rehost->left);
    counts("skipped", rehost->skipped);
    items(rehost->items);
    json_.end_object();
}

void JsonReport::item(const RehostItem& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("host", item.host);
    json_.field("holder", item.holder);
    json_.field("outcome", to_string(item.outcome));
    json_.field("reason", item.reason);
}

void JsonReport::item(const LivingTask& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("worker", item.worker);
    json_.field("answer", item.alive ? "alive" : "unanswered");
    json_.field("process_id", item.process_id);
    json_.field("applications", item.applications);
}

void JsonReport::fence(const std::optional<FenceInfo>& fence) {
    if (!fence) return null_field("fence");
    json_.key("fence").begin_object(kInline);
    json_.field("path", fence->path);
    json_.field("stopped", fence->stopped);
    json_.end_object();
}

void JsonReport::mark(const std::optional<MarkInfo>& mark) {
    if (!mark) return null_field("mark");
    json_.key("mark").begin_object(kInline);
    json_.field("path", mark->path);
    json_.field("value", mark->value);
    mark_value("previous_value", mark->previous_value);
    json_.field("written", mark->written);
    json_.end_object();
}

void JsonReport::recovery(const std::optional<RecoveryInfo>& recovery) {
    if (!recovery) return null_field("recovery");
    json_.key("recovery").begin_object(kInline);
    json_.field("recovered", recovery->recovered);
    json_.field("pending", recovery->pending);
    json_.field("errored", recovery->errored);
    json_.field("unproven", recovery->unproven);
    json_.field("lost", recovery->lost);
    json_.field("rehosted", recovery->rehosted);
    json_.end_object();
}

void JsonReport::marks(const std::optional<MarksSection>& marks) {
    if (!marks) return null_field("marks");
    json_.key("marks").begin_object();
    json_.field("examined", marks->examined);
    json_.field("removed", marks->removed);
    json_.field("kept", marks->kept);
    json_.field("failed", marks->failed);
    items(marks->items);
    json_.end_object();
}

void JsonReport::status(const std::optional<StatusSection>& status) {
    if (!status) {
        for (const char* name : {"masters",
                                 "masters_omitted",
                                 "workers",
                                 "workers_omitted",
                                 "coordinator",
                                 "coordinator_alive",
                                 "alert_leader",
                                 "alert_leader_alive",
                                 "needs_failover",
                                 "needs_failover_omitted",
                                 "ownerless",
                                 "ownerless_items",
                                 "ownerless_items_omitted",
                                 "stuck",
                                 "stuck_omitted",
                                 "uncertain",
                                 "parents",
                                 "waiting_for_kill",
                                 "workers_gone",
                                 "workers_gone_omitted",
                                 "idle",
                                 "serial_wait",
                                 "waiting_tasks",
                                 "commands",
                                 "locks",
                                 "locks_omitted",
                                 "marks",
                                 "clock_skew_ms",
                                 "checks"})
            null_field(name);
        asked(std::nullopt);
        return;
    }
    array("masters", status->masters.kept());
    json_.field("masters_omitted", status->masters.omitted());
    array("workers", status->workers.kept());
    json_.field("workers_omitted", status->workers.omitted());
    json_.field("coordinator", status->coordinator);
    json_.field("coordinator_alive", status->coordinator_alive);
    json_.field("alert_leader", status->alert_leader);
    json_.field("alert_leader_alive", status->alert_leader_alive);
    array("needs_failover", status->needs_failover.kept());
    json_.field("needs_failover_omitted", status->needs_failover.omitted());
    json_.field("ownerless", status->ownerless_items.total());
    listed("ownerless_items", status->ownerless_items);
    array("stuck", status->stuck.kept());
    json_.field("stuck_omitted", status->stuck.omitted());
    counted_items("uncertain", status->uncertain);
    counted_items("parents", status->parents);
    counted_items("waiting_for_kill", status->waiting_for_kill);
    listed("workers_gone", status->workers_gone);
    counted_items("idle", status->idle);
    json_.key("serial_wait").begin_object(kInline);
    json_.field("count", status->serial_wait.count);
    json_.field("oldest_start_time", status->serial_wait.oldest_start_time);
    json_.end_object();
    json_.key("waiting_tasks").begin_object(kInline);
    json_.field("no_worker_group", status->waiting_tasks.no_worker_group);
    json_.field("lost_task_group", status->waiting_tasks.lost_task_group);
    json_.end_object();
    commands(status->commands);
    locks(status->locks.kept());
    json_.field("locks_omitted", status->locks.omitted());
    json_.key("marks").begin_object();
    json_.field("count", status->marks);
    json_.field("expired", status->expired_marks);
    json_.field("unreadable", status->unreadable_marks);
    array("fences", status->fences.kept());
    json_.field("fences_omitted", status->fences.omitted());
    json_.end_object();
    json_.field("clock_skew_ms", status->clock_skew_ms);
    asked(status->asked);
    array("checks", status->checks);
}

// But for by_type these are of failover commands alone, as in 0.1.
void JsonReport::commands(const CommandsInfo& commands) {
    const CommandsOfType failovers = commands.failovers();
    json_.key("commands").begin_object();
    json_.key("by_type").begin_object();
    for (const auto& [type, its] : commands.by_type) {
        json_.key(std::to_string(type)).begin_object(kInline);
        json_.field("count", its.count);
        json_.field("oldest_update_time", its.oldest_update_time);
        json_.field("unclaimed", its.unclaimed);
        json_.end_object();
    }
    json_.end_object();
    json_.field("pending", failovers.count);
    json_.field("unclaimed", failovers.unclaimed);
    json_.field("oldest_update_time", failovers.oldest_update_time);
    json_.end_object();
}

void JsonReport::asked(const std::optional<AskedSection>& asked) {
    if (!asked) {
        for (const char* name : {"abandoned", "abandoned_omitted", "held_idle", "held_idle_omitted",
                                 "misplaced", "misplaced_omitted"})
            null_field(name);
        return;
    }
    array("abandoned", asked->abandoned.kept());
    json_.field("abandoned_omitted", asked->abandoned.omitted());
    array("held_idle", asked->held_idle.kept());
    json_.field("held_idle_omitted", asked->held_idle.omitted());
    array("misplaced", asked->misplaced.kept());
    json_.field("misplaced_omitted", asked->misplaced.omitted());
}

void JsonReport::locks(const std::vector<LockNote>& locks) {
    json_.key("locks").begin_array();
    for (const LockNote& each : locks) {
        lock(each);
        spill();
    }
    json_.end_array();
}

void JsonReport::lock(const LockNote& lock) {
    json_.begin_object(kInline);
    json_.field("path", lock.path);
    json_.field("holder", lock.holder);
    json_.field("held_since", lock.held_since);
    json_.field("leaked", lock.leaked);
    texts("waiters", lock.waiters, kInline);
    json_.end_object();
}

void JsonReport::explained(const std::optional<Items<ExplainedWorkflow>>& explained) {
    if (!explained) {
        null_field("explained");
        return null_field("explained_omitted");
    }
    json_.key("explained").begin_array();
    for (const ExplainedWorkflow& each : explained->kept()) {
        workflow(each);
        spill();
    }
    json_.end_array();
    json_.field("explained_omitted", explained->omitted());
}

void JsonReport::workflow(const ExplainedWorkflow& workflow) {
    json_.begin_object();
    json_.field("id", workflow.id);
    json_.field("name", workflow.name);
    json_.field("verdict", workflow.verdict);
    json_.field("row", workflow.row);
    json_.field("conclusion", workflow.conclusion);
    json_.field("why", workflow.why);
    json_.field("next", workflow.next);
    json_.field("advice", workflow.advice);
    json_.field("state", workflow.state);
    json_.field("host", workflow.host);
    json_.field("host_alive", workflow.host_alive);
    json_.field("host_startup_time", workflow.host_startup_time);
    json_.field("start_time", workflow.start_time);
    json_.field("restart_time", workflow.restart_time);
    json_.field("command_type", workflow.command_type);
    json_.field("last_task_activity", workflow.last_task_activity);
    json_.field("answer", workflow.answer);
    json_.field("held_by", workflow.held_by);
    listed("tasks", workflow.tasks);
    array("commands", workflow.commands);
    listed("failed_commands", workflow.failed_commands);
    array("marks", workflow.marks);
    array("stamps", workflow.stamps);
    json_.key("lock");
    if (workflow.lock)
        lock(*workflow.lock);
    else
        json_.value(nullptr);
    array("parents", workflow.parents);
    listed("children", workflow.children);
    json_.end_object();
}

void JsonReport::sandbox(const std::optional<SandboxSection>& sandbox) {
    if (!sandbox) return null_field("sandbox");
    json_.key("sandbox").begin_object();
    json_.field("file", sandbox->file);
    array("servers", sandbox->servers);
    array("workflows", sandbox->workflows);
    array("tasks", sandbox->tasks);
    array("commands", sandbox->commands);
    array("error_commands", sandbox->error_commands);
    array("marks", sandbox->marks);
    array("stamps", sandbox->stamps);
    array("locks", sandbox->locks);
    json_.end_object();
}

void JsonReport::item(const WorkflowItem& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("previous_state", item.previous_state);
    json_.field("outcome", to_string(item.outcome));
    json_.field("reason", item.reason);
    json_.field("command_id", item.command_id);
    json_.field("last_task_activity", item.last_task_activity);
    json_.field("held_by", item.held_by);
}

void JsonReport::item(const TaskItem& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("workflow_instance_id", item.workflow_instance_id);
    json_.field("state", item.state);
    json_.field("owner", item.owner);
    json_.field("route", to_string(item.route));
    json_.field("outcome", to_string(item.outcome));
    json_.field("reason", item.reason);
}

void JsonReport::item(const MarkItem& item) {
    json_.field("name", item.name);
    json_.field("address", item.address);
    json_.field("startup_time", item.startup_time);
    json_.field("process_id", item.process_id);
    mark_value("value", item.value);
    json_.field("age_ms", item.age_ms);
    json_.field("outcome", to_string(item.outcome));
    json_.field("reason", item.reason);
}

void JsonReport::item(const ServerItem& item) {
    json_.field("address", item.address);
    json_.field("alive", item.alive);
    json_.field("startup_time", item.startup_time);
    json_.field("process_id", item.process_id);
    json_.field("report_time", item.report_time);
    json_.field("server_status", item.server_status);
    json_.field("problem", item.problem);
    json_.field("worker_group", item.worker_group);
}

void JsonReport::item(const FenceNote& item) {
    json_.field("name", item.name);
    json_.field("address", item.address);
    json_.field("age_ms", item.age_ms);
    json_.field("alive", item.alive);
}

void JsonReport::item(const MasterAsked& item) {
    json_.field("address", item.address);
    json_.field("peer", item.peer);
    json_.field("questions", item.questions);
    json_.field("held", item.held);
    json_.field("not_held", item.not_held);
    json_.field("unanswered", item.unanswered);
    json_.field("control", item.control);
    json_.field("problem", item.problem);
}

void JsonReport::item(const WorkerAsked& item) {
    json_.field("address", item.address);
    json_.field("peer", item.peer);
    json_.field("questions", item.questions);
    json_.field("alive", item.alive);
    json_.field("unknown_task", item.unknown_task);
    json_.field("unanswered", item.unanswered);
    json_.field("problem", item.problem);
}

void JsonReport::item(const ExplainedTask& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("type", item.type);
    json_.field("state", item.state);
    json_.field("host", item.host);
    json_.field("life", item.life);
    json_.field("problem", item.problem);
    json_.field("pid", item.pid);
    json_.field("app_link", item.app_link);
}

void JsonReport::item(const ExplainedCommand& item) {
    json_.field("id", item.id);
    json_.field("command_type", std::int64_t{item.command_type});
    json_.field("update_time", item.update_time);
    json_.field("message", item.message);
}

void JsonReport::item(const ExplainedMark& item) {
    json_.field("name", item.name);
    mark_value("value", item.value);
}

void JsonReport::item(const ExplainedStamp& item) {
    json_.field("value", item.value);
    json_.field("zone", item.zone);
}

void JsonReport::item(const RelatedWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("state", item.state);
    json_.field("host", item.host);
}

void JsonReport::item(const AbandonedWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("state", item.state);
    json_.field("host", item.host);
    json_.field("since", item.since);
}

void JsonReport::item(const HeldIdleWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("host", item.host);
    json_.field("holder", item.holder);
    json_.field("since", item.since);
}

void JsonReport::item(const MisplacedWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("host", item.host);
    json_.field("holder", item.holder);
}

void JsonReport::item(const NeedsFailover& item) {
    json_.field("address", item.address);
    json_.field("alive", item.alive);
    json_.field("workflows", item.workflows);
    json_.field("in_doubt", item.in_doubt);
    json_.field("running_elsewhere", item.running_elsewhere);
    json_.field("oldest_start_time", item.oldest_start_time);
}

void JsonReport::item(const GoneWorker& item) {
    json_.field("address", item.address);
    json_.field("tasks", item.tasks);
    json_.field("oldest_submit_time", item.oldest_submit_time);
    counts("routes", item.routes);
}

void JsonReport::item(const OwnerlessWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("state", item.state);
}

void JsonReport::item(const IdleWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("host", item.host);
    json_.field("since", item.since);
    json_.field("overtaken", item.overtaken);
    json_.field("blocked", item.blocked);
}

void JsonReport::item(const StuckWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("cause", item.cause);
}

void JsonReport::item(const WorkflowNote& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("host", item.host);
    json_.field("reason", item.reason);
    json_.field("last_task_activity", item.last_task_activity);
}

void JsonReport::item(const ParentNote& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("host", item.host);
    json_.field("child_id", item.child_id);
    json_.field("child_host", item.child_host);
    json_.field("child_state", item.child_state);
}

void JsonReport::item(const SandboxServer& item) {
    json_.field("kind", item.kind);
    json_.field("address", item.address);
    json_.field("alive", item.alive);
    json_.field("startup_time", item.startup_time);
    json_.field("process_id", item.process_id);
}

void JsonReport::item(const SandboxWorkflow& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("state", item.state);
    json_.field("host", item.host);
    json_.field("start_time", item.start_time);
    json_.field("restart_time", item.restart_time);
    json_.field("command_type", item.command_type);
    json_.field("parent_id", item.parent_id);
}

void JsonReport::item(const SandboxTask& item) {
    json_.field("id", item.id);
    json_.field("name", item.name);
    json_.field("workflow_instance_id", item.workflow_instance_id);
    json_.field("state", item.state);
    json_.field("host", item.host);
    json_.field("flag", item.flag);
    json_.field("submit_time", item.submit_time);
}

void JsonReport::item(const SandboxCommand& item) {
    json_.field("id", item.id);
    json_.field("command_type", item.command_type);
    json_.field("workflow_instance_id", item.workflow_instance_id);
    json_.field("command_param", item.command_param);
    json_.field("update_time", item.update_time);
    json_.field("message", item.message);
}

void JsonReport::item(const SandboxNode& item) {
    json_.field("name", item.name);
    mark_value("value", item.value);
}

void JsonReport::item(const SandboxLock& item) {
    json_.field("path", item.path);
    json_.field("owner", item.owner);
    json_.field("client_id", item.client_id);
}

void JsonReport::item(const CheckItem& item) {
    json_.field("name", to_string(item.name));
    json_.field("ok", item.ok);
    json_.field("detail", item.detail);
    json_.field("hint", item.hint);
}

void JsonReport::item(const SettingItem& item) {
    json_.field("name", item.name);
    json_.field("value", item.value);
    json_.field("origin", item.origin);
}

}  // namespace

void print_json_report(const Report& report, std::ostream& out, JsonWriter::Style style) {
    JsonReport(out).print(report, style);
}

}  // namespace dsfailover
