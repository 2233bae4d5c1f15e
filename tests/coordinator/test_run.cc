#include "coordinator/test_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "base/error.h"
#include "coordinator/explain/explain.h"
#include "coordinator/failover_coordinator.h"
#include "coordinator/finish/finish.h"
#include "coordinator/rehost/rehost.h"
#include "coordinator/requeue/requeue.h"
#include "coordinator/run_context.h"
#include "coordinator/status/cluster_status.h"
#include "report/conclusion.h"

namespace dsfailover {

TestRun::TestRun(World& world, std::string client) : world_(world), client_(std::move(client)) {
    options.grace = options.lock_timeout = Millis(0);
    options.announce = false;
    requeue_options.lock_timeout = requeue_options.watch = Millis(0);
    options.ask.apart = Millis(0);
    status_options.check = true;
    rehost_options.lock_timeout = Millis(0);
    finish_options.lock_timeout = finish_options.ask.apart = Millis(0);
}

TestRun& TestRun::perform(const std::string& command,
                          const std::function<void(const OpenCluster&)>& work) {
    report = Report();
    report.command = command;
    report.started_at = now_ms();
    report.dry_run = options.dry_run || requeue_options.dry_run || finish_options.dry_run ||
                     rehost_options.dry_run;
    const auto registry = world_.registry.open(client_);
    const auto database = world_.open();
    AuditLog audit = audit_file.empty() ? AuditLog() : AuditLog(audit_file, command);
    try {
        work({*registry, database.get(), TimeZone(), audit, true, servers});
    } catch (const Error& error) {
        add_end(report, error.exit_code(), error.what(), audit.wrote());
    }
    conclude(report);
    return *this;
}

TestRun& TestRun::failover_master(const std::string& address) {
    return perform("failover-master", [&](const OpenCluster& cluster) {
        FailoverCoordinator(cluster, report)
            .failover_master({address, process, event_time}, options);
    });
}

TestRun& TestRun::failover_worker(const std::string& address) {
    return perform("failover-worker", [&](const OpenCluster& cluster) {
        FailoverCoordinator(cluster, report)
            .failover_worker({address, process, event_time}, options);
    });
}

TestRun& TestRun::failover_workflow(const std::vector<std::int64_t>& ids) {
    return perform("failover-workflow", [&](const OpenCluster& cluster) {
        FailoverCoordinator(cluster, report).failover_workflows(ids, options);
    });
}

TestRun& TestRun::global() {
    return perform("global", [&](const OpenCluster& cluster) {
        FailoverCoordinator(cluster, report).global_master_failover({event_time}, options);
    });
}

TestRun& TestRun::requeue(std::vector<std::int64_t> ids) {
    requeue_options.ids = std::move(ids);
    return perform("requeue", [&](const OpenCluster& cluster) {
        const Schema schema = read_schema(cluster, report);
        requeue_workflows(run_context(cluster, schema, report), requeue_options);
    });
}

TestRun& TestRun::finish(std::vector<std::int64_t> ids) {
    finish_options.ids = std::move(ids);
    return perform("finish", [&](const OpenCluster& cluster) {
        const Schema schema = read_schema(cluster, report);
        finish_workflows(run_context(cluster, schema, report), finish_options);
    });
}

TestRun& TestRun::rehost(std::vector<std::int64_t> ids) {
    rehost_options.ids = std::move(ids);
    return perform("rehost", [&](const OpenCluster& cluster) {
        const Schema schema = read_schema(cluster, report);
        rehost_workflows(run_context(cluster, schema, report), rehost_options);
    });
}

TestRun& TestRun::clean_marks(const MarksOptions& cleaning) {
    return perform("clean-marks", [&](const OpenCluster& cluster) {
        FailoverCoordinator(cluster, report).clean_history_failover_finished_marks(cleaning);
    });
}

TestRun& TestRun::status() {
    return perform("status", [&](const OpenCluster& cluster) {
        const Schema schema = read_schema(cluster, report);
        StatusOptions looking = status_options;
        looking.ask = options.ask;
        read_cluster_status(run_context(cluster, schema, report), looking);
    });
}

TestRun& TestRun::explain(std::vector<std::int64_t> ids) {
    return perform("explain", [&](const OpenCluster& cluster) {
        const Schema schema = read_schema(cluster, report);
        ExplainOptions looking;
        looking.ids = std::move(ids);
        looking.ask = options.ask;
        explain_workflows(run_context(cluster, schema, report), looking);
    });
}

MasterSection TestRun::master(const std::string& address) const {
    if (report.masters) {
        for (const MasterSection& section : *report.masters)
            if (section.address == address) return section;
    }
    ADD_FAILURE() << "the report has no master " << address << "; " << said();
    return MasterSection();
}

std::string TestRun::fate_of(std::int64_t workflow) const {
    const auto fate = [](const auto& item) {
        const bool has_reason =
            item.outcome == WorkflowOutcome::skipped || item.outcome == WorkflowOutcome::refused;
        return has_reason ? item.reason.value_or("?") : std::string(to_string(item.outcome));
    };
    for (const WorkflowItem* item : items())
        if (item->id == workflow) return fate(*item);
    if (report.finish) {
        for (const FinishItem& item : report.finish->items.kept())
            if (item.id == workflow) return fate(item);
    }
    if (report.rehost) {
        for (const RehostItem& item : report.rehost->items.kept())
            if (item.id == workflow) return fate(item);
    }
    return "unseen";
}

FinishItem TestRun::finish_item(std::int64_t workflow) const {
    if (report.finish) {
        for (const FinishItem& item : report.finish->items.kept())
            if (item.id == workflow) return item;
    }
    ADD_FAILURE() << "the report has no workflow " << workflow << "; " << said();
    return FinishItem();
}

std::vector<const WorkflowItem*> TestRun::items() const {
    std::vector<const WorkflowItem*> all;
    const auto add = [&](const WorkflowsSection& section) {
        for (const WorkflowItem& item : section.items.kept()) all.push_back(&item);
    };
    if (report.masters) {
        for (const MasterSection& section : *report.masters) add(section.workflows);
    }
    if (report.others) add(report.others->workflows);
    if (report.requeue) add(*report.requeue);
    return all;
}

std::string TestRun::fate_of_task(std::int64_t task) const {
    if (!report.worker) return "no worker";
    for (const TaskItem& item : report.worker->items.kept())
        if (item.id == task)
            return fmt::format("{} {}", to_string(item.route), to_string(item.outcome));
    return "unseen";
}

std::string TestRun::said() const {
    std::string all;
    for (const Problem& problem : report.problems) all += problem.text + '\n';
    for (const std::string& text : report.warnings) all += text + '\n';
    return all;
}

}  // namespace dsfailover
