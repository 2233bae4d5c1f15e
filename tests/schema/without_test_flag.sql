-- Turns the tables of 3.3.0 into those of 3.3.1 and later, on every database.
ALTER TABLE t_ds_workflow_instance DROP COLUMN test_flag;
ALTER TABLE t_ds_task_instance DROP COLUMN test_flag;
ALTER TABLE t_ds_command DROP COLUMN test_flag;
ALTER TABLE t_ds_error_command DROP COLUMN test_flag;
UPDATE t_ds_version SET version = '3.3.1';
