#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "base/stored_time.h"
#include "base/time_zone.h"
#include "database/database.h"
#include "registry/paths.h"
#include "sandbox/memory_rows.h"
#include "sandbox/sandbox.h"
#include "store/command_param.h"
#include "store/command_store.h"
#include "store/command_type.h"
#include "store/sqlite_schema.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

using namespace std::chrono_literals;

constexpr const char* kDeadMaster = "127.0.1.1:5678";
constexpr const char* kLivingMaster = "127.0.1.2:5678";
constexpr const char* kDeadWorker = "127.0.1.11:1234";
constexpr const char* kLivingWorker = "127.0.1.12:1234";
constexpr std::int64_t kMasterClient = 190'363'728'304'608;
constexpr std::int64_t kWorkerClient = 190'363'729'117'216;
constexpr auto kDay = 24h;

using namespace command_type;

struct Workflow {
    int id;
    const char* name;
    int state;
    const char* host;
    Millis started_ago;
    int command_type = kScheduler;
    bool is_finished = false;
};

constexpr std::array kWorkflows = {
    Workflow{1, "stream_backfill", workflow_state::kRunning, kDeadMaster, 3 * kDay},
    Workflow{2, "nightly_export", workflow_state::kSucceeded, kDeadMaster, 26h, kScheduler, true},
    Workflow{3, "daily_sales_report", workflow_state::kSucceeded, kLivingMaster, 25h, kScheduler,
             true},
    Workflow{4, "nightly_export", workflow_state::kFailed, kDeadMaster, 20h, kScheduler, true},
    Workflow{5, "customer_dedup", workflow_state::kStopped, kDeadMaster, 9h, kStartProcess, true},
    Workflow{6, "ad_hoc_query", workflow_state::kPaused, kDeadMaster, 8h, kStartProcess, true},
    Workflow{7, "yearly_archive", workflow_state::kRunning, kDeadMaster, 7h, kStartFailureTask},
    Workflow{8, "hourly_ingest", workflow_state::kRunning, kDeadMaster, 50min},
    Workflow{9, "daily_sales_report", workflow_state::kRunning, kDeadMaster, 45min},
    Workflow{10, "load_orders", workflow_state::kRunning, kDeadMaster, 44min, kStartProcess},
    Workflow{11, "inventory_sync", workflow_state::kReadyPause, kDeadMaster, 40min},
    Workflow{12, "price_update", workflow_state::kReadyStop, kDeadMaster, 35min},
    Workflow{13, "hourly_ingest", workflow_state::kRunning, kLivingMaster, 30min},
    Workflow{14, "fraud_scoring", workflow_state::kRunning, kLivingMaster, 25min},
    Workflow{15, "web_logs", workflow_state::kFailover, kDeadMaster, 22min},
    Workflow{16, "clickstream", workflow_state::kFailover, kDeadMaster, 21min},
    Workflow{17, "invoice_run", workflow_state::kFailover, kDeadMaster, 20min},
    Workflow{18, "hourly_ingest", workflow_state::kSubmitted, kDeadMaster, 13min},
    Workflow{19, "currency_rates", workflow_state::kSucceeded, kLivingMaster, 4min, kScheduler,
             true},
    // Left by the process that ran at the living master's address before it was restarted.
    Workflow{20, "weekly_backup", workflow_state::kRunning, kLivingMaster, 6 * kDay},
    // Triggered, and not taken by a master yet.
    Workflow{21, "hourly_ingest", workflow_state::kSubmitted, nullptr, 40s},
    Workflow{22, "ad_hoc_query", workflow_state::kSubmitted, nullptr, 15s, kStartProcess},
};
constexpr int kParent = 9;
constexpr int kChild = 10;
// What the living master runs; 1 since an earlier failover. It forgot 20 when it was restarted.
constexpr std::array kHeld = {1, 13, 14};

struct Task {
    int workflow;
    const char* name;
    int state;
    const char* host;
    Millis submitted_ago;
    const char* type = "SHELL";
};

