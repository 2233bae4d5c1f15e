#include "sample_reports.h"

namespace dsfailover {
namespace {

constexpr EpochMs kNow = 1'795'331'890'740;
const std::string kNastyName = "a \"name\"\n\x1b[31m\xff\xfe 订单";

Report general(const std::string& command) {
    Report report;
    report.command = command;
    report.started_at = kNow;
    report.finished_at = kNow + 1234;
    report.registry = RegistryInfo{"zookeeper", "h1:2181,h2:2181", "/dolphinscheduler"};
    report.database = DatabaseInfo{"postgresql", "postgresql://h:5432/ds", "3.3.0", "no"};
    report.warnings = {"a warning about " + kNastyName};
    return report;
}

Report early_end(const std::string& command) {
    Report report;
    report.command = command;
    report.outcome = Outcome::failed;
    report.exit_code = ExitCode::environment;
    report.started_at = kNow;
    report.finished_at = kNow - 5;  // the clock was set back
    report.problems = {{ExitCode::environment, "zookeeper://h1:2181 cannot be reached"}};
    return report;
}

WorkflowsSection workflows(WorkflowOutcome done) {
    WorkflowsSection result(4);
    result.selected = 3;
    result.done = 1;
    result.left = 2;
    result.unknown = 1;
    result.skipped = {{SkipReason::in_doubt, 1}, {SkipReason::running_elsewhere, 1}};
    result.items.add({11, kNastyName, "RUNNING_EXECUTION", done, std::nullopt, 501, {}, {}});
    result.items.add({12, "b", "READY_STOP", WorkflowOutcome::skipped, "in_doubt", std::nullopt,
                      kNow, "127.0.1.2:5678"});
    result.items.add({13, std::nullopt, "READY_PAUSE", WorkflowOutcome::left, "limit", {}, {}, {}});
    result.items.add({14, "e", "READY_STOP", WorkflowOutcome::unknown, "a reason", {}, {}, {}});
    result.items.add({15, "d", std::nullopt, WorkflowOutcome::failed, "a reason", {}, {}, {}});
    return result;
}

MasterSection master() {
    MasterSection result;
    result.address = "127.0.1.1:5678";
    result.alive = true;
    result.startup_time = kNow - 1000;
    result.deadline = kNow;
    result.stamp = kNow + 1;
    result.outcome = Outcome::partial;
    result.fence = FenceInfo{"/nodes/failover-finish-nodes/127.0.1.1:5678-1-2", true, std::nullopt};
    result.lock = LockInfo{"/lock/master-failover/127.0.1.1:5678", 1500, "127.0.1.2:5678"};
    result.mark = MarkInfo{"/nodes/failover-finish-nodes/127.0.1.1:5678-unknown-unknown", kNow,
                           "not-a-number", true};
    result.workflows = workflows(WorkflowOutcome::failed_over);
    result.recovery = RecoveryInfo{1, 2, 3};
    return result;
}

Report failover_master() {
    Report report = general("failover-master");
    report.outcome = Outcome::partial;
    report.exit_code = ExitCode::needs_person;
    report.problems = {{ExitCode::needs_person, "Workflows of 127.0.1.1:5678 are left"}};
    report.event = EventInfo{"MasterFailoverEvent", "127.0.1.1:5678", kNow - 99999, 77, kNow};
    MasterSection bare;
    bare.address = "127.0.1.9:5678";
    report.masters = std::vector{master(), bare};
    return report;
}

Report failover_workflow() {
    Report report = general("failover-workflow");
    report.outcome = Outcome::partial;
    report.exit_code = ExitCode::refused;
    report.problems = {{ExitCode::refused, "Nothing was done about workflow instance 12"}};
    report.masters = std::vector{master()};
    OthersSection& others = report.others.emplace();
    others.host = "127.0.1.2:5678";
    others.stamp = kNow;
    others.workflows = workflows(WorkflowOutcome::failed_over);
    others.workflows.skipped = {{SkipReason::in_failover, 1},    {SkipReason::no_master, 1},
                                {SkipReason::not_unfinished, 1}, {SkipReason::odd_hosts, 1},
                                {SkipReason::unanswered, 1},     {SkipReason::unknown, 1}};
    others.recovery = RecoveryInfo{1, 2, 3};
    return report;
}

Report global() {
    Report report = general("global");
    report.dry_run = true;
    report.outcome = Outcome::planned;
    report.event = EventInfo{"GlobalMasterFailoverEvent", {}, {}, {}, kNow};
    MasterSection planned = master();
    planned.workflows = workflows(WorkflowOutcome::planned);
    report.masters = std::vector{planned};
    return report;
}

Report failover_worker() {
    Report report = general("failover-worker");
    report.outcome = Outcome::interrupted;
    report.exit_code = ExitCode::terminated;
    report.event = EventInfo{"WorkerFailoverEvent", "127.0.1.11:1234", {}, {}, kNow};
    WorkerSection worker(2);
    worker.address = "127.0.1.11:1234";
    worker.deadline = kNow;
    worker.outcome = Outcome::partial;
    worker.announced = true;
    worker.mark = MarkInfo{"/nodes/failover-finish-nodes/x", {}, "1795331890740", false};
    worker.selected = 3;
    worker.routes = {{TaskRoute::announced, 2}, {TaskRoute::workflow_failover, 1}};
    worker.items.add(
        {1, "t", 11, "DISPATCH", "127.0.1.1:5678", TaskRoute::announced, TaskOutcome::left, "why"});
    worker.items.add({2,
                      kNastyName,
                      11,
                      "RUNNING_EXECUTION",
                      {},
                      TaskRoute::workflow_failover,
                      TaskOutcome::planned,
                      {}});
    worker.items.add({3, "v", 12, "DISPATCH", {}, TaskRoute::stuck, TaskOutcome::left, {}});
    report.worker = worker;
    report.masters = std::vector{master()};
    return report;
}

Report marks(const std::string& command) {
    Report report = general(command);
    MarksSection marks(2);
    marks.examined = 3;
    marks.removed = 1;
    marks.kept = 1;
    marks.failed = 1;
    marks.items.add({"127.0.1.1:5678-1795331879415-7074",
                     "127.0.1.1:5678",
                     1'795'331'879'415,
                     7074,
                     "1795331890740",
                     700'000'000,
                     MarkOutcome::removed,
                     {}});
    marks.items.add({"my-host.invalid:1-unknown-unknown",
                     "my-host.invalid:1",
                     {},
                     {},
                     "0x12",
                     {},
                     MarkOutcome::failed,
                     "its value is not a number"});
    marks.items.add({"\xff", {}, {}, {}, {}, {}, MarkOutcome::kept, "evidence"});
    report.marks = marks;
    return report;
}

Report requeue() {
    Report report = general("requeue");
    report.requeue = workflows(WorkflowOutcome::requeued);
    report.requeue->skipped = {{SkipReason::duplicate_tasks, 1}};
    report.requeue->items.kept()[0].previous_state = "FAILOVER";
    report.masters_asked = {{"127.0.1.2:5678", "127.0.1.2:5678", 1, 1, 0, 0, {}, {}}};
    report.workers_asked = {{"127.0.1.12:1234", "127.0.1.12:1234", 3, 1, 2, 0, {}},
                            {kNastyName, {}, 2, 0, 0, 2, "it is silent"}};
    report.recovery = RecoveryInfo{1, 0, 0};
    return report;
}

Report finish() {
    Report report = general("finish");
    FinishSection finish(3);
    finish.selected = 3;
    finish.done = 1;
    finish.left = 1;
    finish.refused = {{SkipReason::held, 1}};
    finish.skipped = {{SkipReason::not_unfinished, 1}};
    FinishItem done{11,
                    kNastyName,
                    "SUBMITTED_SUCCESS",
                    WorkflowOutcome::finished,
                    {},
                    {},
                    kNow,
                    kNow,
                    {70, 71},
                    {501},
                    {}};
    done.tasks_alive = {{70, kNastyName, "127.0.1.12:1234", true, 4711, "application_1"},
                        {71, "t", "127.0.1.12:1234", false, {}, {}}};
    finish.items.add(done);
    finish.items.add({12,
                      {},
                      "FAILOVER",
                      WorkflowOutcome::refused,
                      "held",
                      "127.0.1.2:5678",
                      {},
                      {},
                      {},
                      {},
                      {}});
    finish.items.add({13, {}, {}, WorkflowOutcome::left, {}, {}, {}, {}, {}, {}, {}});
    finish.items.add(
        {14, {}, {}, WorkflowOutcome::skipped, "not_unfinished", {}, {}, {}, {}, {}, {}});
    report.finish = finish;
    return report;
}

Report rehost() {
    Report report = general("rehost");
    RehostSection rehost(2);
    rehost.selected = 2;
    rehost.done = 1;
    rehost.left = 1;
    rehost.skipped = {{SkipReason::held_by_two, 1}};
    rehost.items.add(
        {11, kNastyName, "127.0.1.1:5678", "127.0.1.2:5678", WorkflowOutcome::rehosted, {}});
    rehost.items.add({12, {}, {}, {}, WorkflowOutcome::left, "limit"});
    rehost.items.add({13, {}, {}, {}, WorkflowOutcome::skipped, "held_by_two"});
    report.rehost = rehost;
    return report;
}

Report status() {
    Report report = general("status");
    report.outcome = Outcome::completed;
    report.exit_code = ExitCode::check_failed;
    StatusSection status(1);
    status.masters.add({"127.0.1.2:5678", true, kNow - 5000, 7074, kNow, "NORMAL", {}, {}});
    status.workers.add(
        {"127.0.1.12:1234", true, {}, {}, {}, {}, "its heartbeat is not JSON", "default"});
    status.coordinator = "127.0.1.1:5678";
    status.coordinator_alive = false;
    status.needs_failover.add({"127.0.1.1:5678", false, 12, 1, 2, kNow - 100'000});
    status.needs_failover.add({"127.0.1.3:5678", true, 0, 1, 0, {}});
    status.ownerless_items.add({3, kNastyName, "RUNNING_EXECUTION"});
    status.ownerless_items.add({4, {}, "READY_STOP"});
    status.workers_gone.add({"127.0.1.11:1234",
                             9,
                             kNow - 5000,
                             {{TaskRoute::announced, 4}, {TaskRoute::workflow_failover, 5}}});
    status.workers_gone.add({"127.0.1.13:1234", 1, {}, {{TaskRoute::stuck, 1}}});
    status.idle.add({5, kNastyName, "127.0.1.2:5678", kNow - 100'000'000, true, false});
    status.idle.add({6, {}, "127.0.1.2:5678", {}, false, true});
    status.serial_wait = {3, kNow - 9000, {20, 21}};
    status.waiting_tasks = {2, 1};
    status.stuck.add({16, "clickstream", "java.lang.IllegalStateException"});
    status.stuck.add({17, {}, "none"});
    status.uncertain.add({7, kNastyName, "127.0.1.1:5678", "in_doubt", kNow - 9});
    status.parents.add({9, "p", "127.0.1.1:5678", 10, {}, "RUNNING_EXECUTION"});
    status.waiting_for_kill.add({12, {}, {}, "its tasks were not killed", {}});
    status.commands.by_type = {{0, {3, {}, 0}}, {2, {8, kNow - 600'000, 4}}};
    status.commands.old = 2;
    status.locks.add({"/lock/master-failover/127.0.1.3:5678",
                      "127.0.1.2:5678",
                      kNow,
                      true,
                      {"127.0.1.7", "127.0.1.8"}});
    status.locks.add({"/lock/master-failover/127.0.1.4:5678", "127.0.1.2", {}, false, {}});
    status.marks = 8;
    status.expired_marks = 3;
    status.unreadable_marks = 1;
    status.fences.add({"127.0.1.5:5678-1795331879415-7074", "127.0.1.5:5678", 900'000, true});
    status.fences.add({"127.0.1.6:5678-unknown-unknown", "127.0.1.6:5678", {}, false});
    status.clock_skew_ms = -12;
    status.checks = {{CheckName::clocks, true, "the database's clock is -12 ms from ours", {}},
                     {CheckName::marks, false, kNastyName, "do something"},
                     {CheckName::abandoned, false, "one", "do something"}};
    AskedSection asked(1);
    asked.masters = {{"127.0.1.2:5678", "127.0.1.2:5678", 4, 1, 3, 0, "passed", {}},
                     {kNastyName, {}, 2, 0, 0, 2, {}, "it is silent"}};
    asked.abandoned.add({7, kNastyName, "RUNNING_EXECUTION", "127.0.1.1:5678", kNow});
    asked.abandoned.add({8, {}, "SUBMITTED_SUCCESS", {}, {}});
    asked.held_idle.add({9, kNastyName, "127.0.1.1:5678", "127.0.1.2:5678", kNow});
    asked.held_idle.add({10, {}, {}, "127.0.1.2:5678", {}});
    asked.misplaced.add({9, {}, {}, "127.0.1.2:5678"});
    status.asked = asked;
    StatusTotals& totals = status.totals;
    totals.masters = {{"NORMAL", 2}, {"BUSY", 1}, {"\"odd\"\n", 1}};
    totals.workers = {{"", 1}};
    totals.workflows = {{"RUNNING_EXECUTION", 12}, {"SERIAL_WAIT", 3}};
    totals.hosts_to_fail_over = 1;
    totals.to_fail_over = 12;
    totals.in_doubt = 2;
    totals.running_elsewhere = 3;
    totals.oldest_to_fail_over = kNow - 100'000;
    totals.gone_tasks = {{TaskRoute::announced, 4}, {TaskRoute::workflow_failover, 5}};
    totals.oldest_gone_task = kNow - 5000;
    totals.leaked_locks = 1;
    totals.fences_of_living = 1;
    report.status = status;
    return report;
}

Report explain() {
    Report report = general("explain");
    Items<ExplainedWorkflow> explained(2);
    ExplainedWorkflow full(1);
    full.id = 17;
    full.name = kNastyName;
    full.verdict = "selected";
    full.row = 16;
    full.conclusion = "No master runs it.";
    full.why = "Its host is gone.";
    full.next = "dsfailover failover-master 127.0.1.1:5678";
    full.advice = "It fails it over.";
    full.state = "RUNNING_EXECUTION";
    full.host = "127.0.1.1:5678";
    full.host_alive = true;
    full.host_startup_time = full.start_time = full.restart_time = kNow;
    full.command_type = 2;
    full.last_task_activity = kNow;
    full.answer = "held";
    full.held_by = "127.0.1.2:5678";
    full.tasks.add({1, kNastyName, "SHELL", "DISPATCH", "127.0.1.12:1234", "unanswered",
                    "it is silent", 4711, "application_1"});
    full.tasks.add({2, "t", "SHELL", "DISPATCH", {}, {}, {}, {}, {}});
    full.commands = {{501, 2, kNow, {}}};
    full.failed_commands.add({502, 2, {}, kNastyName + "\nat line 2"});
    full.marks = {{"127.0.1.1:5678-unknown-unknown", "1795331890740"}, {kNastyName, kNastyName}};
    full.stamps = {{kNow, "UTC"}, {kNow, {}}};
    full.lock = LockNote{"/lock/master-failover/127.0.1.1:5678", kNastyName, kNow, true, {"w"}};
    full.parents = {{9, kNastyName, "RUNNING_EXECUTION", "127.0.1.2:5678"}};
    full.children.add({19, {}, "SUCCESS", {}});
    full.children.add({20, {}, "SUCCESS", {}});
    explained.add(full);
    ExplainedWorkflow bare;
    bare.id = 18;
    bare.verdict = "finished";
    bare.state = "SUCCESS";
    bare.answer = "not_asked";
    bare.conclusion = bare.why = "It has ended.";
    explained.add(bare);
    explained.add(bare);
    report.explained = explained;
    return report;
}

Report sandbox_show() {
    Report report = general("sandbox show");
    SandboxSection sandbox;
    sandbox.file = "demo.db";
    sandbox.servers = {{"master", "127.0.1.2:5678", true, kNow, 7074},
                       {"worker", "127.0.1.11:1234", false, {}, {}}};
    sandbox.workflows = {
        {1, kNastyName, "FAILOVER", "127.0.1.1:5678", "2026-11-22 07:27:59.000", {}, 6, 9},
        {2, {}, "99", {}, {}, {}, {}, {}}};
    sandbox.tasks = {{1, "t", 1, "DISPATCH", "127.0.1.11:1234", 1, "2026-11-22 07:28:00.000"},
                     {2, {}, {}, "0", {}, {}, {}}};
    sandbox.commands = {
        {1, 2, 1, "{\"commandType\":\"RECOVER_TOLERANCE_FAULT\"}", "2026-11-22 07:28:01.000", {}}};
    sandbox.error_commands = {{2, {}, {}, {}, {}, "first line\nsecond line"}};
    sandbox.marks = {{"127.0.1.1:5678-unknown-unknown", "1795331890740"}, {"x", ""}};
    sandbox.stamps = {{"127.0.1.1:5678", "1795331890740,1795331890741"}};
    sandbox.locks = {
        {"/lock/master-failover/127.0.1.3:5678", "127.0.1.2_7074_main", 190363728304608}};
    report.sandbox = sandbox;
    return report;
}

Report config() {
    Report report = general("config");
    report.settings = std::vector<SettingItem>{{"database", "sqlite:x.db", "option --database"},
                                               {"registry-password", "(hidden)", "environment"}};
    return report;
}

}  // namespace

std::vector<std::pair<std::string, Report>> sample_reports() {
    std::vector<std::pair<std::string, Report>> samples = {
        {"failover-master", failover_master()},
        {"failover-workflow", failover_workflow()},
        {"failover-worker", failover_worker()},
        {"global", global()},
        {"clean-marks", marks("clean-marks")},
        {"list-marks", marks("list-marks")},
        {"status", status()},
        {"explain", explain()},
        {"requeue", requeue()},
        {"finish", finish()},
        {"rehost", rehost()},
        {"sandbox-create", general("sandbox create")},
        {"sandbox-show", sandbox_show()},
        {"config", config()}};
    const std::size_t commands = samples.size();
    for (std::size_t i = 0; i < commands; ++i)
        samples.emplace_back(samples[i].first + "-ended-early",
                             early_end(samples[i].second.command));
    return samples;
}

}  // namespace dsfailover
