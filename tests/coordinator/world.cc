#include "coordinator/world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/stored_time.h"
#include "coordinator/failover/failover_lock.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/paths.h"
#include "registry/registry.h"
#include "store/sqlite_schema.h"

namespace dsfailover {

namespace {

constexpr std::int64_t kPrecisionUs = 1000;  // of SQLite's tables
const std::vector<std::string> kTables = {"t_ds_workflow_instance", "t_ds_task_instance",
                                          "t_ds_command", "t_ds_error_command"};

EpochMs shifted(EpochMs began, std::string_view since) {
    const EpochMs by = parse_duration(since.substr(1), "since").count();
    return since.front() == '-' ? began - by : began + by;
}

std::string text_of(EpochMs time) { return format_stored_time(time, TimeZone(), kPrecisionUs); }

// Where a commit need not wait for a disk.
std::string temporary_folder() {
    std::string pattern = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    pattern += "/dsfailover-world-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return pattern;
}

std::string state_name(int state) {
    return state == 1 ? "RUNNING_EXECUTION" : state == 2 ? "READY_PAUSE" : "READY_STOP";
}

const std::string kStarts = R"({"commandType":"START_PROCESS"})";

// As masters write it.
std::string command_param(int state) {
    return fmt::format(R"({{"commandType":"RECOVER_TOLERANCE_FAULT","subWorkflowInstance":false,)"
                       R"("startNodes":null,"commandParams":null,"timeZone":null,)"
                       R"("workflowExecutionStatus":"{}"}})",
                       state_name(state));
}

}  // namespace

void make_tables(Database& database, Release release) {
    database.query("PRAGMA journal_mode = WAL");
    Transaction transaction(database);
    for (std::string_view left = sqlite_schema(); left.find(';') != left.npos;
         left.remove_prefix(left.find(';') + 1))
        database.execute(left.substr(0, left.find(';')));
    if (release == Release::later) {
        for (const std::string& table : kTables)
            database.execute(fmt::format("ALTER TABLE {} DROP COLUMN test_flag", table));
    }
    database.execute("INSERT INTO t_ds_version (version) VALUES (?)",
                     {Value(std::string(release == Release::later ? "3.3.2" : "3.3.0"))});
    transaction.commit();
}

std::optional<std::string> TableRow::get(const std::string& column) const {
    const Rows rows = database_.query(fmt::format("SELECT {} FROM {} WHERE id = ?", column, table_),
                                      {Value(id_)});
    return rows[0].optional_text(0);
}

void TableRow::set(const std::string& column, const Value& value) {
    database_.execute(fmt::format("UPDATE {} SET {} = ? WHERE id = ?", table_, column),
                      {value, Value(id_)});
}

void TableRow::set_time(const std::string& column, std::optional<std::string_view> since) {
    set(column, since ? Value(text_of(shifted(began_, *since))) : Value());
}

WorkflowRow& WorkflowRow::host(const std::optional<std::string>& address) {
    set("host", address ? Value(*address) : Value());
    return *this;
}

WorkflowRow& WorkflowRow::state(int state) {
    set("state", std::int64_t{state});
    return *this;
}

WorkflowRow& WorkflowRow::command_type(int type) {
    set("command_type", std::int64_t{type});
    return *this;
}

WorkflowRow& WorkflowRow::command_param(const std::string& json) {
    set("command_param", json);
    return *this;
}

WorkflowRow& WorkflowRow::started(std::optional<std::string_view> since) {
    set_time("start_time", since);
    return *this;
}

WorkflowRow& WorkflowRow::restarted(std::optional<std::string_view> since) {
    set_time("restart_time", since);
    return *this;
}

WorkflowRow& WorkflowRow::definition(std::int64_t code) {
    set("workflow_definition_code", code);
    return *this;
}

WorkflowRow& WorkflowRow::ended(std::string_view since) {
    set_time("end_time", since);
    return *this;
}

WorkflowRow& WorkflowRow::restarted_at(EpochMs time, const std::string& zone) {
    set("restart_time", format_stored_time(time, TimeZone(zone), kPrecisionUs));
    return *this;
}

int WorkflowRow::state() const { return std::stoi(get("state").value()); }

std::optional<EpochMs> WorkflowRow::restart_time() const {
    const auto text = get("restart_time");
    if (!text) return std::nullopt;
    return parse_stored_time(*text, TimeZone(), kPrecisionUs).epoch_ms();
}

TaskRow& TaskRow::host(const std::optional<std::string>& address) {
    set("host", address ? Value(*address) : Value());
    return *this;
}

TaskRow& TaskRow::state(int state) {
    set("state", std::int64_t{state});
    return *this;
}

TaskRow& TaskRow::flag(int flag) {
    set("flag", std::int64_t{flag});
    return *this;
}

TaskRow& TaskRow::name(const std::string& name) {
    set("name", name);
    return *this;
}

TaskRow& TaskRow::type(const std::string& task_type) {
    set("task_type", task_type);
    return *this;
}

TaskRow& TaskRow::app_link(const std::string& link) {
    set("app_link", link);
    return *this;
}

TaskRow& TaskRow::group(int task_group) {
    set("task_group_id", std::int64_t{task_group});
    return *this;
}

TaskRow& TaskRow::worker_group(const std::string& name) {
    set("worker_group", name);
    return *this;
}

TaskRow& TaskRow::submitted(std::optional<std::string_view> since) {
    set_time("submit_time", since);
    return *this;
}

TaskRow& TaskRow::started(std::optional<std::string_view> since) {
    set_time("start_time", since);
    return *this;
}

int TaskRow::state() const { return std::stoi(get("state").value()); }
int TaskRow::flag() const { return std::stoi(get("flag").value()); }

World::World(Release release)
    : release_(release),
      folder_(temporary_folder()),
      open_([this] { return open_database(settings()); }) {
    set_up_logging({.level = "error"});
    std::ofstream(settings().file).flush();
    database_ = open_database(settings());
    make_tables(*database_, release);
    client_ = registry.open("test");
    master(kLiving);
    add_node(kLiving, paths::kCoordinator, kLiving);
    workflow(1).host(kLiving).started("-5m");
    task(1, 1).host(kLivingWorker).state(7).submitted("-2m");
}

World::World(Release release, std::shared_ptr<Database> database,
             std::function<std::unique_ptr<Database>()> open)
    : release_(release),
      open_(std::move(open)),
      database_(std::move(database)),
      client_(registry.open("test")) {}

World::~World() {
    database_.reset();
    if (folder_.empty()) return;
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<Database> World::open() {
    if (!cut_.then && !meanwhile_.then) return open_();
    return std::make_unique<CommitCut>(open_(), cut_, meanwhile_);
}

DatabaseSettings World::settings() const {
    DatabaseSettings settings;
    settings.type = DatabaseType::sqlite;
    settings.file = folder_ + "/world.db";
    settings.lock_timeout = Millis(100);
    return settings;
}

EpochMs World::time(std::string_view since) const { return shifted(began, since); }

bool World::exists(const std::string& table, std::int64_t id) {
    return !database_->query(fmt::format("SELECT id FROM {} WHERE id = ?", table), {Value(id)})
                .empty();
}

void World::insert(const std::string& table, Columns columns) {
    if (release_ == Release::v3_3_0) columns.emplace("test_flag", 0);
    std::vector<std::string> names, marks;
    std::vector<Value> values;
    for (auto& [name, value] : columns) {
        names.push_back(name);
        marks.emplace_back("?");
        values.push_back(std::move(value));
    }
    database_->execute(fmt::format("INSERT INTO {} ({}) VALUES ({})", table, fmt::join(names, ", "),
                                   fmt::join(marks, ", ")),
                       values);
}

WorkflowRow World::workflow(std::int64_t id) {
    if (!exists("t_ds_workflow_instance", id)) {
        insert("t_ds_workflow_instance", {{"id", id},
                                          {"name", fmt::format("workflow-{}", id)},
                                          {"workflow_definition_code", ++next_definition_},
                                          {"project_code", std::int64_t{99}},
                                          {"state", 1},
                                          {"start_time", text_of(time("-1h"))},
                                          {"host", kGone},
                                          {"command_type", 0},
                                          {"command_param", kStarts},
                                          {"executor_id", 7}});
    }
    return {*database_, began, "t_ds_workflow_instance", id};
}

TaskRow World::task(std::int64_t id, std::int64_t workflow) {
    if (!exists("t_ds_task_instance", id)) {
        insert("t_ds_task_instance", {{"id", id},
                                      {"name", fmt::format("task-{}", id)},
                                      {"task_type", "SHELL"},
                                      {"task_code", 7},
                                      {"workflow_instance_id", workflow},
                                      {"state", 1},
                                      {"submit_time", text_of(time("-30m"))},
                                      {"host", kGoneWorker}});
    }
    return {*database_, began, "t_ds_task_instance", id};
}

std::int64_t World::command(std::int64_t workflow, int state, int type) {
    insert("t_ds_command", {{"command_type", type},
                            {"workflow_definition_code", 14},
                            {"command_param", type == 2 ? command_param(state) : kStarts},
                            {"workflow_instance_id", workflow},
                            {"update_time", text_of(now_ms())},
                            {"executor_id", 0}});
    return database_->last_insert_id();
}

std::int64_t World::command_since(std::int64_t workflow, std::string_view since, int type) {
    const std::int64_t id = command(workflow, 1, type);
    database_->execute("UPDATE t_ds_command SET update_time = ? WHERE id = ?",
                       {Value(text_of(time(since))), Value(id)});
    return id;
}

std::vector<WaitingRow> World::commands_of(std::int64_t workflow) {
    const Rows rows = database_->query(
        "SELECT id, command_type, command_param FROM t_ds_command WHERE workflow_instance_id = ?"
        " ORDER BY id",
        {Value(workflow)});
    std::vector<WaitingRow> commands;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto param = nlohmann::json::parse(rows[i].text(2), nullptr, false);
        commands.push_back({rows[i].integer(0), static_cast<int>(rows[i].integer(1)),
                            param.is_object() ? param.value("workflowExecutionStatus", "") : ""});
    }
    return commands;
}

void World::take_commands(std::int64_t workflow_id, const std::string& master) {
    Transaction transaction(*database_);
    for (const WaitingRow& command : commands_of(workflow_id)) {
        database_->execute("DELETE FROM t_ds_command WHERE id = ?", {Value(command.id)});
        WorkflowRow row = workflow(workflow_id);
        row.state(command.state == state_name(4) ? 4 : command.state == state_name(2) ? 2 : 1);
        if (release_ == Release::later) row.host(master).restarted_at(now_ms());
        database_->execute("UPDATE t_ds_workflow_instance SET update_time = ? WHERE id = ?",
                           {text_of(now_ms()), Value(workflow_id)});
    }
    transaction.commit();
}

void World::run_again(std::int64_t workflow_id, std::string_view since) {
    take_commands(workflow_id);
    task(1000 + workflow_id, workflow_id).host(kLivingWorker).submitted(since);
}

void World::failed_command(std::int64_t workflow_id, int state, const std::string& message) {
    const std::int64_t id = command(workflow_id, state);
    database_->execute("DELETE FROM t_ds_command WHERE id = ?", {id});
    insert("t_ds_error_command", {{"id", id},
                                  {"command_type", 2},
                                  {"workflow_definition_code", 14},
                                  {"command_param", command_param(state)},
                                  {"workflow_instance_id", workflow_id},
                                  {"message", message}});
}

void World::relate(std::int64_t parent, std::int64_t child) {
    database_->execute(
        "INSERT INTO t_ds_relation_workflow_instance (parent_workflow_instance_id, "
        "workflow_instance_id) VALUES (?, ?)",
        {Value(parent), Value(child)});
    database_->execute("UPDATE t_ds_workflow_instance SET is_sub_workflow = 1 WHERE id = ?",
                       {Value(child)});
}

void World::join(std::string_view folder, const std::string& address, std::string_view started,
                 const std::string& status, const std::string& group) {
    startups_[address] = time(started);
    nlohmann::json heartbeat = {{"startupTime", startups_[address]},
                                {"processId", 4242},
                                {"reportTime", now_ms()},
                                {"serverStatus", status}};
    if (!group.empty()) heartbeat["workerGroup"] = group;
    ServerSession& server = servers_[address];
    server.client = registry.open(address);
    add_node(address, server_path(folder, address), heartbeat.dump());
}

void World::master(const std::string& address, std::string_view started,
                   const std::string& status) {
    join(paths::kMasters, address, started, status, "");
}

void World::worker(const std::string& address, std::string_view started, const std::string& group) {
    join(paths::kWorkers, address, started, "NORMAL", group);
}

void World::add_node(const std::string& server, std::string_view path, const std::string& value) {
    ServerSession& session = servers_.at(server);
    auto node = session.client->announce(std::string(path), value);
    if (!node) throw std::logic_error(std::string(path) + " is registered already");
    session.nodes.push_back(std::move(node));
}

void World::leave(const std::string& address) {
    registry.end_sessions_of(address);
    servers_.erase(address);
}

void World::hold_lock(const std::string& server, const std::string& address) {
    ServerSession& its = servers_.at(server);
    its.lock = its.client->lock(failover_lock_path(address), Millis(0), [](auto&&...) {}).lock;
    if (!its.lock) throw std::logic_error("somebody has the lock of " + address);
}

void World::give_lock_back(const std::string& server) { servers_.at(server).lock.reset(); }

void World::lose_lock(const std::string& address) {
    registry.lose_lock("/dolphinscheduler" + failover_lock_path(address));
}

void World::put(const std::string& path, const std::string& value) {
    const auto standing = client_->get(path);
    client_->put(path, value, standing ? standing->version : "");
}

std::optional<std::string> World::get(const std::string& path) {
    const auto node = client_->get(path);
    return node ? std::optional(node->value) : std::nullopt;
}

void World::mark(const std::string& address, std::string_view since) {
    mark_reading(address, std::to_string(time(since)));
}

void World::mark_reading(const std::string& address, const std::string& value) {
    put(mark_path(address, std::nullopt), value);
}

std::optional<std::string> World::mark_of(const std::string& address) {
    return get(mark_path(address, std::nullopt));
}

EpochMs World::stamp(const std::string& address, std::string_view since, const std::string& zone,
                     const std::vector<std::string>& masters) {
    std::string text = fmt::format("{}|{}", time(since), zone);
    for (const std::string& master : masters)
        text += fmt::format("|{}@{}", master, startup(master));
    put(stamps_path(address), text);
    return time(since);
}

std::string World::snapshot() {
    std::string all;
    for (const std::string& table : kTables) {
        const Rows rows = database_->query(fmt::format("SELECT * FROM {} ORDER BY id", table));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            all += table;
            for (std::size_t cell = 0; cell < rows[i].size(); ++cell)
                all += fmt::format("|{}", rows[i].text(cell));
            all += '\n';
        }
    }
    for (const auto& [path, value] : registry.snapshot()) all += path + " = " + value + '\n';
    return all;
}

}  // namespace dsfailover