constexpr std::array kTasks = {
    Task{1, "extract", task_state::kSucceeded, kLivingWorker, 3 * kDay - 1min},
    // After every mark: a master that lives is at work on this workflow.
    Task{1, "transform", task_state::kRunning, kLivingWorker, 3min},
    Task{2, "export", task_state::kSucceeded, kLivingWorker, 26h - 1min},
    Task{3, "report", task_state::kSucceeded, kDeadWorker, 25h - 1min},
    Task{4, "export", task_state::kFailed, kDeadWorker, 20h - 1min},
    Task{5, "dedup", task_state::kKilled, kLivingWorker, 9h - 1min},
    Task{6, "query", task_state::kPaused, kLivingWorker, 8h - 1min},
    Task{7, "archive_orders", task_state::kSucceeded, kDeadWorker, 7h - 1min},
    Task{7, "archive_invoices", task_state::kRunning, kDeadWorker, 38min},
    Task{8, "fetch", task_state::kSucceeded, kLivingWorker, 49min},
    Task{8, "parse", task_state::kRunning, kDeadWorker, 46min},
    Task{kParent, "load_orders", task_state::kRunning, kDeadMaster, 44min, "SUB_WORKFLOW"},
    Task{kChild, "load", task_state::kDispatched, kDeadWorker, 43min},
    Task{11, "sync", task_state::kRunning, kLivingWorker, 39min},
    Task{12, "update", task_state::kRunning, kDeadWorker, 34min},
    Task{13, "fetch", task_state::kSucceeded, kLivingWorker, 29min},
    Task{13, "parse", task_state::kRunning, kDeadWorker, 27min},
    Task{14, "features", task_state::kSucceeded, kLivingWorker, 24min},
    Task{14, "score", task_state::kRunning, kLivingWorker, 20s},
    Task{15, "collect", task_state::kRunning, kDeadWorker, 21min},
    Task{16, "merge", task_state::kRunning, kDeadWorker, 20min},
    // Two valid rows of one name, left by somebody who cloned the task by hand.
    Task{17, "render", task_state::kRunning, kLivingWorker, 19min},
    Task{17, "render", task_state::kSubmitted, nullptr, 9min},
    Task{19, "rates", task_state::kSucceeded, kLivingWorker, 3min},
    Task{20, "dump", task_state::kSucceeded, kLivingWorker, 6 * kDay - 1min},
};

struct Mark {
    const char* address;
    Millis startup_ago;
    int process_id;
    Millis written_ago;
};

constexpr std::array kMarks = {
    Mark{kDeadMaster, 33 * kDay, 2911, 20 * kDay},
    Mark{kDeadWorker, 33 * kDay, 3120, 12 * kDay},
    Mark{kLivingMaster, 20 * kDay, 2877, 9 * kDay},
    Mark{kDeadMaster, 20 * kDay, 4025, 2 * kDay},
    Mark{kLivingWorker, 12 * kDay, 4380, 1 * kDay},
    Mark{"127.0.1.3:5678", 33 * kDay, 2790, 3 * kDay},
};

/// Fills an empty database.
class SandboxWriter {
  public:
    explicit SandboxWriter(Database& database) : database_(database), now_(now_ms()) {}

    void write() {
        Transaction transaction(database_);
        insert("t_ds_version", {{"version", "3.3.0"}});
        for (const Workflow& workflow : kWorkflows) write(workflow);
        for (const Task& task : kTasks) write(task);
        write_relation();
        write_commands();
        write_registry();
        create_memory_rows(database_);
        write_memory();
        transaction.commit();
    }

  private:
    using Columns = std::initializer_list<std::pair<const char*, Value>>;

    static Value text(const char* value) { return value ? Value(std::string(value)) : Value(); }
    Value time(Millis ago) const {
        return format_stored_time(now_ - ago.count(), TimeZone(), 1000);
    }

