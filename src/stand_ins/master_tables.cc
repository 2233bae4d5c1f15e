#include "stand_ins/master_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/stored_time.h"
#include "store/command_param.h"
#include "store/command_type.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

/// What a master sees of a workflow's tasks.
std::string MasterTables::valid() const {
    return context_.schema.has_test_flag ? "flag = 1 AND test_flag = 0" : "flag = 1";
}

std::string MasterTables::text(EpochMs time) const {
    return format_stored_time(time, utc_, kWrittenPrecisionUs);
}

std::vector<ReadCommand> MasterTables::commands() {
    const Rows rows = context_.database.query(
        "SELECT id, command_type, workflow_instance_id, command_param FROM t_ds_command "
        "ORDER BY workflow_instance_priority, id");
    std::vector<ReadCommand> result;
    for (std::size_t i = 0; i < rows.size(); ++i)
        result.push_back({rows[i].integer(0),
                          static_cast<int>(rows[i].optional_integer(1).value_or(-1)),
                          rows[i].optional_integer(2).value_or(0), std::string(rows[i].text(3))});
    return result;
}

std::optional<ReadWorkflow> MasterTables::workflow(std::int64_t id) {
    const Rows rows = context_.database.query(
        "SELECT state, command_param, command_type FROM t_ds_workflow_instance WHERE id = ?", {id});
    if (rows.empty()) return std::nullopt;
    return ReadWorkflow{static_cast<int>(rows[0].optional_integer(0).value_or(-1)),
                        std::string(rows[0].text(1)),
                        static_cast<int>(rows[0].optional_integer(2).value_or(-1))};
}

std::optional<std::string> MasterTables::duplicate_task(std::int64_t workflow_id) {
    const Rows rows = context_.database.query(
        fmt::format("SELECT name FROM t_ds_task_instance WHERE workflow_instance_id = ? AND {} "
                    "GROUP BY name HAVING COUNT(*) > 1",
                    valid()),
        {workflow_id});
    if (rows.empty()) return std::nullopt;
    return std::string(rows[0].text(0));
}

std::vector<OpenTask> MasterTables::open_tasks(std::int64_t workflow_id) {
    using namespace task_state;
    const Rows rows = context_.database.query(
        fmt::format("SELECT id, name, task_type, state, host, submit_time, app_link "
                    "FROM t_ds_task_instance "
                    "WHERE workflow_instance_id = ? AND state IN ({}, {}, {}, {}) AND {} "
                    "ORDER BY id",
                    kSubmitted, kDispatched, kRunning, kDelayed, valid()),
        {workflow_id});
    std::vector<OpenTask> result;
    for (std::size_t i = 0; i < rows.size(); ++i)
        result.push_back({rows[i].integer(0), std::string(rows[i].text(1)),
                          std::string(rows[i].text(2)), static_cast<int>(rows[i].integer(3)),
                          std::string(rows[i].text(4)), std::string(rows[i].text(5)),
                          std::string(rows[i].text(6))});
    return result;
}

bool MasterTables::has_task_in_state(std::int64_t workflow_id, int state) {
    return !context_.database
                .query(fmt::format("SELECT 1 FROM t_ds_task_instance "
                                   "WHERE workflow_instance_id = ? AND state = ? AND {} LIMIT 1",
                                   valid()),
                       {workflow_id, state})
                .empty();
}

bool MasterTables::was_submitted_before(const OpenTask& task, EpochMs time) const {
    return !task.submit_time.empty() &&
           parse_stored_time(task.submit_time, utc_, kWrittenPrecisionUs).possibly_before(time);
}

MasterColumns MasterTables::master_columns(std::int64_t workflow_id) {
    const Rows rows = context_.database.query(
        "SELECT host, restart_time FROM t_ds_workflow_instance WHERE id = ?", {workflow_id});
    if (rows.empty()) return {};
    return {rows[0].optional_text(0), rows[0].optional_text(1)};
}

