"""The rights that docs/rights.md names, as they stand there: those of looking are enough to look, those of acting to act, and
without them nothing is begun."""

import contextlib
import itertools
import pathlib
import re

import pytest

from support import servers
from support.cluster import DAY, DEAD, DEAD_WORKER, HOUR, OTHER_DEAD, Cluster, ago
from support.databases import Sqlite
from support.registries import MARKS, MASTERS, Etcd

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "rights.md"
LOOK, ACT = "dsfailover_look", "dsfailover"
PASSWORD = servers.PASSWORD  # is looked for in all that a run prints
_numbers = itertools.count(1)


def blocks(heading):
    """The statements below a heading of the page, block by block."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)


def looks(workflow):
    """Every command that only looks."""
    return [("status",), ("explain", workflow), ("list-marks",), ("clean-marks", "--dry-run"),
            *((*command, "--dry-run") for command in acts(workflow))]


def acts(workflow):
    """Every command that writes to the workflow tables."""
    return [("failover-master", DEAD), ("failover-worker", DEAD_WORKER), ("failover-workflow", workflow), ("global",),
            ("requeue",), ("finish", workflow, "--as", "stop"), ("rehost", "--ask-timeout", "1s")]


class Users:
    """A cluster in which the page's users have the page's rights."""

    def __init__(self, cluster, heading):
        self.cluster, server = cluster, cluster.db.server
        number = next(_numbers)
        # Two tables that DolphinScheduler has, and most tests do without.
        cluster.db.execute("CREATE TABLE t_ds_task_group_queue (id integer PRIMARY KEY, task_id integer)")
        cluster.db.execute("CREATE TABLE t_ds_worker_group (id integer PRIMARY KEY, name varchar(255), addr_list text)")
        self._names = {LOOK: f"look_{number}", ACT: f"act_{number}"}
        statements = "".join(blocks(heading)[:4 if cluster.registry.type == "jdbc" else 2])
        statements = re.sub(rf"\b{LOOK}\b", self._names[LOOK], statements)
        statements = re.sub(rf"\b{ACT}\b", self._names[ACT], statements)
        statements = re.sub(r"\bdolphinscheduler\b", cluster.db.database, statements).replace("CHANGE-ME", PASSWORD)
        self._admin = server.admin(cluster.db.database)
        with self._admin.cursor() as cursor:
            for statement in filter(str.strip, statements.split(";")):
                cursor.execute(statement.replace("%", "%%") if server.type == "postgresql" else statement)

    def run(self, user, *arguments, **options):
        db = self.cluster.db
        database = f"{db.server.scheme}://{self._names[user]}@{db.server.address}/{db.database}"
        return self.cluster.run(*arguments, options=["--registry", self.cluster.registry.url, "--database", database], **options)

    def revoke(self, right, table):
        """From both: on PostgreSQL one has its rights by being a member of the other."""
        for user in self._names:
            self._change(f"REVOKE {right} ON {table} FROM", user)

    @contextlib.contextmanager
    def without(self, right, table):
        self._change(f"REVOKE {right} ON {table} FROM", ACT)
        yield
        self._change(f"GRANT {right} ON {table} TO", ACT)

    def _change(self, statement, user):
        name = self._names[user]
        with self._admin.cursor() as cursor:
            cursor.execute(f"{statement} {name}" + ("" if self.cluster.db.server.type == "postgresql" else "@'%'"))

    def close(self):
        with self._admin.cursor() as cursor:
            for name in reversed(self._names.values()):
                if self.cluster.db.server.type == "postgresql":
                    cursor.execute(f"DROP OWNED BY {name}")
                    cursor.execute(f"DROP ROLE {name}")
                else:
                    cursor.execute(f"DROP USER {name}@'%'")
        self._admin.close()


@pytest.fixture(params=[("zookeeper", "postgresql"), ("jdbc", "postgresql"), ("zookeeper", "mariadb"), ("jdbc", "mariadb")],
                ids="-".join)
def users(request, make_cluster):
    made = Users(make_cluster(*request.param), {"postgresql": "PostgreSQL", "mariadb": "MariaDB and MySQL"}[request.param[1]])
    yield made
    made.close()


def what_there_is_to_do(cluster):
    """Something for every command; returns the workflow of a dead master."""
    workflow = cluster.workflow()
    of_worker = cluster.workflow(host=cluster.alive.address, start=ago(2 * HOUR))
    cluster.task(of_worker)
    cluster.task(cluster.workflow(host=OTHER_DEAD, start=ago(2 * HOUR)))
    cluster.workflow(state=18, restart=ago(HOUR))
    cluster.command(cluster.workflow(state=18), update_time="2026-01-01 00:00:00", start_time="2026-01-01 00:00:00")
    cluster.registry.mark("127.9.0.1:1-1-1", ago(9 * DAY))
    return workflow


def test_looking_takes_the_rights_of_looking(users):
    workflow = what_there_is_to_do(users.cluster)
    with users.cluster.nothing_changes():
        for command in looks(workflow):
            result = users.run(LOOK, *command, code=(0, 3, 4))
            assert "denied" not in result.said, result


def test_acting_takes_more_and_begins_nothing_without_it(users):
    workflow = what_there_is_to_do(users.cluster)
    with users.cluster.nothing_changes():
        for command in acts(workflow):
            result = users.run(LOOK, *command, code=6)
            assert "docs/rights.md" in result.said and "denied" in result.said, result
            assert "t_ds_" in " ".join(result["errors"])
        if users.cluster.registry.type == "jdbc":
            assert "t_ds_jdbc_registry" in str(users.run(LOOK, "clean-marks", code=3).report["marks"])


def test_acting_takes_the_rights_of_acting(users):
    cluster = users.cluster
    workflow = what_there_is_to_do(cluster)
    results = {command[0]: users.run(ACT, *command, code=(0, 3, 4)) for command in
               [("failover-master", DEAD), ("failover-worker", DEAD_WORKER, "--wait", "0s"), ("requeue",), ("clean-marks",),
                *acts(workflow)[2:4], *acts(workflow)[5:]]}
    for result in results.values():
        assert "denied" not in result.said and "is unknown" not in result.said, result
    cluster.assert_failed_over_once([workflow])
    assert results["failover-master"]["masters"][0]["mark"]["written"] and results["clean-marks"]["marks"]["removed"] == 1
    assert results["requeue"]["workflows"]["requeued"] >= 1
    unfinished = cluster.workflow(host="127.0.1.77:5678", start=ago(2 * DAY))
    cluster.task(unfinished, submit=ago(2 * DAY), start=ago(2 * DAY))
    ended = users.run(ACT, "finish", unfinished, "--as", "stop", "--idle", "1h", "--tasks", code=0)
    assert ended["workflows"]["items"][0]["outcome"] == "finished" and cluster.state(unfinished) == 5


@pytest.mark.parametrize("users", [("zookeeper", "postgresql"), ("zookeeper", "mariadb")], ids="-".join, indirect=True)
def test_each_right_of_acting_is_asked_for(users):
    with users.cluster.nothing_changes():
        for right, table in [("UPDATE", "t_ds_workflow_instance"), ("UPDATE", "t_ds_task_instance"), ("INSERT", "t_ds_task_instance"),
                             ("INSERT", "t_ds_command"), ("DELETE", "t_ds_command")]:
            with users.without(right, table):
                result = users.run(ACT, "global", code=6)
            assert table in result.said and "docs/rights.md" in result.said, result
        users.run(ACT, "global", code=0)


def test_a_table_that_may_not_be_read_is_not_taken_for_one_that_is_absent(users):
    cluster, hidden = users.cluster, "t_ds_relation_workflow_instance"
    child = cluster.workflow(is_sub_workflow=1)
    cluster.db.insert(hidden, parent_workflow_instance_id=cluster.workflow(), parent_task_instance_id=1, workflow_instance_id=child)
    users.revoke("SELECT", hidden)
    with cluster.nothing_changes():
        for command in [("failover-master", DEAD), ("global",), ("failover-master", DEAD, "--dry-run"), ("explain", child)]:
            result = users.run(ACT, *command, code=6)
            assert hidden in " ".join(result["errors"]) and "denied" in result.said, result


def test_etcd(tmp_path):
    with servers.Etcd() as server:
        cluster = Cluster(Etcd(server), Sqlite(tmp_path / "ds.db"))
        workflow = what_there_is_to_do(cluster)
        for line in "".join(blocks("etcd")).splitlines():
            line = line.replace("dolphinscheduler/", f"{cluster.registry.namespace}/").replace("CHANGE-ME", PASSWORD)
            server.etcdctl(*line.split()[1:])
        server.etcdctl("user", "add", "root:root")
        server.etcdctl("user", "grant-role", "root", "root")
        server.etcdctl("auth", "enable")
        password = tmp_path / "password"
        password.write_text(PASSWORD)
        password.chmod(0o600)

        def run(user, *arguments, **options):
            return cluster.run(*arguments, "--registry-user", user, "--registry-password-file", password, **options)

        def keys():
            return server.etcdctl("--user", "root:root", "get", "--prefix", cluster.registry.namespace)

        before = keys()
        for command in looks(workflow):
            assert "denied" not in run(LOOK, *command, code=(0, 3, 4)).said
        for command in [*acts(workflow)[:4], ("requeue",), ("clean-marks",)]:
            result = run(LOOK, *command, code=(1, 3, 6))
            assert "permission denied" in str(result.report) and server.address in str(result.report), result
        assert keys() == before and cluster.state(workflow) == 1
        assert run(ACT, "failover-master", DEAD, code=0).workflows["failed_over"] == 1
        assert run(ACT, "clean-marks", code=0)["marks"]["removed"] == 1
        for command in (("failover-worker", DEAD_WORKER, "--wait", "0s"), ("requeue",), ("global",)):
            assert "denied" not in run(ACT, *command, code=(0, 3)).said


def test_zookeeper_s_digest(make_cluster, zookeeper, tmp_path):
    """Nodes as masters with a digest make them: for the creator alone."""
    from kazoo.client import KazooClient
    from kazoo.security import CREATOR_ALL_ACL
    cluster = make_cluster()
    workflow = what_there_is_to_do(cluster)
    namespace = f"{cluster.registry.namespace}-digest"
    masters = KazooClient(zookeeper.address, auth_data=[("digest", f"ds:{PASSWORD}")])
    masters.start()
    for path in ("", "/nodes", MASTERS, "/nodes/worker", MARKS, "/lock", "/lock/master-failover"):
        masters.create(namespace + path, b"", acl=CREATOR_ALL_ACL)
    masters.create(f"{namespace}{MASTERS}/{cluster.alive.address}", cluster.registry.get(cluster.alive.path).encode(),
                   acl=CREATOR_ALL_ACL, ephemeral=True)
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(PASSWORD)
    wrong.write_text("another")
    for file in (right, wrong):
        file.chmod(0o600)

    def run(password, *arguments, **options):
        login = ["--registry-user", "ds", "--registry-password-file", password] if password else []
        return cluster.run(*arguments, *login, options=["--registry", zookeeper.url(namespace), "--database", cluster.db.url],
                           **options)

    for password in (None, wrong):
        for command in (("status",), ("list-marks",), ("failover-master", DEAD)):
            result = run(password, *command, code=6)
            assert f"{namespace}{MASTERS}" in result.said and "--registry-password-file" in result.said, result
    assert cluster.state(workflow) == 1
    for command in looks(workflow):
        run(right, *command, code=(0, 3, 4))
    assert run(right, "failover-master", DEAD, code=0).workflows["failed_over"] == 1
    masters.stop()
    masters.close()