    void insert(const char* table, Columns columns) {
        std::vector<Value> values;
        std::string names, marks;
        for (const auto& [name, value] : columns) {
            names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
            marks += marks.empty() ? "?" : ", ?";
            values.push_back(value);
        }
        database_.execute(fmt::format("INSERT INTO {} ({}) VALUES ({})", table, names, marks),
                          values);
    }

    static const Workflow& workflow(int id) { return kWorkflows[static_cast<std::size_t>(id - 1)]; }
    /// One definition for each name.
    static std::int64_t definition_code(const char* name) {
        std::int64_t code = 0;
        for (const char* c = name; *c != 0; ++c) code = (code * 31 + *c) % 1'000'000'007;
        return 15'900'000'000'000 + code;
    }

    /// The command_param that an instance was started with: without its commandType no master could
    /// recover it. That of a resumed one is still the first one's.
    static std::string start_param(const Workflow& row) {
        const Json param = {
            {"commandType", row.command_type == kScheduler ? "SCHEDULER" : "START_PROCESS"},
            {"subWorkflowInstance", row.id == kChild},
            {"startNodes", nullptr},
            {"commandParams", nullptr},
            {"timeZone", nullptr}};
        return param.dump();
    }

    void write(const Workflow& row) {
        insert("t_ds_workflow_instance",
               {{"id", row.id},
                {"name", text(row.name)},
                {"workflow_definition_code", definition_code(row.name)},
                {"project_code", 15'900'000'000'001},
                {"state", row.state},
                {"recovery", 0},
                {"start_time", time(row.started_ago)},
                {"end_time", row.is_finished ? time(row.started_ago - 3min) : Value()},
                {"run_times", 1},
                {"host", text(row.host)},
                {"command_type", row.command_type},
                {"command_param", start_param(row)},
                {"task_depend_type", 2},
                {"failure_strategy", 1},
                {"command_start_time", time(row.started_ago)},
                {"update_time", time(row.is_finished ? row.started_ago - 3min : row.started_ago)},
                {"is_sub_workflow", row.id == kChild ? 1 : 0},
                {"executor_id", 1},
                {"executor_name", "admin"},
                {"worker_group", "default"},
                {"test_flag", 0}});
    }

    void write(const Task& row) {
        const bool is_started =
            row.state != task_state::kSubmitted && row.state != task_state::kDispatched;
        const bool is_finished = is_started && row.state != task_state::kRunning;
        insert("t_ds_task_instance",
               {{"name", text(row.name)},
                {"task_type", row.type},
                {"task_code", definition_code(row.name)},
                {"workflow_instance_id", row.workflow},
                {"workflow_instance_name", text(workflow(row.workflow).name)},
                {"project_code", 15'900'000'000'001},
                {"state", row.state},
                {"submit_time", time(row.submitted_ago)},
                {"first_submit_time", time(row.submitted_ago)},
                {"start_time", is_started ? time(row.submitted_ago - 1s) : Value()},
                {"end_time", is_finished ? time(row.submitted_ago - 1min) : Value()},
                {"host", text(row.host)},
                {"flag", 1},
                {"task_instance_priority", 2},
                {"worker_group", "default"},
                {"executor_id", 1},
                {"test_flag", 0}});
        task_ids_[row.workflow] = database_.last_insert_id();
    }

    void write_relation() {
        insert("t_ds_relation_workflow_instance", {{"parent_workflow_instance_id", kParent},
                                                   {"parent_task_instance_id", task_ids_[kParent]},
                                                   {"workflow_instance_id", kChild}});
    }

