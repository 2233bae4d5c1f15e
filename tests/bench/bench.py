"""Measures dsfailover against its floors, on servers of its own. Run by scripts/bench.

The floors are the same work without dsfailover: one statement by the database's own client, the same
registry requests by the bare C client. Both run in turn, several times, on the same filled servers;
for failovers and marks it is checked that both did the same.
"""

import argparse
import base64
import contextlib
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import databases, program, registries, servers, stand_ins  # noqa: E402
from support.registries import MARKS, STAMPS  # noqa: E402

from measure import Child, Failed, Table, build, in_turn  # noqa: E402
from workload import ALIVE, JOIN, SCANS, WORKER, MariadbWorkload, PostgresqlWorkload, SqliteWorkload  # noqa: E402

NAMESPACE = "/dolphinscheduler"
DEAD = "127.9.0.1:5678"
ETCD_BATCH = 128  # what an etcd takes in one transaction by default


class DurablePostgreSQL(servers.PostgreSQL):
    """With the settings of production that cost time, and memory for the large tables."""

    def command(self):
        return super().command() + [
            "-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on",
            "-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB", "-c", "autovacuum=off"]


class DurableMariaDB(servers.MariaDB):
    def command(self):
        return super().command() + [
            "--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync",
            "--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G"]


class Registry:
    """A ZooKeeper with one living master, and the bare client that is its floor."""

    def __init__(self, stack):
        self.server = stack.enter_context(servers.ZooKeeper())
        self.client = registries.ZooKeeper(self.server, NAMESPACE)
        stack.callback(self.client.close)
        living = self.client.register(ALIVE)
        stack.callback(living.leave)
        self._floor = build("zookeeper_floor", "zookeeper_mt", "pq", "pthread")
        self.url = self.server.url(NAMESPACE)
        # Java compiles what it runs often; it is to have done so before the first measurement.
        self.floor("fill", NAMESPACE + MARKS, 20_000)
        self.floor("clean", NAMESPACE + MARKS)

    def floor(self, *arguments):
        return Child([self._floor, self.server.address, *map(str, arguments)])

    def marks(self):
        """The names; to read them one by one would take longer than what is measured."""
        path = self.client.full(MARKS)
        return self.client.client.get_children(path) if self.client.client.exists(path) else []

    def clear(self):
        """Takes marks and stamps of a failover away."""
        if self.marks():
            self.floor("clean", NAMESPACE + MARKS)
        for name in self.client.folder(STAMPS):
            self.client.delete(f"{STAMPS}/{name}")


