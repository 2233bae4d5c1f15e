"""Databases full of workflow instances, and one statement by hand that fails them over.

The three clients psql, mariadb and sqlite3 run the statement; it is the floor. Filled and compared
set-wise, so that a million rows take seconds."""

import contextlib
import os
import shutil

from support import databases, servers
from support.registries import now_ms

FIRST = 10_000_001  # the id of the first instance to fail over; finished ones are below
DEFINITION = 14_000_000_000_000  # the first code, taken off where they are summed up
ALIVE = "127.0.1.2:5678"
WORKER = "127.9.1.1:1234"  # a dead one
FILLED_OVER_MS = 50 * 60_000  # the first and the last of a fill started so far apart

_PARAM = ('{"commandType":"RECOVER_TOLERANCE_FAULT","subWorkflowInstance":false,"startNodes":null,'
          '"commandParams":null,"timeZone":null,"workflowExecutionStatus":"%s"}')
_HISTORY = '[{"time":"2026-01-01 00:00:00","state":"RUNNING_EXECUTION","desc":"start a new workflow"}]'
_GLOBALS = '[{"prop":"day","direct":"IN","type":"VARCHAR","value":"2026-01-01"}]'
# What a look at the cluster reads of each table.
SCANS = (
    "SELECT id, host, state, start_time, restart_time, command_type, is_sub_workflow FROM t_ds_workflow_instance"
    " WHERE state IN (0, 1, 2, 4, 14, 18);\n"
    "SELECT id, workflow_instance_id, state, flag, host, task_type, worker_group, task_group_id, submit_time,"
    " start_time, end_time FROM t_ds_task_instance;\n"
    "SELECT id, workflow_instance_id, command_type, update_time, workflow_instance_priority FROM t_ds_command;\n")
# And what decides about one that is in doubt.
JOIN = (
    "SELECT i.id, i.host, i.state, i.start_time, i.restart_time, i.command_type, i.is_sub_workflow,"
    " min(t.submit_time), max(t.submit_time), max(t.start_time), max(t.end_time) FROM t_ds_workflow_instance i"
    " LEFT JOIN t_ds_task_instance t ON t.workflow_instance_id = i.id WHERE i.state IN (1, 2, 4)"
    " AND i.host = '127.9.0.1:5678' GROUP BY i.id;\n")
# Everything the two could write differently, in few rows.
_WRITTEN = (
    "SELECT command_type, command_param, executor_id, task_depend_type, failure_strategy, dry_run,"
    " test_flag, workflow_definition_version, start_time, workflow_instance_priority, warning_type,"
    " tenant_code, environment_code, count(*), min(workflow_instance_id), max(workflow_instance_id),"
    " sum(workflow_instance_id), sum(workflow_definition_code - %d) FROM t_ds_command"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 ORDER BY 1, 2" % DEFINITION,
    "SELECT state, host, count(*), sum(id), count(restart_time), count(DISTINCT restart_time),"
    " count(DISTINCT update_time) FROM t_ds_workflow_instance WHERE id >= %d GROUP BY 1, 2"
    " ORDER BY 1, 2" % FIRST)