    void write_commands() {
        // A command keeps its id when it fails, so the failed ones come before those that wait.
        write_failed_command(
            101, 16,
            "org.springframework.dao.QueryTimeoutException: no answer from the "
            "database within 30 s\n\tat java.base/java.lang.Thread.run(Thread.java:829)");
        write_failed_command(102, 17, "java.lang.IllegalStateException: Duplicate key render");
        insert("t_ds_command", {{"id", 103},
                                {"command_type", kRecoverToleranceFault},
                                {"workflow_definition_code", definition_code(workflow(15).name)},
                                {"workflow_definition_version", 1},
                                {"workflow_instance_id", 15},
                                {"command_param", recovery_command_param(workflow_state::kRunning)},
                                {"executor_id", 0},
                                {"task_depend_type", 2},
                                {"failure_strategy", 1},
                                {"dry_run", 0},
                                {"test_flag", 0},
                                {"update_time", time(10min)}});
        write_start_command(104, workflow(21));
        write_start_command(105, workflow(22));
    }

    void write_failed_command(int id, int workflow_id, const char* message) {
        insert("t_ds_error_command",
               {{"id", id},
                {"command_type", kRecoverToleranceFault},
                {"workflow_definition_code", definition_code(workflow(workflow_id).name)},
                {"workflow_definition_version", 1},
                {"workflow_instance_id", workflow_id},
                {"command_param", recovery_command_param(workflow_state::kRunning)},
                {"executor_id", 0},
                {"task_depend_type", 2},
                {"failure_strategy", 1},
                {"test_flag", 0},
                {"update_time", time(9min)},
                {"message", message}});
    }

    /// A command of everyday work, which no failover may touch.
    void write_start_command(int id, const Workflow& row) {
        insert("t_ds_command", {{"id", id},
                                {"command_type", row.command_type},
                                {"workflow_definition_code", definition_code(row.name)},
                                {"workflow_definition_version", 1},
                                {"workflow_instance_id", row.id},
                                {"command_param", start_param(row)},
                                {"executor_id", 1},
                                {"task_depend_type", 2},
                                {"failure_strategy", 1},
                                {"start_time", time(row.started_ago)},
                                {"update_time", time(row.started_ago)},
                                {"worker_group", "default"},
                                {"test_flag", 0}});
    }

    void write_memory() {
        for (const int id : kHeld)
            insert("sandbox_held", {{"master", kLivingMaster}, {"workflow_id", id}});
        // It did not notice that the other one went: the commands with odd ids are nobody's.
        for (const char* counted : {kLivingMaster, kDeadMaster})
            insert("sandbox_counted", {{"master", kLivingMaster}, {"counted", text(counted)}});
    }

    void write_registry() {
        for (const std::string_view parent : {paths::kMasters, paths::kWorkers, paths::kMarks})
            write_node(std::string(parent), "", "PERSISTENT", 33 * kDay);
        write_client(kMasterClient, "127.0.1.2_7074", 5 * kDay);
        write_client(kWorkerClient, "127.0.1.12_5121", 1 * kDay);
        write_node(server_path(paths::kMasters, kLivingMaster),
                   heartbeat(kLivingMaster, 7074, 5 * kDay).dump(), "EPHEMERAL", 0s);
        write_node(server_path(paths::kWorkers, kLivingWorker), worker_heartbeat().dump(),
                   "EPHEMERAL", 0s, kWorkerClient);
        write_node(std::string(paths::kCoordinator), kLivingMaster, "EPHEMERAL", 11min);
        for (const Mark& mark : kMarks)
            write_node(mark_path(mark.address,
                                 ProcessIdentity{now_ - mark.startup_ago / 1ms, mark.process_id}),
                       std::to_string(now_ - mark.written_ago / 1ms), "PERSISTENT",
                       mark.written_ago);
        write_node(mark_path("127.0.1.8:5678", std::nullopt), "not-a-number", "PERSISTENT",
                   15 * kDay);
        write_node(mark_path("127.0.1.9:5678", std::nullopt), "", "PERSISTENT", 15 * kDay);
        insert("t_ds_jdbc_registry_lock", {{"lock_key", failover_lock_path("127.0.1.3:5678")},
                                           {"lock_owner", "127.0.1.2_7074_MasterEventThread"},
                                           {"client_id", kMasterClient},
                                           {"create_time", time(3 * kDay + 2s)}});
    }