class Bench:
    def __init__(self, options, stack, table):
        self.options = options
        self.stack = stack
        self.table = table
        self.registry = Registry(stack)

    def dsfailover(self, *arguments, workload=None, registry=None, expected=0):
        command = [program.binary(), *arguments, "--registry", registry or self.registry.url]
        environment = {}
        if workload:
            command += ["--database", workload.url]
            if workload.password:
                environment["DSFAILOVER_DATABASE_PASSWORD"] = workload.password
        return Child(command, environment, expected)

    def sizes(self, most):
        size, sizes = 1000, []
        while size < min(most, self.options.size):
            sizes.append(size)
            size *= 10
        return sizes + [min(most, self.options.size)]

    # -- failovers

    def workload(self, kind, server_kind=None):
        if server_kind is None:
            return kind(self.stack.enter_context(tempfile.TemporaryDirectory()))
        workload = kind(self.stack.enter_context(server_kind()))
        workload.fill_living()
        return workload

    def compare_failover(self, workload, size, what, target, commands=0):
        self.compare_writes(workload, size, what, target, ["failover-master", DEAD, "--grace", "0s"],
                            lambda: workload.fill(size, 1, commands),
                            lambda report: sum(each["workflows"]["failed_over"] for each in report["masters"]) == size,
                            lambda: workload.floor(DEAD))

    def compare_writes(self, workload, size, what, target, command, fill, done, floor_sql):
        """`done`: whether a report says that everything was done. Both must write the same."""
        written = []

        def reset():
            self.registry.clear()
            fill()

        def ours():
            child = self.dsfailover(*command, workload=workload)
            if not done(json.loads(child.output)):
                raise Failed(f"{what}: not all of {size} done\n{child.output[:3000]}")
            written.append(workload.written())
            return child

        def floor():
            child = Child(*workload.script_command(floor_sql()))
            written.append(workload.written())
            return child

        results = in_turn(self.options.runs, reset, ours, floor)
        if any(each != written[0] for each in written):
            raise Failed(f"dsfailover and its floor did not write the same:\n{written[:2]}")
        self.table.add(what, size, *results, "one statement by the database's client", target)

    def failover(self):
        for kind, server_kind, target in ((PostgresqlWorkload, DurablePostgreSQL, 1.3),
                                          (MariadbWorkload, DurableMariaDB, 1.5),
                                          (SqliteWorkload, None, 1.5)):
            if self.options.only not in f"failover {kind.name}".lower():
                continue
            workload = self.workload(kind, server_kind)
            for size in self.sizes(1_000_000):
                self.compare_failover(workload, size, f"failover-master, {kind.name}",
                                      target if size >= 100_000 else None)

    def failover_among_commands(self):
        """As many recovery commands as instances wait already: each transaction looks for new ones."""
        for kind, server_kind, target in ((PostgresqlWorkload, DurablePostgreSQL, 1.3),
                                          (MariadbWorkload, DurableMariaDB, 1.5),
                                          (SqliteWorkload, None, 1.5)):
            if self.options.only not in f"commands {kind.name}".lower():
                continue
            workload = self.workload(kind, server_kind)
            size = min(1_000_000, self.options.size)
            self.compare_failover(workload, size, f"failover-master, {kind.name}, {size:,} commands wait",
                                  target if size >= 100_000 else None, commands=size)

    def failover_among_finished(self):
        finished = self.options.finished if self.options.finished is not None else 5 * self.options.size
        workload = self.workload(PostgresqlWorkload, DurablePostgreSQL)
        workload.fill_finished(finished)
        for size in self.sizes(1_000_000):
            self.compare_failover(workload, size, f"failover-master, PostgreSQL, among {finished:,} finished",
                                  1.3 if size >= 100_000 else None)

    def global_failover(self):
        """1, 10 and 100 dead masters with the same number of instances, against the one-master run."""
        size = min(100_000, self.options.size)
        workload = self.workload(PostgresqlWorkload, DurablePostgreSQL)
        for hosts in (1, 10, 100):
            def run(command, over):
                workload.fill(size, over)
                return self.dsfailover(*command, "--grace", "0s", workload=workload)

            results = in_turn(self.options.runs, self.registry.clear,
                              lambda hosts=hosts: run(["global"], hosts),
                              lambda: run(["failover-master", DEAD], 1))
            self.table.add(f"global, PostgreSQL, {hosts} masters", size, *results,
                           "failover-master of one master with as many", 1.5 if hosts > 1 else None)

    # -- other commands that write commands

    def databases(self, part):
        """A workload on each server whose name --only lets through."""
        for kind, server_kind in ((PostgresqlWorkload, DurablePostgreSQL), (MariadbWorkload, DurableMariaDB)):
            if self.options.only in f"{part} {kind.name}".lower():
                yield self.workload(kind, server_kind)

    def requeue(self):
        for workload in self.databases("requeue"):
            for size in self.sizes(100_000):
                self.compare_writes(workload, size, f"requeue, {workload.name}", 1.3 if size >= 10_000 else None,
                                    ["requeue"], lambda size=size: workload.fill_stuck(size),
                                    lambda report, size=size: report["workflows"]["requeued"] == size,
                                    workload.floor_of_requeue)

    def worker(self):
        """Tasks of a dead worker, ten to a workflow, whose masters are dead as well."""
        for workload in self.databases("worker"):
            for size in self.sizes(100_000):
                self.compare_writes(workload, size, f"failover-worker, tasks, {workload.name}",
                                    1.3 if size >= 100_000 else None,
                                    ["failover-worker", WORKER, "--grace", "0s"],
                                    lambda size=size: workload.fill_with_tasks(size // 10, size),
                                    lambda report, size=size: report["worker"]["tasks"]["routes"]
                                    == {"workflow_failover": size} and report["masters"][0]["workflows"]
                                    ["failed_over"] == size // 10, workload.floor_of_tasks)

    # -- looks

    def look(self):
        """What only reads, against statements that read the same and throw it away."""
        for kind, server_kind in ((PostgresqlWorkload, DurablePostgreSQL), (SqliteWorkload, None)):
            if self.options.only not in f"look {kind.name}".lower():
                continue
            self._status(self.workload_to_read(kind, server_kind))
            self._doubtful(self.workload_to_read(kind, server_kind))

    def workload_to_read(self, kind, server_kind):
        workload = self.workload(kind, server_kind)
        if server_kind is None:
            databases.Sqlite(workload.path).close()
            workload.fill_living()
        return workload

    def _status(self, workload):
        finished = 100 * min(10_000, self.options.size)
        workload.fill_for_status(finished, finished // 100, finished // 50, finished // 10)

        def ours():
            child = self.dsfailover("status", workload=workload)
            waiting = json.loads(child.output)["commands"]["pending"]
            if waiting != finished // 10:
                raise Failed(f"{waiting} commands\n{child.output[:3000]}")
            return child

        self.table.add(f"status, {workload.name}, among {finished:,} finished", finished // 100,
                       *in_turn(self.options.runs, lambda: None, ours,
                                lambda: Child(*workload.script_command(SCANS))),
                       "one pass over instances, tasks and commands", 1.2)

    def _doubtful(self, workload):
        size = 21 * min(10_000, self.options.size)
        workload.fill_doubtful(size)

        def ours():
            child = self.dsfailover("failover-master", DEAD, "--dry-run", "--ask", "none", workload=workload, expected=3)
            skipped = json.loads(child.output)["masters"][0]["workflows"]["skipped"]
            if skipped != {"in_doubt": size}:
                raise Failed(f"{skipped}\n{child.output[:3000]}")
            return child

        self.table.add(f"a dry run over what is in doubt, {workload.name}", size,
                       *in_turn(self.options.runs, self.registry.clear, ours,
                                lambda: Child(*workload.script_command(JOIN))),
                       "the join of instances and their tasks", 1.5)

    # -- marks

    def marks_on_zookeeper(self):
        folder = NAMESPACE + MARKS
        for size in self.sizes(100_000):
            target = 1.1 if size >= 100_000 else None

            def fill():
                if not self.registry.marks():
                    self.registry.floor("fill", folder, size)

            def check(child, count):
                if count != size:
                    raise Failed(f"{count} marks of {size}\n{child.output[:2000]}")
                return child

            def listed():
                child = self.dsfailover("list-marks")
                return check(child, json.loads(child.output)["marks"]["examined"])

            def got():
                child = self.registry.floor("gets", folder)
                return check(child, int(child.output))

            def cleaned():
                child = self.dsfailover("clean-marks")
                return check(child, json.loads(child.output)["marks"]["removed"] + len(self.registry.marks()))

            def deleted():
                child = self.registry.floor("clean", folder)
                return check(child, int(child.output) + len(self.registry.marks()))

            self.registry.clear()
            self.table.add("list-marks, ZooKeeper", size,
                           *in_turn(self.options.runs, fill, listed, got), "pipelined gets", target)
            self.table.add("clean-marks, ZooKeeper", size,
                           *in_turn(self.options.runs, fill, cleaned, deleted),
                           "pipelined gets and deletes", target)

    def marks_in_tables(self):
        """The floor is one statement that deletes the rows and one that tells the masters of it."""
        workload = PostgresqlWorkload(self.stack.enter_context(DurablePostgreSQL()))
        registry = registries.Jdbc(databases.Postgresql(workload.server, database=workload.database))
        living = registry.register(ALIVE)
        self.stack.callback(living.leave)
        row = ("""json_build_object('id', id, 'dataKey', data_key, 'dataValue', data_value, 'dataType',"""
               """ data_type, 'clientId', client_id, 'createTime', to_char(create_time,"""
               """ 'YYYY-MM-DD HH24:MI:SS'), 'lastUpdateTime', to_char(last_update_time,"""
               """ 'YYYY-MM-DD HH24:MI:SS'))::text""")
        statement = (f"WITH gone AS (DELETE FROM t_ds_jdbc_registry_data WHERE data_key LIKE '{MARKS}/%'"
                     f" AND data_value < '2' RETURNING *) INSERT INTO t_ds_jdbc_registry_data_change_event"
                     f" (event_type, jdbc_registry_data) SELECT 'DELETE', {row} FROM gone ORDER BY id")
        for size in self.sizes(100_000):
            def fill():
                workload.run(
                    f"DELETE FROM t_ds_jdbc_registry_data WHERE data_key LIKE '{MARKS}/%'",
                    "TRUNCATE t_ds_jdbc_registry_data_change_event",
                    "INSERT INTO t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id)"
                    f" SELECT '{MARKS}/127.1.' || i / 250 % 250 || '.' || i % 250 || ':5678-' || 1000000000 + i"
                    f" || '-77', '1000000000000', 'PERSISTENT', 0 FROM generate_series(1, {size}) i",
                    "VACUUM ANALYZE t_ds_jdbc_registry_data", "CHECKPOINT")

            def check(child):
                left = workload.rows("SELECT count(*) FROM t_ds_jdbc_registry_data WHERE data_key LIKE"
                                     f" '{MARKS}/%'")[0][0]
                events = workload.rows("SELECT count(*) FROM t_ds_jdbc_registry_data_change_event"
                                       " WHERE event_type = 'DELETE'")[0][0]
                if left or events != size:
                    raise Failed(f"{left} marks left, {events} events\n{child.output[:2000]}")
                return child

            def cleaned():
                return check(self.dsfailover("clean-marks", workload=workload, registry="jdbc"))

            def deleted():
                return check(Child(*workload.script_command(statement)))

            self.table.add("clean-marks, JDBC on PostgreSQL", size,
                           *in_turn(self.options.runs, fill, cleaned, deleted),
                           "one statement that deletes all, with its events")

    def marks_on_etcd(self):
        """The floor is one range and a transaction per batch, from Python, whose time counts."""
        server = self.stack.enter_context(servers.Etcd())
        registry = registries.Etcd(server)
        living = registry.register(ALIVE)
        self.stack.callback(living.leave)
        prefix = registry.full(MARKS + "/")
        connection = http.client.HTTPConnection(server.address)
        self.stack.callback(connection.close)

        def call(method, body):
            connection.request("POST", f"/v3/{method}", json.dumps(body))
            return json.loads(connection.getresponse().read())

        def encoded(text):
            return base64.b64encode(text.encode()).decode()

        def keys():
            return call("kv/range", {"key": encoded(prefix), "range_end": encoded(prefix + "\x7f")}).get("kvs", [])

        for size in self.sizes(100_000):
            def fill():
                for first in range(0, size, ETCD_BATCH):
                    call("kv/txn", {"success": [
                        {"request_put": {"key": encoded(f"{prefix}127.1.{i // 250 % 250}.{i % 250}:5678-"
                                                        f"{1000000000 + i}-77"),
                                         "value": encoded("1000000000000")}}
                        for i in range(first, min(first + ETCD_BATCH, size))]})

            def cleaned():
                child = self.dsfailover("clean-marks", registry=registry.url)
                if keys():
                    raise Failed(f"{len(keys())} marks left\n{child.output[:2000]}")
                return child

            def deleted():
                begun = time.perf_counter()
                marks = keys()
                for first in range(0, len(marks), ETCD_BATCH):
                    batch = marks[first:first + ETCD_BATCH]
                    call("kv/txn", {
                        "compare": [{"key": each["key"], "target": "MOD", "mod_revision": each["mod_revision"]}
                                    for each in batch],
                        "success": [{"request_delete_range": {"key": each["key"]}} for each in batch]})
                seconds = time.perf_counter() - begun
                if keys():
                    raise Failed("the floor left marks")
                return seconds

            self.table.add("clean-marks, etcd", size, *in_turn(self.options.runs, fill, cleaned, deleted),
                           f"a transaction per {ETCD_BATCH} marks")

    # -- questions to masters

    def questions(self):
        """Three masters that are as quick as real ones, or as quick as they can. What is measured is the round
        alone, connecting included: the driver has nothing else to do."""
        floor = build("ask_floor", "pthread")
        request = rpc_body(args=[text64(workflowInstanceId=4711, taskInstanceId=-1)],
                           argsTypes=[stand_ins.MASTER + "transportor.TaskGroupSlotAcquireSuccessNotifyRequest"])
        reply = rpc_body(success=True, message=None, body=text64(
            success=False, message="Cannot find TaskExecutionRunnable: -1"),
            bodyType=stand_ins.MASTER + "transportor.TaskGroupSlotAcquireSuccessNotifyResponse")
        for nanoseconds, what, target in ((ANSWER_NANOSECONDS, "questions to 3 masters", 1.2),
                                          (0, "the same, masters that take no time", None)):
            masters = subprocess.Popen([floor, "serve", "3", str(nanoseconds), METHOD, reply],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.stack.callback(masters.communicate)
            ports = masters.stdout.readline().split()
            for size in (1000, 10_000):
                inquiries = [{"address": f"{servers.HOST}:{port}", "ids": list(range(1, size + 1))} for port in ports]

                def ours():
                    run = subprocess.run([self.options.ask_driver, "holds_workflow", "60000", "loopback"],
                                         input=json.dumps(inquiries), capture_output=True, text=True, check=True)
                    if any(set(each["answers"]) != {"yes"} for each in json.loads(run.stdout)):
                        raise Failed(run.stdout[:2000])
                    return float(run.stderr.split()[0])

                def bare():
                    return float(Child([floor, "ask", str(size), METHOD, request, *ports]).output)

                self.table.add(what, size, *in_turn(self.options.runs, lambda: None, ours, bare),
                               "the same frames by bare sockets", target)

    # -- nothing to do

    def start_up(self):
        workload = self.workload(PostgresqlWorkload, DurablePostgreSQL)
        info = (f"host={servers.HOST} port={workload.server.port} user={servers.USER} "
                f"password={servers.PASSWORD} dbname={workload.database}")
        runs, options = self.options.runs, self.options
        options.runs = max(runs, 15)  # each takes milliseconds
        try:
            self.table.add("completion bash", 1, *in_turn(options.runs, self.registry.clear,
                                                    lambda: Child([program.binary(), "completion", "bash"]),
                                                    lambda: Child(["/bin/true"])), "/bin/true")
            self.table.add("list-marks, none there", 1,
                           *in_turn(options.runs, self.registry.clear, lambda: self.dsfailover("list-marks"),
                                    lambda: self.registry.floor("connect")),
                           "connecting to ZooKeeper and leaving", 1.5)
            self.table.add("global, nothing to do", 1,
                           *in_turn(options.runs, self.registry.clear,
                                    lambda: self.dsfailover("global", workload=workload),
                                    lambda: self.registry.floor("connect", info)),
                           "connecting to ZooKeeper and PostgreSQL and leaving", 1.75)
        finally:
            options.runs = runs


# A master of a test cluster needed so long for an answer.
ANSWER_NANOSECONDS = 180_000
METHOD = json.dumps(stand_ins.WAKE_TASK)[1:-1]


def rpc_body(**content):
    return json.dumps(content, separators=(",", ":"))


def text64(**content):
    return base64.b64encode(rpc_body(**content).encode()).decode()


PARTS = {
    "start-up": Bench.start_up,
    "failover": Bench.failover,
    "commands": Bench.failover_among_commands,
    "finished": Bench.failover_among_finished,
    "global": Bench.global_failover,
    "requeue": Bench.requeue,
    "worker": Bench.worker,
    "look": Bench.look,
    "marks-zookeeper": Bench.marks_on_zookeeper,
    "marks-jdbc": Bench.marks_in_tables,
    "marks-etcd": Bench.marks_on_etcd,
    "questions": Bench.questions,
}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000, metavar="N",
                        help="the largest number of instances or marks (10000; everything: 1000000)")
    parser.add_argument("--finished", type=int, metavar="N",
                        help="finished instances around those to fail over (5 times --size)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each, in turn (3)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there, too")
    parser.add_argument("--part", action="append", choices=PARTS, help="measure this only; repeatable")
    parser.add_argument("--only", default="", metavar="WORD", help="of the parts on several databases: only this one")
    parser.add_argument("--ask-driver", metavar="PROGRAM", help="tests/ask_driver, for the questions")
    options = parser.parse_args()

    table = Table()
    for name in options.part or PARTS:
        print(f"\n{name}\n\n{Table.header()}", flush=True)
        # Each part has its own servers, so that none is slowed by what another left.
        with contextlib.ExitStack() as stack:
            PARTS[name](Bench(options, stack, table))
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(table.rows, indent=2) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"bench: {error}")
