#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "base/terminal_text.h"
#include "base/version.h"
#include "report/print_report.h"

namespace dsfailover {
namespace {

constexpr int kLastCommandType = 13;

std::string label_value(std::string_view text) {
    std::string escaped;
    for (const char c : printable(text)) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

/// The metrics of one report.
class Metrics {
  public:
    Metrics(const Report& report, std::ostream& out) : report_(report), out_(out) {}

    void print() {
        const bool up = report_.status && report_.problems.empty();
        gauge("up", "Whether the last run of status could look at everything.", up);
        seconds("last_run_timestamp_seconds", "When the last run of status ended.",
                report_.finished_at);
        seconds("last_run_duration_seconds", "How long it took.",
                std::max<EpochMs>(report_.finished_at - report_.started_at, 0));
        info();
        if (report_.status) status(*report_.status);
    }

  private:
    void info() {
        begin("info", "What was looked at, and by which version of dsfailover; always 1.");
        fmt::print(
            out_,
            "dsfailover_info{{version=\"{}\",registry=\"{}\",database=\"{}\","
            "schema_version=\"{}\"}} 1\n",
            kVersion, report_.registry ? label_value(report_.registry->type) : "",
            report_.database ? label_value(report_.database->type) : "",
            report_.database ? label_value(report_.database->schema_version.value_or("")) : "");
    }

    void status(const StatusSection& status) {
        // The rows' times are by the database's clock.
        database_clock_ = report_.finished_at + status.clock_skew_ms.value_or(0);
        begin("check_ok", "Whether a check of status --check is all right.");
        for (const CheckItem& check : status.checks)
            sample("check_ok", "check", to_string(check.name), check.ok);
        servers(status);
        workflows(status);
        tasks(status);
        commands(status.commands);
        registry(status);
        if (status.clock_skew_ms)
            seconds("clock_skew_seconds", "The database's clock minus that of this machine.",
                    *status.clock_skew_ms);
        if (status.asked) asked(*status.asked);
    }

    void servers(const StatusSection& status) {
        begin("masters", "Living masters, by the status in their heartbeat.");
        by_status("masters", status.totals.masters);
        begin("workers", "Living workers, by the status in their heartbeat.");
        by_status("workers", status.totals.workers);
    }

    void workflows(const StatusSection& status) {
        const StatusTotals& totals = status.totals;
        begin("workflows", "Workflow instances that have not ended, by state.");
        for (const auto& [state, count] : totals.workflows)
            sample("workflows", "state", state, count);
        gauge("hosts_to_fail_over", "Hosts of which global would fail workflows over.",
              totals.hosts_to_fail_over);
        gauge("workflows_to_fail_over", "Workflows that global would fail over.",
              totals.to_fail_over);
        age("workflows_to_fail_over_oldest_age_seconds",
            "How long ago the oldest workflow of a host that needs failover started; 0: none.",
            totals.oldest_to_fail_over);
        gauge("workflows_in_doubt",
              "Workflows that another master may hold, that were handed over just now, or that "
              "have a command.",
              totals.in_doubt);
        gauge("workflows_running_elsewhere",
              "Workflows that run on another master than their host.", totals.running_elsewhere);
        gauge("workflows_stuck", "Workflows in state FAILOVER without a command.",
              status.stuck.total());
        gauge("workflows_ownerless", "Unfinished workflows without a host.",
              status.ownerless_items.total());
        gauge("workflows_idle", "Workflows of living masters without task activity for --idle.",
              status.idle.total());
        gauge("workflows_waiting_for_kill", "Workflows in READY_STOP whose kill was lost.",
              status.waiting_for_kill.total());
        age("serial_wait_oldest_age_seconds",
            "How long ago the oldest workflow in SERIAL_WAIT started; 0: none.",
            status.serial_wait.oldest_start_time);
    }

    void tasks(const StatusSection& status) {
        gauge("workers_gone", "Addresses of unfinished tasks where no server lives.",
              status.workers_gone.total());
        begin("workers_gone_tasks", "Unfinished tasks there, by what failover-worker would do.");
        for (const TaskRoute route :
             {TaskRoute::announced, TaskRoute::not_announceable, TaskRoute::pending,
              TaskRoute::stuck, TaskRoute::workflow_failover}) {
            const auto found = status.totals.gone_tasks.find(route);
            const bool any = found != status.totals.gone_tasks.end();
            sample("workers_gone_tasks", "route", to_string(route), any ? found->second : 0);
        }
        age("workers_gone_oldest_task_age_seconds",
            "How long ago the oldest of them was submitted; 0: none.",
            status.totals.oldest_gone_task);
        begin("waiting_tasks", "Tasks that nothing will start, by what they lack.");
        sample("waiting_tasks", "reason", "no_worker_group", status.waiting_tasks.no_worker_group);
        sample("waiting_tasks", "reason", "lost_task_group",
               status.waiting_tasks.lost_task_group.value_or(0));
    }

    void commands(const CommandsInfo& commands) {
        std::map<std::string, CommandsOfType> by_type{{"2", {}}};
        for (const auto& [type, of_type] : commands.by_type) {
            const bool known = type >= 0 && type <= kLastCommandType;
            CommandsOfType& sum = by_type[known ? std::to_string(type) : "other"];
            sum.count += of_type.count;
            sum.unclaimed += of_type.unclaimed;
            if (const auto& time = of_type.oldest_update_time)
                sum.oldest_update_time = std::min(sum.oldest_update_time.value_or(*time), *time);
        }
        begin("commands", "Commands that wait, by command_type; 2: recover after a failover.");
        for (const auto& [type, of_type] : by_type) sample("commands", "type", type, of_type.count);
        begin("commands_unclaimed", "Commands older than --unclaimed-after although masters live.");
        for (const auto& [type, of_type] : by_type)
            sample("commands_unclaimed", "type", type, of_type.unclaimed);
        begin("commands_oldest_age_seconds", "How long the oldest command waits; 0: none waits.");
        for (const auto& [type, of_type] : by_type)
            sample("commands_oldest_age_seconds", "type", type, age_of(of_type.oldest_update_time));
        gauge("commands_old", "Commands older than --backlog-after.", commands.old);
    }

    void registry(const StatusSection& status) {
        gauge("locks", "Failover locks that are held.", status.locks.total());
        gauge("locks_leaked", "Those that look leaked.", status.totals.leaked_locks);
        gauge("marks", "Failover marks.", status.marks);
        gauge("marks_expired", "Marks older than 7 days.", status.expired_marks);
        gauge("marks_unreadable", "Marks whose value is not a number.", status.unreadable_marks);
        begin("fences", "Marks that make a server stop itself, by whether one lives there.");
        const std::int64_t living = status.totals.fences_of_living;
        sample("fences", "alive", "true", living);
        sample("fences", "alive", "false", status.fences.total() - living);
    }

    void asked(const AskedSection& asked) {
        gauge("workflows_abandoned", "Unfinished workflows that no master holds.",
              asked.abandoned.total());
        gauge("workflows_held_idle", "Workflows that a master holds although nothing moves.",
              asked.held_idle.total());
        gauge("workflows_misplaced", "Workflows that another master holds than their host.",
              asked.misplaced.total());
        gauge("workflows_unanswered",
              "Workflows of which not every master said whether it holds them.", asked.unknown);
    }

    void begin(std::string_view name, std::string_view help) {
        fmt::print(out_, "# HELP dsfailover_{0} {1}\n# TYPE dsfailover_{0} gauge\n", name, help);
    }
    template <typename Number>
    void sample(std::string_view name, std::string_view label, std::string_view its_value,
                Number value) {
        fmt::print(out_, "dsfailover_{}{{{}=\"{}\"}} {}\n", name, label, label_value(its_value),
                   +value);
    }
    void gauge(std::string_view name, std::string_view help, std::int64_t value) {
        begin(name, help);
        fmt::print(out_, "dsfailover_{} {}\n", name, value);
    }
    void seconds(std::string_view name, std::string_view help, std::int64_t milliseconds) {
        begin(name, help);
        fmt::print(out_, "dsfailover_{} {}\n", name, in_seconds(milliseconds));
    }
    void age(std::string_view name, std::string_view help, const std::optional<EpochMs>& since) {
        begin(name, help);
        fmt::print(out_, "dsfailover_{} {}\n", name, age_of(since));
    }
    /// NORMAL and BUSY are what there is; a heartbeat could say anything.
    void by_status(std::string_view name, const std::map<std::string, std::int64_t>& servers) {
        std::map<std::string_view, std::int64_t> counts{{"NORMAL", 0}, {"BUSY", 0}, {"unknown", 0}};
        for (const auto& [status, count] : servers)
            counts[status == "NORMAL" || status == "BUSY" ? status : "unknown"] += count;
        for (const auto& [status, count] : counts) sample(name, "status", status, count);
    }

    static double in_seconds(std::int64_t milliseconds) {
        return static_cast<double>(milliseconds) / 1000;
    }
    double age_of(const std::optional<EpochMs>& since) const {
        return since ? in_seconds(std::max<EpochMs>(database_clock_ - *since, 0)) : 0;
    }

    const Report& report_;
    std::ostream& out_;
    EpochMs database_clock_ = 0;
};

}  // namespace

void print_prometheus_report(const Report& report, std::ostream& out) {
    Metrics(report, out).print();
}

}  // namespace dsfailover