    void write_client(std::int64_t id, const char* name, Millis started_ago) {
        const Json config = {{"sessionTimeout", 10 * 365 * kDay / 1ms}};
        insert("t_ds_jdbc_registry_client_heartbeat", {{"id", id},
                                                       {"client_name", name},
                                                       {"last_heartbeat_time", now_},
                                                       {"connection_config", config.dump()},
                                                       {"create_time", time(started_ago)}});
    }

    void write_node(const std::string& key, const std::string& value, const char* type,
                    Millis updated_ago, std::int64_t client = kMasterClient) {
        insert("t_ds_jdbc_registry_data", {{"data_key", key},
                                           {"data_value", value},
                                           {"data_type", type},
                                           {"client_id", client},
                                           {"create_time", time(updated_ago)},
                                           {"last_update_time", time(updated_ago)}});
    }

    Json heartbeat(std::string_view address, int process_id, Millis started_ago) const {
        const std::size_t colon = address.rfind(':');
        return {{"processId", process_id},
                {"startupTime", now_ - started_ago.count()},
                {"reportTime", now_},
                {"jvmCpuUsage", 0.01},
                {"cpuUsage", 0.02},
                {"jvmMemoryUsage", 0.31},
                {"memoryUsage", 0.44},
                {"diskUsage", 0.69},
                {"serverStatus", "NORMAL"},
                {"host", address.substr(0, colon)},
                {"port", std::stoi(std::string(address.substr(colon + 1)))}};
    }
    Json worker_heartbeat() const {
        Json result = heartbeat(kLivingWorker, 5121, 1 * kDay);
        result["workerHostWeight"] = 100;
        result["threadPoolUsage"] = 0.0;
        result["workerGroup"] = "default";
        return result;
    }

    Database& database_;
    const EpochMs now_;
    std::map<int, std::int64_t> task_ids_;  // the last task of each workflow
};

/// A file that goes away with what SQLite puts beside it, unless it is kept.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string name) : name_(std::move(name)) {}
    ~TemporaryFile() {
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            ::unlink((name_ + suffix).c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& name() const { return name_; }

  private:
    std::string name_;
};

void refuse_existing(const std::string& file) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
        if (::access((file + suffix).c_str(), F_OK) == 0)
            throw UsageError(
                fmt::format("sandbox create {}: {}{} exists already and is left as it "
                            "is; give another name, or remove it first",
                            file, file, suffix));
}

/// Gives `from` the name `file`, unless that exists by now.
void publish(const std::string& from, const std::string& file) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno == EEXIST) refuse_existing(file);
    // Not every file system can refuse to replace; there a moment remains between look and name.
    if (errno == EINVAL && ::rename(from.c_str(), file.c_str()) == 0) return;
    throw Error(ExitCode::failed,
                fmt::format("sandbox create {}: cannot give it its name: {}; nothing was made",
                            file, std::strerror(errno)));
}

}  // namespace

void create_sandbox(const std::string& file) {
    if (file.empty()) throw UsageError("sandbox create: FILE is empty; give the file to make");
    refuse_existing(file);
    const TemporaryFile temporary(fmt::format("{}.making-{}", file, ::getpid()));
    const int descriptor =
        ::open(temporary.name().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0)
        throw UsageError(fmt::format("sandbox create {}: cannot make a file there: {}", file,
                                     std::strerror(errno)));
    ::close(descriptor);
    try {
        SQLite::Database(temporary.name(), SQLite::OPEN_READWRITE)
            .exec("PRAGMA journal_mode = WAL; BEGIN; " + std::string(sqlite_schema()) + "COMMIT;");
        DatabaseSettings settings;
        settings.type = DatabaseType::sqlite;
        settings.file = temporary.name();
        SandboxWriter(*open_database(settings)).write();
    } catch (const std::exception& error) {
        throw Error(ExitCode::failed,
                    fmt::format("sandbox create {}: {}; nothing was made", file, error.what()));
    }
    publish(temporary.name(), file);
}

}  // namespace dsfailover
