#include "coordinator/failover_coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/admission.h"
#include "coordinator/failover/fenced_server.h"
#include "coordinator/failover/global_targets.h"
#include "coordinator/failover/master_failover.h"
#include "coordinator/failover/named_workflows.h"
#include "coordinator/failover/one_cluster.h"
#include "coordinator/failover/right_server.h"
#include "coordinator/marks/mark_cleaning.h"
#include "coordinator/run_context.h"
#include "coordinator/worker/task_failover.h"
#include "registry/paths.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

struct Start {
    RunContext context;
    FirstLook look;
};

}  // namespace

struct FailoverCoordinator::State {
    OpenCluster cluster;
    Report& report;
    std::optional<Schema> schema;

    /// The schema is read once, the first time a run needs the database.
    RunContext context() {
        if (!cluster.database)
            throw UsageError("This command needs a database: give --database or --ds-config.");
        if (!schema) schema = read_schema(cluster, report);
        return run_context(cluster, *schema, report);
    }

    /// Who lives is read beside the database: each waits for a server.
    Start start(const FailoverOptions& options) {
        FirstLook look;
        look.at = now_ms();
        auto reading = run_beside([&] { look.servers = read_servers(cluster.registry, true); });
        const RunContext its_context = context();
        look.activity = read_activity(its_context);
        reading.get();
        look.clock_difference = check_clocks(its_context, look.servers);
        check_zone(its_context, look.servers, look.activity);
        if (its_context.servers)
            look.inquiry = std::make_shared<WorkflowInquiry>(its_context, options.ask);
        return {its_context, std::move(look)};
    }
};

namespace {

// refuse_wrong_server() and refuse_or_fence(). False where the run ends here; `ended` puts that
// into the report's section, whatever ends it.
bool is_admitted(const RunContext& context, std::string_view folder, FailoverTarget& target,
                 FirstLook& look, std::optional<EpochMs> event_time, const FailoverOptions& options,
                 const std::function<void(Outcome)>& ended) {
    std::optional<Refusal> refusal;
    try {
        refusal = refuse_wrong_server(context, folder, target, look.servers);
        if (!refusal) refusal = refuse_or_fence(context, folder, target, look, event_time, options);
    } catch (const Interrupted&) {
        ended(Outcome::interrupted);
        throw;
    } catch (const std::exception&) {
        ended(Outcome::failed);
        throw;
    }
    if (!refusal) return true;
    ended(refusal->code == ExitCode::refused            ? Outcome::refused
          : refusal->code == ExitCode::lock_unavailable ? Outcome::failed
                                                        : Outcome::partial);
    context.fail(refusal->code, refusal->why);
    return false;
}

void warn_of_past_event(const RunContext& context, const Servers& servers,
                        std::optional<EpochMs> event_time) {
    if (!event_time || servers.masters.empty() || *event_time > now_ms() - 5000) return;
    context.warn(fmt::format(
        "The event time {} lies in the past while masters live: workflows started since then are "
        "not failed over.",
        format_rfc3339(*event_time)));
}

}  // namespace

FailoverCoordinator::FailoverCoordinator(OpenCluster cluster, Report& report)
    : state_(new State{std::move(cluster), report, std::nullopt}) {}

FailoverCoordinator::~FailoverCoordinator() = default;

void FailoverCoordinator::failover_master(const MasterFailoverEvent& event,
                                          const FailoverOptions& options) {
    Report& report = state_->report;
    Start began = state_->start(options);
    const RunContext& context = began.context;
    FirstLook& look = began.look;
    warn_of_past_event(context, look.servers, event.event_time);
    FailoverTarget target{event.address, event.process, std::nullopt};
    const auto ended = [&, &servers = look.servers](Outcome outcome) {
        MasterSection& section = report.masters.emplace().emplace_back(options.items);
        section.address = event.address;
        if (const Server* living = servers.master(event.address)) {
            section.alive = true;
            section.startup_time = living->startup_time;
        }
        section.fence = target.fence;
        section.outcome = outcome;
    };
    with_fence(context, true, target, [&] {
        if (!is_admitted(context, paths::kMasters, target, look, event.event_time, options, ended))
            return;
        if (!target.process) {
            context.warn(
                fmt::format("Without --startup-time and --process-id the old process at {} is not "
                            "fenced: if it is only cut "
                            "off from the registry, it goes on working.",
                            event.address));
        }
        MasterFailover failover(context, options, std::move(look));
        failover.run({target}, event.event_time, true);
        failover.wait_for_recovery(now_ms() + options.wait.value_or(Millis(0)).count());
        warn_if_no_master(context);
    });
}

void FailoverCoordinator::global_master_failover(const GlobalMasterFailoverEvent& event,
                                                 const FailoverOptions& options) {
    Report& report = state_->report;
    report.masters.emplace();
    auto [context, look] = state_->start(options);
    warn_of_past_event(context, look.servers, event.event_time);

    std::vector<FailoverTarget> targets =
        find_global_targets(context, look, event.event_time, options);
    look.targets_are_judged = true;
    MasterFailover failover(context, options, std::move(look));
    failover.run(std::move(targets), event.event_time, false);
    failover.wait_for_recovery(now_ms() + options.wait.value_or(Millis(0)).count());
    warn_if_no_master(context);
}

void FailoverCoordinator::failover_worker(const WorkerFailoverEvent& event,
                                          const FailoverOptions& options) {
    Report& report = state_->report;
    WorkerSection& section = report.worker.emplace(options.items);
    section.address = event.address;
    report.masters.emplace();
    Start began = state_->start(options);
    const RunContext& context = began.context;
    FirstLook& look = began.look;
    warn_of_past_event(context, look.servers, event.event_time);
    FailoverTarget target{event.address, event.process, std::nullopt};
    const auto ended = [&, &servers = look.servers](Outcome outcome) {
        if (const Server* living = servers.worker(event.address)) {
            section.alive = true;
            section.startup_time = living->startup_time;
        }
        section.fence = target.fence;
        section.outcome = outcome;
    };
    with_fence(context, false, target, [&] {
        if (!is_admitted(context, paths::kWorkers, target, look, event.event_time, options, ended))
            return;
        section.fence = target.fence;
        WorkerFailoverEvent meant = event;
        meant.process = target.process;
        TaskFailover(context, options, std::move(look), std::move(meant)).run();
        warn_if_no_master(context);
    });
}

void FailoverCoordinator::failover_workflows(const std::vector<std::int64_t>& ids,
                                             const FailoverOptions& options) {
    state_->report.masters.emplace();
    auto [context, look] = state_->start(options);
    NamedWorkflows(context, options, std::move(look)).fail_over({ids.begin(), ids.end()});
    warn_if_no_master(context);
}

void FailoverCoordinator::clean_history_failover_finished_marks(const MarksOptions& options) {
    if (state_->cluster.database) {
        const RunContext context = state_->context();
        clean_marks(state_->cluster.registry, state_->cluster.audit, state_->report, &context,
                    options);
    } else {
        clean_marks(state_->cluster.registry, state_->cluster.audit, state_->report, nullptr,
                    options);
    }
}

void FailoverCoordinator::list_failover_finished_marks(const MarksOptions& options) {
    Report& report = state_->report;
    list_marks(state_->cluster.registry, report, options);
}

}  // namespace dsfailover
