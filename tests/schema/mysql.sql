-- DolphinScheduler 3.3.0, as far as dsfailover uses it, on MySQL and MariaDB. For 3.3.1 and later run
-- without_test_flag.sql afterwards.

CREATE TABLE t_ds_version (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    version varchar(63) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE t_ds_workflow_instance (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(255) DEFAULT NULL,
    workflow_definition_code bigint(20) NOT NULL,
    workflow_definition_version int(11) NOT NULL DEFAULT 1,
    project_code bigint(20) DEFAULT NULL,
    state tinyint(4) DEFAULT NULL,
    state_history text DEFAULT NULL,
    recovery tinyint(4) DEFAULT NULL,
    start_time datetime DEFAULT NULL,
    end_time datetime DEFAULT NULL,
    run_times int(11) DEFAULT NULL,
    host varchar(135) DEFAULT NULL,
    command_type tinyint(4) DEFAULT NULL,
    command_param text DEFAULT NULL,
    task_depend_type tinyint(4) DEFAULT NULL,
    max_try_times tinyint(4) DEFAULT 0,
    failure_strategy tinyint(4) DEFAULT 0,
    warning_type tinyint(4) DEFAULT 0,
    warning_group_id int(11) DEFAULT NULL,
    schedule_time datetime DEFAULT NULL,
    command_start_time datetime DEFAULT NULL,
    global_params text DEFAULT NULL,
    flag tinyint(4) DEFAULT 1,
    update_time timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    is_sub_workflow int(11) DEFAULT 0,
    executor_id int(11) NOT NULL,
    executor_name varchar(64) DEFAULT NULL,
    history_cmd text DEFAULT NULL,
    workflow_instance_priority int(11) DEFAULT 2,
    worker_group varchar(255) DEFAULT NULL,
    environment_code bigint(20) DEFAULT -1,
    timeout int(11) DEFAULT 0,
    tenant_code varchar(64) DEFAULT 'default',
    var_pool longtext DEFAULT NULL,
    dry_run tinyint(4) DEFAULT 0,
    next_workflow_instance_id int(11) DEFAULT 0,
    restart_time datetime DEFAULT NULL,
    test_flag tinyint(4) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX idx_workflow_instance_definition
    ON t_ds_workflow_instance (workflow_definition_code, id);
CREATE INDEX idx_workflow_instance_times
    ON t_ds_workflow_instance (start_time, end_time);

CREATE TABLE t_ds_relation_workflow_instance (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    parent_workflow_instance_id int(11) DEFAULT NULL,
    parent_task_instance_id int(11) DEFAULT NULL,
    workflow_instance_id int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX idx_relation_parent
    ON t_ds_relation_workflow_instance (parent_workflow_instance_id, parent_task_instance_id);
CREATE INDEX idx_relation_child
    ON t_ds_relation_workflow_instance (workflow_instance_id);

CREATE TABLE t_ds_task_instance (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(255) DEFAULT NULL,
    task_type varchar(50) NOT NULL,
    task_execute_type int(11) DEFAULT 0,
    task_code bigint(20) NOT NULL,
    task_definition_version int(11) NOT NULL DEFAULT 1,
    workflow_instance_id int(11) DEFAULT NULL,
    workflow_instance_name varchar(255) DEFAULT NULL,
    project_code bigint(20) DEFAULT NULL,
    state tinyint(4) DEFAULT NULL,
    submit_time datetime DEFAULT NULL,
    start_time datetime DEFAULT NULL,
    end_time datetime DEFAULT NULL,
    host varchar(135) DEFAULT NULL,
    execute_path varchar(200) DEFAULT NULL,
    log_path longtext DEFAULT NULL,
    alert_flag tinyint(4) DEFAULT NULL,
    retry_times int(4) DEFAULT 0,
    pid int(4) DEFAULT NULL,
    app_link text DEFAULT NULL,
    task_params longtext DEFAULT NULL,
    flag tinyint(4) DEFAULT 1,
    retry_interval int(4) DEFAULT NULL,
    max_retry_times int(2) DEFAULT NULL,
    task_instance_priority int(11) DEFAULT NULL,
    worker_group varchar(255) DEFAULT NULL,
    environment_code bigint(20) DEFAULT -1,
    environment_config text DEFAULT NULL,
    executor_id int(11) DEFAULT NULL,
    executor_name varchar(64) DEFAULT NULL,
    first_submit_time datetime DEFAULT NULL,
    delay_time int(4) DEFAULT 0,
    task_group_id int(11) DEFAULT NULL,
    var_pool longtext DEFAULT NULL,
    dry_run tinyint(4) DEFAULT 0,
    cpu_quota int(11) NOT NULL DEFAULT -1,
    memory_max int(11) NOT NULL DEFAULT -1,
    test_flag tinyint(4) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX idx_task_instance_workflow
    ON t_ds_task_instance (workflow_instance_id);

CREATE TABLE t_ds_command (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    command_type tinyint(4) DEFAULT NULL,
    workflow_definition_code bigint(20) NOT NULL,
    command_param text DEFAULT NULL,
    task_depend_type tinyint(4) DEFAULT NULL,
    failure_strategy tinyint(4) DEFAULT 0,
    warning_type tinyint(4) DEFAULT 0,
    warning_group_id int(11) DEFAULT NULL,
    schedule_time datetime DEFAULT NULL,
    start_time datetime DEFAULT NULL,
    executor_id int(11) DEFAULT NULL,
    update_time datetime DEFAULT NULL,
    workflow_instance_priority int(11) DEFAULT 2,
    worker_group varchar(255) DEFAULT NULL,
    tenant_code varchar(64) DEFAULT 'default',
    environment_code bigint(20) DEFAULT -1,
    dry_run tinyint(4) DEFAULT 0,
    workflow_instance_id int(11) DEFAULT 0,
    workflow_definition_version int(11) DEFAULT 0,
    test_flag tinyint(4) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE INDEX idx_command_priority
    ON t_ds_command (workflow_instance_priority, id);

CREATE TABLE t_ds_error_command (
    id int(11) NOT NULL PRIMARY KEY,
    command_type tinyint(4) DEFAULT NULL,
    workflow_definition_code bigint(20) NOT NULL,
    command_param text DEFAULT NULL,
    task_depend_type tinyint(4) DEFAULT NULL,
    failure_strategy tinyint(4) DEFAULT 0,
    warning_type tinyint(4) DEFAULT 0,
    warning_group_id int(11) DEFAULT NULL,
    schedule_time datetime DEFAULT NULL,
    start_time datetime DEFAULT NULL,
    executor_id int(11) DEFAULT NULL,
    update_time datetime DEFAULT NULL,
    workflow_instance_priority int(11) DEFAULT 2,
    worker_group varchar(255) DEFAULT NULL,
    tenant_code varchar(64) DEFAULT 'default',
    environment_code bigint(20) DEFAULT -1,
    dry_run tinyint(4) DEFAULT 0,
    message text DEFAULT NULL,
    workflow_instance_id int(11) DEFAULT 0,
    workflow_definition_version int(11) DEFAULT 0,
    test_flag tinyint(4) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE t_ds_jdbc_registry_data (
    id bigint(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    data_key varchar(256) NOT NULL,
    data_value text NOT NULL,
    data_type varchar(64) NOT NULL,
    client_id bigint(11) NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE UNIQUE INDEX idx_jdbc_registry_data_key
    ON t_ds_jdbc_registry_data (data_key);

CREATE TABLE t_ds_jdbc_registry_data_change_event (
    id bigint(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_type varchar(64) NOT NULL,
    jdbc_registry_data text NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE t_ds_jdbc_registry_lock (
    id bigint(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    lock_key varchar(256) NOT NULL,
    lock_owner varchar(256) NOT NULL,
    client_id bigint(11) NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE UNIQUE INDEX idx_jdbc_registry_lock_key
    ON t_ds_jdbc_registry_lock (lock_key);

CREATE TABLE t_ds_jdbc_registry_client_heartbeat (
    id bigint(11) NOT NULL PRIMARY KEY,
    client_name varchar(256) NOT NULL,
    last_heartbeat_time bigint(11) NOT NULL,
    connection_config text NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

INSERT INTO t_ds_version (version) VALUES ('3.3.0');
