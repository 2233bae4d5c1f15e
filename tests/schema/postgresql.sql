-- DolphinScheduler 3.3.0, as far as dsfailover uses it, on PostgreSQL. For 3.3.1 and later run
-- without_test_flag.sql afterwards.

CREATE TABLE t_ds_version (
    id serial PRIMARY KEY,
    version varchar(63) NOT NULL
);

CREATE TABLE t_ds_workflow_instance (
    id serial PRIMARY KEY,
    name varchar(255),
    workflow_definition_code bigint,
    workflow_definition_version integer NOT NULL DEFAULT 1,
    project_code bigint,
    state integer,
    state_history text,
    recovery integer,
    start_time timestamp,
    end_time timestamp,
    run_times integer,
    host varchar(135),
    command_type integer,
    command_param text,
    task_depend_type integer,
    max_try_times integer DEFAULT 0,
    failure_strategy integer DEFAULT 0,
    warning_type integer DEFAULT 0,
    warning_group_id integer,
    schedule_time timestamp,
    command_start_time timestamp,
    global_params text,
    workflow_instance_json text,
    flag integer DEFAULT 1,
    update_time timestamp,
    is_sub_workflow integer DEFAULT 0,
    executor_id integer NOT NULL,
    executor_name varchar(64),
    history_cmd text,
    dependence_schedule_times text,
    workflow_instance_priority integer DEFAULT 2,
    worker_group varchar(255),
    environment_code bigint DEFAULT '-1',
    timeout integer DEFAULT 0,
    tenant_code varchar(64) DEFAULT 'default',
    var_pool text,
    dry_run integer DEFAULT 0,
    next_workflow_instance_id integer DEFAULT 0,
    restart_time timestamp,
    test_flag integer
);
CREATE INDEX idx_workflow_instance_definition
    ON t_ds_workflow_instance (workflow_definition_code, id);
CREATE INDEX idx_workflow_instance_times
    ON t_ds_workflow_instance (start_time, end_time);

CREATE TABLE t_ds_relation_workflow_instance (
    id serial PRIMARY KEY,
    parent_workflow_instance_id integer,
    parent_task_instance_id integer,
    workflow_instance_id integer
);
CREATE INDEX idx_relation_parent
    ON t_ds_relation_workflow_instance (parent_workflow_instance_id, parent_task_instance_id);
CREATE INDEX idx_relation_child
    ON t_ds_relation_workflow_instance (workflow_instance_id);

CREATE TABLE t_ds_task_instance (
    id serial PRIMARY KEY,
    name varchar(255),
    task_type varchar(50),
    task_execute_type integer DEFAULT 0,
    task_code bigint NOT NULL,
    task_definition_version integer NOT NULL DEFAULT 1,
    workflow_instance_id integer,
    workflow_instance_name varchar(255),
    project_code bigint,
    state integer,
    submit_time timestamp,
    start_time timestamp,
    end_time timestamp,
    host varchar(135),
    execute_path varchar(200),
    log_path text,
    alert_flag integer,
    retry_times integer DEFAULT 0,
    pid integer,
    app_link text,
    task_params text,
    flag integer DEFAULT 1,
    retry_interval integer,
    max_retry_times integer,
    task_instance_priority integer,
    worker_group varchar(255),
    environment_code bigint DEFAULT '-1',
    environment_config text,
    executor_id integer,
    executor_name varchar(64),
    first_submit_time timestamp,
    delay_time integer DEFAULT 0,
    task_group_id integer,
    var_pool text,
    dry_run integer DEFAULT 0,
    cpu_quota integer NOT NULL DEFAULT '-1',
    memory_max integer NOT NULL DEFAULT '-1',
    test_flag integer
);
CREATE INDEX idx_task_instance_workflow
    ON t_ds_task_instance (workflow_instance_id);

CREATE TABLE t_ds_command (
    id serial PRIMARY KEY,
    command_type integer,
    workflow_definition_code bigint NOT NULL,
    command_param text,
    task_depend_type integer,
    failure_strategy integer DEFAULT 0,
    warning_type integer DEFAULT 0,
    warning_group_id integer,
    schedule_time timestamp,
    start_time timestamp,
    executor_id integer,
    update_time timestamp,
    workflow_instance_priority integer DEFAULT 2,
    worker_group varchar(255),
    tenant_code varchar(64) DEFAULT 'default',
    environment_code bigint DEFAULT '-1',
    dry_run integer DEFAULT 0,
    workflow_instance_id integer DEFAULT 0,
    workflow_definition_version integer DEFAULT 0,
    test_flag integer
);
CREATE INDEX idx_command_priority
    ON t_ds_command (workflow_instance_priority, id);

CREATE TABLE t_ds_error_command (
    id integer PRIMARY KEY,
    command_type integer,
    workflow_definition_code bigint NOT NULL,
    command_param text,
    task_depend_type integer,
    failure_strategy integer DEFAULT 0,
    warning_type integer DEFAULT 0,
    warning_group_id integer,
    schedule_time timestamp,
    start_time timestamp,
    executor_id integer,
    update_time timestamp,
    workflow_instance_priority integer DEFAULT 2,
    worker_group varchar(255),
    tenant_code varchar(64) DEFAULT 'default',
    environment_code bigint DEFAULT '-1',
    dry_run integer DEFAULT 0,
    message text,
    workflow_instance_id integer DEFAULT 0,
    workflow_definition_version integer DEFAULT 0,
    test_flag integer
);

CREATE TABLE t_ds_jdbc_registry_data (
    id bigserial PRIMARY KEY,
    data_key varchar NOT NULL,
    data_value text NOT NULL,
    data_type varchar NOT NULL,
    client_id bigint NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX idx_jdbc_registry_data_key
    ON t_ds_jdbc_registry_data (data_key);

CREATE TABLE t_ds_jdbc_registry_data_change_event (
    id bigserial PRIMARY KEY,
    event_type varchar NOT NULL,
    jdbc_registry_data text NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE t_ds_jdbc_registry_lock (
    id bigserial PRIMARY KEY,
    lock_key varchar NOT NULL,
    lock_owner varchar NOT NULL,
    client_id bigint NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX idx_jdbc_registry_lock_key
    ON t_ds_jdbc_registry_lock (lock_key);

CREATE TABLE t_ds_jdbc_registry_client_heartbeat (
    id bigint PRIMARY KEY,
    client_name varchar NOT NULL,
    last_heartbeat_time bigint NOT NULL,
    connection_config text NOT NULL,
    create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO t_ds_version (version) VALUES ('3.3.0');
