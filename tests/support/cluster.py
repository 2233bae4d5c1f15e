"""A DolphinScheduler cluster as its other clients see it: registry, database, masters that act.

Nothing here knows dsfailover's code. What the tables and keys look like is DolphinScheduler's.
"""

import contextlib
import json
import re
import threading
import time

from . import databases, program
from .registries import LOCKS, MARKS, STAMPS, heartbeat, now_ms

DEAD = "127.0.1.1:5678"
ALIVE = "127.0.1.2:5678"
OTHER_DEAD = "127.0.1.3:5678"
DEAD_WORKER = "127.0.2.1:1234"

STATES = {"SUBMITTED_SUCCESS": 0, "RUNNING_EXECUTION": 1, "READY_PAUSE": 2, "PAUSE": 3,
          "READY_STOP": 4, "STOP": 5, "FAILURE": 6, "SUCCESS": 7, "SERIAL_WAIT": 14, "FAILOVER": 18}
STATE_NAMES = {number: name for name, number in STATES.items()}
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def command_param(state):
    """What a failover command says, byte for byte."""
    return ('{"commandType":"RECOVER_TOLERANCE_FAULT","subWorkflowInstance":false,'
            '"startNodes":null,"commandParams":null,"timeZone":null,'
            f'"workflowExecutionStatus":"{STATE_NAMES[state]}"}}')


def heartbeat_of(address, **options):
    """A heartbeat with something of its own, for Cluster.register(value=...)."""
    return heartbeat(address, now_ms() - HOUR, 4242, **options)


def ago(milliseconds):
    return now_ms() - milliseconds