std::vector<std::optional<std::string>> MasterTables::hosts_of_unfinished() {
    const Rows rows = context_.database.query(
        fmt::format("SELECT host FROM t_ds_workflow_instance WHERE state IN ({}) "
                    "GROUP BY host ORDER BY MIN(id)",
                    fmt::join(kUnfinishedStates, ", ")));
    std::vector<std::optional<std::string>> hosts;
    for (std::size_t i = 0; i < rows.size(); ++i) hosts.push_back(rows[i].optional_text(0));
    return hosts;
}

std::vector<LeftWorkflow> MasterTables::left_by(const std::string& host, EpochMs deadline) {
    const Rows rows = context_.database.query(
        fmt::format("SELECT id, state, COALESCE(restart_time, start_time) "
                    "FROM t_ds_workflow_instance "
                    "WHERE (host = ? OR ? = '') AND state IN ({}) ORDER BY id",
                    fmt::join(kUnfinishedStates, ", ")),
        {host, host});
    std::vector<LeftWorkflow> left;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto began = rows[i].optional_text(2);
        if (began && parse_stored_time(*began, utc_, kWrittenPrecisionUs).possibly_before(deadline))
            left.push_back({rows[i].integer(0), static_cast<int>(rows[i].integer(1))});
    }
    return left;
}

bool MasterTables::remove_command(std::int64_t id) {
    return context_.database.execute("DELETE FROM t_ds_command WHERE id = ?", {id}) == 1;
}

void MasterTables::add_error_command(std::int64_t id, const std::string& message) {
    const std::string columns = fmt::format("{}", fmt::join(context_.schema.command_columns, ", "));
    context_.database.execute(fmt::format("INSERT INTO t_ds_error_command ({}, message) "
                                          "SELECT {}, ? FROM t_ds_command WHERE id = ?",
                                          columns, columns),
                              {message, id});
}

void MasterTables::add_command(std::int64_t workflow_id, int type,
                               const std::optional<std::string>& param, EpochMs now) {
    const bool has_test_flag = context_.schema.has_test_flag;
    context_.database.execute(
        fmt::format("INSERT INTO t_ds_command (command_type, workflow_definition_code, "
                    "workflow_definition_version, workflow_instance_id, executor_id, "
                    "task_depend_type, failure_strategy, dry_run, {}update_time, command_param) "
                    "SELECT {}, workflow_definition_code, workflow_definition_version, id, "
                    "0, 2, 1, 0, {}?, ? FROM t_ds_workflow_instance WHERE id = ?",
                    has_test_flag ? "test_flag, " : "", type, has_test_flag ? "0, " : ""),
        {text(now), param ? Value(*param) : Value(), workflow_id});
}

bool MasterTables::fail_over(const LeftWorkflow& workflow, EpochMs now) {
    add_command(workflow.id, command_type::kRecoverToleranceFault,
                recovery_command_param(workflow.state), now);
    return context_.database.execute(
               "UPDATE t_ds_workflow_instance SET state = ?, update_time = ? "
               "WHERE id = ? AND state = ?",
               {workflow_state::kFailover, text(now), workflow.id, workflow.state}) == 1;
}

void MasterTables::recover_workflow(std::int64_t id, int state, const std::string& host,
                                    EpochMs now) {
    if (context_.schema.recovery_leaves_host()) return set_workflow_state(id, state, {}, now);
    set_workflow_state(id, state, {host, text(now)}, now);
}

void MasterTables::start_workflow(std::int64_t id, const std::string& host, bool again,
                                  EpochMs now) {
    const auto restart_time = again ? std::optional(text(now)) : std::nullopt;
    set_workflow_state(id, workflow_state::kRunning, {host, restart_time}, now);
}