def _now():
    """As a stamp: to the second."""
    return databases.to_text(now_ms() // 1000 * 1000)


class Workload:
    """DolphinScheduler's tables in one database of one server."""

    name = ""
    keep = ""  # what the statement has to set so that nothing else changes by itself

    def __init__(self):
        self.finished = 0
        self.password = servers.PASSWORD

    # -- what differs from server to server

    def run(self, *statements):
        """Runs statements that need no answer."""
        raise NotImplementedError

    def rows(self, sql):
        raise NotImplementedError

    def text(self, *parts):
        return f"concat({', '.join(parts)})"

    def numbers(self, first, last):
        """What to put behind FROM for a column `i` that counts."""
        raise NotImplementedError

    def moment(self, start_ms, offset_ms):
        """The time `start_ms` plus the SQL expression `offset_ms`."""
        raise NotImplementedError

    def settle(self):
        """After a fill: statistics, and everything on disk, so that no run pays for it."""

    # -- filling

    def fill(self, count, hosts=1, commands=0):
        """Puts `count` unfinished instances of `hosts` dead masters, 127.9.0.1 to 127.9.0.`hosts`,
        and `commands` recovery commands of others, in place of what the last run left."""
        self.clear()
        if commands:
            self._insert_commands(commands)
        state = "CASE i % 10 WHEN 0 THEN 2 WHEN 1 THEN 4 ELSE 1 END"
        host = self.text("'127.9.0.'", f"1 + i % {hosts}", "':5678'")
        self._insert(FIRST, FIRST + count - 1, state, host, now_ms() - 3_600_000)
        self.settle()

    def _insert_commands(self, count):
        self.run("INSERT INTO t_ds_command (command_type, workflow_definition_code,"
                 " workflow_definition_version, workflow_instance_id, executor_id, update_time,"
                 f" command_param) SELECT 2, {DEFINITION}, 3, i, 0, '2026-01-01 00:00:02',"
                 f" '{_PARAM % 'RUNNING_EXECUTION'}' FROM {self.numbers(1, count)}")

    def fill_stuck(self, count):
        """Puts `count` instances of a dead master in state FAILOVER, whose commands are lost."""
        self.clear()
        self._insert(FIRST, FIRST + count - 1, "18", "'127.9.0.1:5678'", now_ms() - 3_600_000)
        self.settle()

    def fill_with_tasks(self, workflows, tasks):
        """fill() for one dead master, with `tasks` of them running on the dead worker."""
        self.run("DELETE FROM t_ds_task_instance")
        self.fill(workflows)
        self._insert_tasks(workflows, tasks, WORKER)
        self.settle()

    def fill_finished(self, count):
        """Puts finished instances before them, and one that runs on the living master."""
        if count > self.finished:
            self._insert(self.finished + 1, count, "7", f"'{ALIVE}'", now_ms() - 30 * 86_400_000)
            self.finished = count

    def fill_living(self):
        """One that runs on the living master, so that registry and database belong together."""
        self._insert(FIRST - 1, FIRST - 1, "1", f"'{ALIVE}'", now_ms() - 60_000)

    # -- what is read and not written: filled once

    def fill_for_status(self, finished, unfinished, tasks, commands):
        """Instances of the living master, tasks of those that are unfinished, and commands."""
        self.fill_finished(finished)
        self._insert(FIRST, FIRST + unfinished - 1, "1", f"'{ALIVE}'", now_ms() - 3_600_000)
        self._insert_tasks(unfinished, tasks)
        self._insert_commands(commands)
        self.settle()

    def fill_doubtful(self, count):
        """Instances of a dead master that a person resumed: their tasks decide, one each."""
        self._insert(FIRST, FIRST + count - 1, "1", "'127.9.0.1:5678'", now_ms() - 3_600_000)
        self.run(f"UPDATE t_ds_workflow_instance SET command_type = 4 WHERE id >= {FIRST}")
        self._insert_tasks(count, count)
        self.settle()

    def _insert_tasks(self, workflows, tasks, host=ALIVE):
        self.run("INSERT INTO t_ds_task_instance (name, task_type, task_code, workflow_instance_id, state, host,"
                 " submit_time, start_time, flag, test_flag, worker_group) SELECT 'a-task', 'SHELL', 7,"
                 f" {FIRST} + i % {workflows}, 1, '{host}', {self.moment(now_ms() - 3_000_000, 'i % 60000')},"
                 f" {self.moment(now_ms() - 2_900_000, 'i % 60000')}, 1, 0, 'default' FROM {self.numbers(1, tasks)}")

    def clear(self):
        """Takes away what the last run left."""

    def _insert(self, first, last, state, host, start_ms):
        # Ascending with the id, as they are where instances start one after the other: equal or
        # shuffled times would make an index that no production has.
        start = self.moment(start_ms, f"(i - {first}) * {FILLED_OVER_MS} / {last - first + 1}")
        name = self.text("'nightly-'", "i")
        self.run(
            "INSERT INTO t_ds_workflow_instance (id, name, workflow_definition_code,"
            " workflow_definition_version, project_code, state, state_history, recovery, start_time,"
            " run_times, host, command_type, command_param, task_depend_type, failure_strategy,"
            " command_start_time, global_params, update_time, executor_id, executor_name, history_cmd,"
            f" worker_group) SELECT i, {name}, {DEFINITION} + i % 1000, 3, 99, {state}, '{_HISTORY}',"
            f" 0, {start}, 1, {host}, 0, '{{\"commandType\":\"START_PROCESS\"}}', 2, 1, {start},"
            f" '{_GLOBALS}', '2026-01-01 00:00:02', 7, 'admin', 'START_PROCESS', 'default'"
            f" FROM {self.numbers(first, last)}")

    # -- the floor

    def floor(self, host=None):
        """The statement: the instances of `host`, or of every dead one, in one transaction."""
        which = (f"WHERE state IN (1, 2, 4) AND coalesce(restart_time, start_time) < '{_now()}' AND "
                 + (f"host = '{host}'" if host else f"host <> '{ALIVE}'"))
        return self._recovery(which, which, f", host = '{ALIVE}'")

    def floor_of_tasks(self):
        """The same for the workflows that have tasks on the dead worker."""
        which = (f"WHERE state IN (1, 2, 4) AND host <> '{ALIVE}' AND id IN (SELECT workflow_instance_id FROM"
                 f" t_ds_task_instance WHERE host = '{WORKER}' AND state IN (17, 1) AND flag = 1)")
        return self._recovery(which, which, f", host = '{ALIVE}'")

    def floor_of_requeue(self):
        """A command for each in state FAILOVER that has none."""
        return self._recovery("WHERE state = 18 AND id NOT IN (SELECT workflow_instance_id FROM t_ds_command)",
                              "WHERE state = 18")

    def _recovery(self, which, changed, host=""):
        """Commands for the instances `which`, and a stamp for those `changed`, in one transaction."""
        return (
            "BEGIN;\n"
            "INSERT INTO t_ds_command (command_type, workflow_definition_code,"
            " workflow_definition_version, workflow_instance_id, executor_id, task_depend_type,"
            " failure_strategy, dry_run, test_flag, update_time, command_param) SELECT 2,"
            " workflow_definition_code, workflow_definition_version, id, 0, 2, 1, 0, 0,"
            f" '{databases.to_text(now_ms())}', CASE state WHEN 2 THEN '{_PARAM % 'READY_PAUSE'}'"
            f" WHEN 4 THEN '{_PARAM % 'READY_STOP'}' ELSE '{_PARAM % 'RUNNING_EXECUTION'}' END"
            f" FROM t_ds_workflow_instance {which};\n"
            f"UPDATE t_ds_workflow_instance SET state = 18, restart_time = '{_now()}'{host}"
            f"{self.keep} {changed};\nCOMMIT;\n")

    def script_command(self, sql):
        """The client that runs `sql`, and its environment. Rows are read and thrown away."""
        raise NotImplementedError

    def _script(self, folder, sql):
        path = os.path.join(folder, "floor.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(sql)
        return path

    def written(self):
        """What a failover wrote, to be compared."""
        return [self.rows(sql) for sql in _WRITTEN]


class ServerWorkload(Workload):
    def __init__(self, server):
        super().__init__()
        self.server = server
        self.database = server.create_database(databases.schema_sql(server.type))
        self.connection = server.connect(self.database)
        self.url = server.url(self.database)

    def run(self, *statements):
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()


class PostgresqlWorkload(ServerWorkload):
    name = "PostgreSQL"

    def numbers(self, first, last):
        return f"generate_series({first}::bigint, {last}) i"

    def moment(self, start_ms, offset_ms):
        return f"timestamp '{databases.to_text(start_ms)}' + {offset_ms} * interval '1 ms'"

    def clear(self):
        self.run("TRUNCATE t_ds_command", f"DELETE FROM t_ds_workflow_instance WHERE id >= {FIRST}",
                 "VACUUM t_ds_workflow_instance")

    def settle(self):
        self.run("VACUUM ANALYZE t_ds_workflow_instance", "VACUUM ANALYZE t_ds_task_instance",
                 "VACUUM ANALYZE t_ds_command", "CHECKPOINT")

    def script_command(self, sql):
        return (["psql", "-X", "-q", "-A", "-t", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-h", servers.HOST, "-p", str(self.server.port),
                 "-U", servers.USER, "-d", self.database, "-f", self._script(self.server.folder, sql)],
                {"PGPASSWORD": self.password})


class MariadbWorkload(ServerWorkload):
    name = "MariaDB"
    keep = ", update_time = update_time"

    def numbers(self, first, last):
        return f"(SELECT seq AS i FROM seq_{first}_to_{last}) n"

    def moment(self, start_ms, offset_ms):
        return f"timestamp '{databases.to_text(start_ms)}' + INTERVAL 1000 * ({offset_ms}) MICROSECOND"

    def clear(self):
        # Emptied and filled anew, so that no run waits for the purge of the last one's rows.
        self.run("TRUNCATE t_ds_command", "TRUNCATE t_ds_workflow_instance")
        self.fill_living()

    def settle(self):
        with self.connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE t_ds_workflow_instance")
            cursor.fetchall()

    def script_command(self, sql):
        return (["mariadb", "--no-defaults", "-h", servers.HOST, "-P", str(self.server.port), "-u", servers.USER,
                 self.database, "-e", f"source {self._script(self.server.folder, sql)}"],
                {"MYSQL_PWD": self.password})


class SqliteWorkload(Workload):
    """A file in WAL mode, filled once for each size and copied for each run."""

    name = "SQLite"

    def __init__(self, folder):
        super().__init__()
        self.password = None
        self.folder = folder
        self.path = os.path.join(folder, "database")
        self.url = f"sqlite:{self.path}"
        self._filled = None

    def run(self, *statements):
        with contextlib.closing(self._open()) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def rows(self, sql):
        with contextlib.closing(self._open()) as connection:
            return connection.execute(sql).fetchall()

    def text(self, *parts):
        return f"({' || '.join(f'({part})' for part in parts)})"

    def numbers(self, first, last):
        return (f"(WITH RECURSIVE counter(i) AS (VALUES ({first}) UNION ALL SELECT i + 1 FROM counter"
                f" WHERE i < {last}) SELECT i FROM counter) n")

    def moment(self, start_ms, offset_ms):
        return f"strftime('%Y-%m-%d %H:%M:%f', ({start_ms} + {offset_ms}) / 1000.0, 'unixepoch')"

    def fill(self, count, hosts=1, commands=0):
        self._remove(self.path)
        kept = f"{self.path}-{count}-{hosts}-{commands}"
        if self._filled != kept:
            if self._filled:
                os.remove(self._filled)
            databases.Sqlite(self.path).close()
            self.fill_living()
            super().fill(count, hosts, commands)
            os.rename(self.path, kept)
            self._remove(self.path)
            self._filled = kept
        shutil.copyfile(kept, self.path)
        os.sync()

    def script_command(self, sql):
        script = self._script(self.folder, sql)
        return ["sqlite3", "-bail", "-cmd", "PRAGMA synchronous = FULL", "-cmd", ".output /dev/null", self.path,
                f".read {script}"], {}

    def _open(self):
        import sqlite3
        return sqlite3.connect(self.path, isolation_level=None)

    @staticmethod
    def _remove(path):
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path + suffix)