class Cluster:
    """A registry and a database of one DolphinScheduler, with `ALIVE` as its living master."""

    alive_status = "BUSY"  # so that no failover makes it the host of what it fails over

    def __init__(self, registry, db, living=True):
        self.registry = registry
        self.db = db
        self.servers = []
        self._definition = 1000
        self.alive = None
        if living:
            self.alive = self.register(ALIVE, status=self.alive_status)
            # So that the two are seen to belong together, and the clocks too.
            self.quiet = self.workflow(state=1, host=ALIVE, start=ago(5 * MINUTE))
            self.task(self.quiet, state=7, host="127.0.2.9:1234", submit=ago(2 * MINUTE))

    def close(self):
        for server in self.servers:
            with contextlib.suppress(Exception):
                server.leave()
        self.registry.close()
        if hasattr(self.db, "drop"):
            self.db.drop()
        else:
            self.db.close()

    # -- servers

    def register(self, address, **options):
        server = self.registry.register(address, **options)
        self.servers.append(server)
        return server

    def complete(self):
        """The living master coordinates, and a worker lives: nothing is missing."""
        self.alive.session.put_ephemeral("/nodes/master-coordinator", ALIVE)
        return self.register("127.0.2.9:1234", worker=True)

    # -- rows

    def workflow_row(self, state=1, host=DEAD, start=None, restart=None, command_type=0, **columns):
        """An instance with something in every column that a failover could spoil."""
        self._definition += 1
        row = {
            "name": f"nightly-{self._definition}", "workflow_definition_code": 14_000_000_000_000 + self._definition,
            "workflow_definition_version": 3, "project_code": 99, "state": state,
            "state_history": '[{"time":"2026-01-01","state":"RUNNING_EXECUTION","desc":"start"}]',
            "recovery": 0, "start_time": _text(start if start is not None else ago(HOUR)),
            "restart_time": _text(restart), "run_times": 1, "host": host,
            "command_type": command_type, "command_param": '{"commandType":"START_PROCESS"}',
            "task_depend_type": 2, "failure_strategy": 1, "warning_type": 3, "warning_group_id": 5,
            "schedule_time": "2026-01-01 00:00:00", "command_start_time": "2026-01-01 00:00:01",
            "global_params": '[{"prop":"day","value":"täglich ☃"}]', "flag": 1,
            "update_time": "2026-01-01 00:00:02", "is_sub_workflow": 0, "executor_id": 7,
            "executor_name": "admin", "history_cmd": "START_PROCESS",
            "workflow_instance_priority": 1, "worker_group": "special", "environment_code": 12,
            "timeout": 30, "tenant_code": "tenant", "var_pool": "[]", "dry_run": 0,
        }
        if "start_time" in columns:
            row["start_time"] = columns["start_time"]
        return {**row, **columns}

    def workflow(self, **options):
        """Inserts an instance; returns its id. Times are epoch milliseconds."""
        return self.db.insert("t_ds_workflow_instance", **self.workflow_row(**options))

    def workflows(self, count, **options):
        return self.db.insert_many("t_ds_workflow_instance",
                                   [self.workflow_row(**options) for _ in range(count)])

    def task(self, workflow, state=1, host=DEAD_WORKER, submit=None, start=None, end=None,
             name="task", flag=1, db=None, **columns):
        """Inserts a task instance, on the connection `db` if given; returns its id."""
        row = {
            "name": name, "task_type": "SHELL", "task_code": 7, "task_definition_version": 1,
            "workflow_instance_id": workflow, "project_code": 99, "state": state,
            "submit_time": _text(submit if submit is not None else ago(30 * MINUTE)),
            "start_time": _text(start), "end_time": _text(end), "host": host,
            "execute_path": "/tmp/exec", "log_path": "/tmp/log", "flag": flag, "retry_times": 0,
            "worker_group": "default", "executor_id": 7, "var_pool": '[{"prop":"a"}]',
            "first_submit_time": _text(submit if submit is not None else ago(30 * MINUTE)),
            "environment_code": 12, "dry_run": 0,
        }
        if self.has_test_flag():
            row["test_flag"] = 0
        return (db or self.db).insert("t_ds_task_instance", **{**row, **columns})

    def command_row(self, workflow, command_type=2, state=1, **columns):
        """A command as a master or the API server inserts it."""
        row = {
            "command_type": command_type, "workflow_instance_id": workflow,
            "workflow_definition_code": 14_000_000_000_000, "workflow_definition_version": 3,
            "executor_id": 0, "task_depend_type": 2, "failure_strategy": 1, "dry_run": 0,
            "command_param": command_param(state) if command_type == 2 else None,
            "update_time": _text(now_ms()),
        }
        if self.has_test_flag():
            row["test_flag"] = 0
        return {**row, **columns}

    def command(self, workflow, *arguments, db=None, **columns):
        """Inserts a command, on the connection `db` if given; returns its id."""
        return (db or self.db).insert("t_ds_command", **self.command_row(workflow, *arguments, **columns))

    def has_test_flag(self):
        if not hasattr(self, "_test_flag"):
            version = self.db.rows("SELECT version FROM t_ds_version")
            self._test_flag = not version or version[0]["version"] == "3.3.0"
        return self._test_flag

    def instance(self, workflow):
        return self.db.row("SELECT * FROM t_ds_workflow_instance WHERE id = ?", workflow)

    def instances(self):
        return {row["id"]: row for row in self.db.rows("SELECT * FROM t_ds_workflow_instance")}

    def state(self, workflow):
        return self.instance(workflow)["state"]

    def states(self, workflows):
        wanted = set(workflows)
        return {row["id"]: row["state"]
                for row in self.db.rows("SELECT id, state FROM t_ds_workflow_instance")
                if row["id"] in wanted}

    def commands(self):
        return self.db.rows("SELECT * FROM t_ds_command ORDER BY id")

    def commands_per_workflow(self):
        counts = {}
        for row in self.db.rows("SELECT workflow_instance_id AS w, count(*) AS n FROM t_ds_command"
                                " GROUP BY workflow_instance_id"):
            counts[row["w"]] = row["n"]
        return counts

    def restart_ms(self, workflow):
        return databases.to_epoch_ms(self.instance(workflow)["restart_time"])

    @staticmethod
    def db_ms(text):
        """A wall clock of the database, taken as UTC, in epoch milliseconds."""
        return databases.to_epoch_ms(text)

    def snapshot(self):
        """All that a command could have changed."""
        tables = ("t_ds_workflow_instance", "t_ds_task_instance", "t_ds_command", "t_ds_error_command")
        return ({table: self.db.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables},
                self.registry.snapshot())

    # -- the program

    @property
    def options(self):
        return ["--registry", self.registry.url, "--database", self.db.url]

    @property
    def environment(self):
        """Secrets, and no waiting where the test is about something else."""
        own = {"DSFAILOVER_GRACE": "0s"}
        if self.db.password:
            own["DSFAILOVER_DATABASE_PASSWORD"] = self.db.password
        return own

    def start(self, *arguments, environment=None, options=None):
        return program.Run([*arguments, *(self.options if options is None else options)],
                           {**self.environment, **(environment or {})})

    def run(self, *arguments, code=None, environment=None, timeout=90, options=None):
        return self.start(*arguments, environment=environment, options=options).finish(code, timeout)

    def lose_lock(self, address=DEAD):
        """Takes the failover lock of `address` away from whoever holds it."""
        for name in self.registry.folder(f"{LOCKS}/{address}"):
            self.registry.delete(f"{LOCKS}/{address}/{name}")

    def failover_master(self, *arguments, address=DEAD, **options):
        return self.run("failover-master", address, *arguments, **options)

    def age_handovers(self, by=5 * MINUTE):
        """As if every failover so far had happened `by` milliseconds earlier."""
        def earlier(text):
            return re.sub(r"(^|,)(\d{13})", lambda m: m.group(1) + str(int(m.group(2)) - by), text)
        stamps = {address: self.registry.get(f"{STAMPS}/{address}")
                  for address in self.registry.folder(STAMPS)}
        values = {value for text in stamps.values() for value in re.findall(r"(?:^|,)(\d{13})", text)}
        for address, text in stamps.items():
            self.registry.put(f"{STAMPS}/{address}", earlier(text))
        for value in values:
            self.db.execute("UPDATE t_ds_workflow_instance SET restart_time = ? WHERE restart_time = ?",
                            _text(int(value) - by), _text(int(value)))
        for name, value in self.registry.marks().items():
            if len(value) == 13:
                self.registry.put(f"{MARKS}/{name}", earlier(value))

    # -- what must hold

    def assert_failed_over_once(self, workflows, stamp=None):
        """Each in state 18 with exactly one command."""
        counts = self.commands_per_workflow()
        assert {w: counts.get(w, 0) for w in workflows} == {w: 1 for w in workflows}
        states = self.states(workflows)
        assert set(states.values()) <= {18}, states
        if stamp is not None:
            wanted = set(workflows)
            stamps = {row["restart_time"] for row in
                      self.db.rows("SELECT id, restart_time FROM t_ds_workflow_instance")
                      if row["id"] in wanted}
            assert set(map(databases.to_epoch_ms, stamps)) <= {stamp}

    @contextlib.contextmanager
    def nothing_changes(self):
        before = self.snapshot()
        yield
        after = self.snapshot()
        assert after == before

    def mark_value(self, name=f"{DEAD}-unknown-unknown"):
        return self.registry.get(f"{MARKS}/{name}")