void MasterTables::resume_workflow(std::int64_t id, int type, const std::string& host,
                                   EpochMs now) {
    MasterColumns columns{std::nullopt, text(now)};
    if (!context_.schema.recovery_leaves_host()) columns.host = host;
    set_workflow_state(id, workflow_state::kRunning, columns, now);
    context_.database.execute("UPDATE t_ds_workflow_instance SET command_type = ? WHERE id = ?",
                              {std::int64_t{type}, id});
    context_.database.execute(
        fmt::format("UPDATE t_ds_task_instance SET state = {}, host = NULL, submit_time = ?, "
                    "start_time = NULL, end_time = NULL "
                    "WHERE workflow_instance_id = ? AND state IN ({}, {}, {}) AND {}",
                    task_state::kSubmitted, task_state::kPaused, task_state::kFailed,
                    task_state::kKilled, valid()),
        {text(now), id});
}

void MasterTables::set_workflow_state(std::int64_t id, int state, const MasterColumns& columns,
                                      EpochMs now) {
    const auto value = [](const std::optional<std::string>& text) {
        return text ? Value(*text) : Value();
    };
    context_.database.execute(
        "UPDATE t_ds_workflow_instance SET state = ?, host = COALESCE(?, host), "
        "restart_time = COALESCE(?, restart_time), update_time = ? WHERE id = ?",
        {state, value(columns.host), value(columns.restart_time), text(now), id});
}

void MasterTables::end_workflow(std::int64_t id, int state, const MasterColumns& columns,
                                EpochMs now) {
    set_workflow_state(id, state, columns, now);
    context_.database.execute("UPDATE t_ds_workflow_instance SET end_time = ? WHERE id = ?",
                              {text(now), id});
}

void MasterTables::redispatch(std::int64_t workflow_id, const OpenTask& task, EpochMs now) {
    TaskInstance read{task.id, task.name, workflow_id, task.state, std::nullopt, std::nullopt};
    if (!task.host.empty()) read.host = task.host;
    if (!task.submit_time.empty())
        read.submit_time = parse_stored_time(task.submit_time, utc_, kWrittenPrecisionUs);
    TaskInstanceStore(context_).redispatch({&read, 1}, now);
}

bool MasterTables::submit_next_task(std::int64_t workflow_id, EpochMs now) {
    return context_.database.execute(
               fmt::format(
                   "INSERT INTO t_ds_task_instance (name, task_type, task_code, "
                   "workflow_instance_id, workflow_instance_name, project_code, state, "
                   "submit_time, first_submit_time, flag, task_instance_priority, worker_group, "
                   "executor_id{}) "
                   "SELECT t.name, t.task_type, t.task_code, own.id, own.name, own.project_code, "
                   "{}, ?, ?, 1, t.task_instance_priority, t.worker_group, t.executor_id{} "
                   "FROM t_ds_workflow_instance own "
                   "JOIN t_ds_workflow_instance other "
                   "ON other.workflow_definition_code = own.workflow_definition_code "
                   "JOIN t_ds_task_instance t ON t.workflow_instance_id = other.id AND t.flag = 1 "
                   "WHERE own.id = ? AND NOT EXISTS (SELECT 1 FROM t_ds_task_instance done WHERE "
                   "done.workflow_instance_id = own.id AND done.flag = 1 AND done.name = t.name) "
                   "ORDER BY t.id LIMIT 1",
                   context_.schema.has_test_flag ? ", test_flag" : "", task_state::kSubmitted,
                   context_.schema.has_test_flag ? ", 0" : ""),
               {text(now), text(now), workflow_id}) == 1;
}

void MasterTables::run_task(std::int64_t id, const std::string& host, EpochMs now) {
    context_.database.execute(
        "UPDATE t_ds_task_instance SET state = ?, host = ?, start_time = ?, end_time = NULL "
        "WHERE id = ?",
        {task_state::kRunning, host, text(now), id});
}

void MasterTables::end_task(std::int64_t id, int state, EpochMs now) {
    context_.database.execute("UPDATE t_ds_task_instance SET state = ?, end_time = ? WHERE id = ?",
                              {state, text(now), id});
}

}  // namespace dsfailover
