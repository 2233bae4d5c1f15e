#include "store/sqlite_schema.h"

namespace dsfailover {

namespace {

// Ids are AUTOINCREMENT, so that an id is never given out twice, as on the servers.
constexpr std::string_view kSchema = R"sql(
CREATE TABLE t_ds_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version VARCHAR(63) NOT NULL
);

CREATE TABLE t_ds_workflow_instance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(255),
    workflow_definition_code INTEGER,
    workflow_definition_version INTEGER NOT NULL DEFAULT 1,
    project_code INTEGER,
    state INTEGER,
    state_history TEXT,
    recovery INTEGER,
    start_time TEXT,
    end_time TEXT,
    run_times INTEGER,
    host VARCHAR(135),
    command_type INTEGER,
    command_param TEXT,
    task_depend_type INTEGER,
    max_try_times INTEGER DEFAULT 0,
    failure_strategy INTEGER DEFAULT 0,
    warning_type INTEGER DEFAULT 0,
    warning_group_id INTEGER,
    schedule_time TEXT,
    command_start_time TEXT,
    global_params TEXT,
    workflow_instance_json TEXT,
    flag INTEGER DEFAULT 1,
    update_time TEXT,
    is_sub_workflow INTEGER DEFAULT 0,
    executor_id INTEGER NOT NULL,
    executor_name VARCHAR(64),
    history_cmd TEXT,
    dependence_schedule_times TEXT,
    workflow_instance_priority INTEGER DEFAULT 2,
    worker_group VARCHAR(255),
    environment_code INTEGER DEFAULT -1,
    timeout INTEGER DEFAULT 0,
    tenant_code VARCHAR(64) DEFAULT 'default',
    var_pool TEXT,
    dry_run INTEGER DEFAULT 0,
    next_workflow_instance_id INTEGER DEFAULT 0,
    restart_time TEXT,
    test_flag INTEGER
);
CREATE INDEX idx_workflow_instance_definition
    ON t_ds_workflow_instance (workflow_definition_code, id);
CREATE INDEX idx_workflow_instance_times
    ON t_ds_workflow_instance (start_time, end_time);

CREATE TABLE t_ds_relation_workflow_instance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent_workflow_instance_id INTEGER,
    parent_task_instance_id INTEGER,
    workflow_instance_id INTEGER
);
CREATE INDEX idx_relation_parent
    ON t_ds_relation_workflow_instance (parent_workflow_instance_id, parent_task_instance_id);
CREATE INDEX idx_relation_child
    ON t_ds_relation_workflow_instance (workflow_instance_id);

CREATE TABLE t_ds_task_instance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(255),
    task_type VARCHAR(50),
    task_execute_type INTEGER DEFAULT 0,
    task_code INTEGER NOT NULL,
    task_definition_version INTEGER NOT NULL DEFAULT 1,
    workflow_instance_id INTEGER,
    workflow_instance_name VARCHAR(255),
    project_code INTEGER,
    state INTEGER,
    submit_time TEXT,
    start_time TEXT,
    end_time TEXT,
    host VARCHAR(135),
    execute_path VARCHAR(200),
    log_path TEXT,
    alert_flag INTEGER,
    retry_times INTEGER DEFAULT 0,
    pid INTEGER,
    app_link TEXT,
    task_params TEXT,
    flag INTEGER DEFAULT 1,
    retry_interval INTEGER,
    max_retry_times INTEGER,
    task_instance_priority INTEGER,
    worker_group VARCHAR(255),
    environment_code INTEGER DEFAULT -1,
    environment_config TEXT,
    executor_id INTEGER,
    executor_name VARCHAR(64),
    first_submit_time TEXT,
    delay_time INTEGER DEFAULT 0,
    task_group_id INTEGER,
    var_pool TEXT,
    dry_run INTEGER DEFAULT 0,
    cpu_quota INTEGER NOT NULL DEFAULT -1,
    memory_max INTEGER NOT NULL DEFAULT -1,
    test_flag INTEGER
);
CREATE INDEX idx_task_instance_workflow
    ON t_ds_task_instance (workflow_instance_id);

CREATE TABLE t_ds_command (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    command_type INTEGER,
    workflow_definition_code INTEGER NOT NULL,
    command_param TEXT,
    task_depend_type INTEGER,
    failure_strategy INTEGER DEFAULT 0,
    warning_type INTEGER DEFAULT 0,
    warning_group_id INTEGER,
    schedule_time TEXT,
    start_time TEXT,
    executor_id INTEGER,
    update_time TEXT,
    workflow_instance_priority INTEGER DEFAULT 2,
    worker_group VARCHAR(255),
    tenant_code VARCHAR(64) DEFAULT 'default',
    environment_code INTEGER DEFAULT -1,
    dry_run INTEGER DEFAULT 0,
    workflow_instance_id INTEGER DEFAULT 0,
    workflow_definition_version INTEGER DEFAULT 0,
    test_flag INTEGER
);
CREATE INDEX idx_command_priority
    ON t_ds_command (workflow_instance_priority, id);

CREATE TABLE t_ds_error_command (
    id INTEGER PRIMARY KEY,
    command_type INTEGER,
    workflow_definition_code INTEGER NOT NULL,
    command_param TEXT,
    task_depend_type INTEGER,
    failure_strategy INTEGER DEFAULT 0,
    warning_type INTEGER DEFAULT 0,
    warning_group_id INTEGER,
    schedule_time TEXT,
    start_time TEXT,
    executor_id INTEGER,
    update_time TEXT,
    workflow_instance_priority INTEGER DEFAULT 2,
    worker_group VARCHAR(255),
    tenant_code VARCHAR(64) DEFAULT 'default',
    environment_code INTEGER DEFAULT -1,
    dry_run INTEGER DEFAULT 0,
    message TEXT,
    workflow_instance_id INTEGER DEFAULT 0,
    workflow_definition_version INTEGER DEFAULT 0,
    test_flag INTEGER
);

CREATE TABLE t_ds_jdbc_registry_data (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    data_key VARCHAR(256) NOT NULL,
    data_value TEXT NOT NULL,
    data_type VARCHAR(256) NOT NULL,
    client_id INTEGER NOT NULL,
    create_time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    last_update_time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE UNIQUE INDEX idx_jdbc_registry_data_key
    ON t_ds_jdbc_registry_data (data_key);

CREATE TABLE t_ds_jdbc_registry_data_change_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_type VARCHAR(256) NOT NULL,
    jdbc_registry_data TEXT NOT NULL,
    create_time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE TABLE t_ds_jdbc_registry_lock (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lock_key VARCHAR(256) NOT NULL,
    lock_owner VARCHAR(256) NOT NULL,
    client_id INTEGER NOT NULL,
    create_time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE UNIQUE INDEX idx_jdbc_registry_lock_key
    ON t_ds_jdbc_registry_lock (lock_key);

CREATE TABLE t_ds_jdbc_registry_client_heartbeat (
    id INTEGER PRIMARY KEY,
    client_name VARCHAR(256) NOT NULL,
    last_heartbeat_time INTEGER NOT NULL,
    connection_config TEXT NOT NULL,
    create_time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
)sql";

}  // namespace

std::string_view sqlite_schema() { return kSchema; }

}  // namespace dsfailover