class Background:
    """Works in a thread, while a `with` block lasts: _work(), until self._stop is set."""

    def __init__(self):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)


class SimulatedMaster(Background):
    """Consumes commands as a master does, in one transaction each.

    `release` 3.3.0 leaves host and restart_time alone; later ones set both. `dispatches`: what it
    recovered goes on at once, with a new task for each that some worker was running. Works on a
    connection of its own; with the `with` statement, in a thread, until the block ends.
    """

    def __init__(self, cluster, address=ALIVE, release="3.3.0", takes=lambda command_id: True,
                 dispatches=False):
        super().__init__()
        self.cluster, self.dispatches = cluster, dispatches
        self.db = cluster.db.clone()
        self.address, self.release, self.takes = address, release, takes
        self.consumed = []  # workflow ids, in order
        self.problems = []  # a workflow that was running already when its command was consumed

    def consume_all(self):
        """Consumes what is there now; returns how many."""
        count = 0
        for command in self.db.rows("SELECT * FROM t_ds_command WHERE command_type = 2 ORDER BY id"):
            if self.takes(command["id"]):
                count += self._consume(command)
        return count

    def _consume(self, command):
        state = STATES[json.loads(command["command_param"])["workflowExecutionStatus"]]
        workflow = command["workflow_instance_id"]
        with self.db.transaction():
            if self.db.execute("DELETE FROM t_ds_command WHERE id = ?", command["id"]) != 1:
                return False
            more, values = "", []
            if self.release != "3.3.0":
                more = ", host = ?, restart_time = ?"
                values = [self.address, databases.to_text(now_ms())]
            hit = self.db.execute("UPDATE t_ds_workflow_instance SET state = ?" + more
                                  + " WHERE id = ? AND state = 18", state, *values, workflow)
            if hit != 1:
                self.problems.append(workflow)
            if self.dispatches:
                self._dispatch(workflow)
            self.consumed.append(workflow)
        return True

    def _dispatch(self, workflow):
        # MySQL keeps whole seconds: later than a stamp that was rounded up, too.
        moment = now_ms() + 1 + 2 * (self.db.precision_ms - 1)
        its = " WHERE flag = 1 AND workflow_instance_id = ? AND state IN "
        self.db.execute("UPDATE t_ds_task_instance SET flag = 0, state = 8" + its + "(1, 17)", workflow)
        if not self.db.execute("UPDATE t_ds_task_instance SET state = 1, host = ?, start_time = ?" + its + "(0)",
                               "127.0.2.9:1234", databases.to_text(moment), workflow):
            self.cluster.task(workflow, state=1, host="127.0.2.9:1234", submit=moment, db=self.db)

    def __exit__(self, *_):
        super().__exit__()
        self.db.close()

    def _work(self):
        while not self._stop.is_set():
            try:
                if not self.consume_all():
                    self._stop.wait(0.01)
            except Exception as error:  # a locked database: a master tries again, too
                if "lock" not in str(error).lower():
                    self.problems.append(str(error))
                    return


def take_the_old_way(db, workflows):
    """A master of 3.3.0 takes the commands of `workflows`, which then run again. Ends the transaction
    that was begun on the connection `db`."""
    ids = ", ".join(map(str, workflows))
    db.execute(f"DELETE FROM t_ds_command WHERE workflow_instance_id IN ({ids})")
    db.execute(f"UPDATE t_ds_workflow_instance SET state = 1 WHERE state = 18 AND id IN ({ids})")
    db.execute("COMMIT")


def hold(cluster, workflow):
    """A transaction of somebody else that keeps a run waiting at this row; on SQLite at its next write."""
    other = cluster.db.clone()
    if cluster.db.type == "sqlite":
        other.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
    else:
        other.execute("BEGIN")
        other.rows("SELECT id FROM t_ds_workflow_instance WHERE id = ? FOR UPDATE", workflow)
    return other


def waits_for_a_row(db):
    """Whether a run of ours waits for a row or table that somebody else holds."""
    if db.type == "postgresql":
        return db.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dsfailover'"
                        " AND wait_event_type = 'Lock'") > 0
    if db.type == "mariadb":
        return db.value("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") > 0
    time.sleep(0.5)  # SQLite tells nobody
    return True


def until(condition, timeout=20, message="it did not happen"):
    """Waits for `condition` to be true and returns its value."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, message
        time.sleep(0.02)
    return value


def _text(epoch_ms):
    return None if epoch_ms is None else databases.to_text(epoch_ms)
