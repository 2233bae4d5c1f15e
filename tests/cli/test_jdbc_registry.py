"""The JDBC registry: its change events, client rows, lock rows and their purge."""

import json
import re
import threading
import time

import pytest

from support import databases, registries
from support.cluster import (ALIVE, DAY, DEAD, HOUR, MINUTE, SECOND, Cluster, ago, now_ms, until)
from support.proxy import COMMIT, Proxy
from support.registries import LOCKS, MARKS, MASTERS, RUNS, STAMPS


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def cluster(request, make_cluster):
    return make_cluster("jdbc", request.param)


def clients(cluster):
    return cluster.db.rows("SELECT * FROM t_ds_jdbc_registry_client_heartbeat ORDER BY id")


def locks(cluster):
    return cluster.db.rows("SELECT * FROM t_ds_jdbc_registry_lock ORDER BY id")


def test_every_put_and_delete_has_its_well_formed_event(cluster):
    cluster.workflow()
    old = "127.9.0.1:1-1-1"
    cluster.registry.mark(old, ago(9 * 24 * HOUR))
    result = cluster.failover_master(code=0)
    cluster.run("clean-marks", code=0)
    raw = cluster.db.rows("SELECT * FROM t_ds_jdbc_registry_data_change_event ORDER BY id")
    ours = []
    for row in raw:
        text = row["jdbc_registry_data"]
        data = json.loads(text)
        assert list(data) == ["id", "dataKey", "dataValue", "dataType", "clientId", "createTime", "lastUpdateTime"]
        assert json.dumps(data, separators=(",", ":"), ensure_ascii=False) == text  # compact, as Jackson writes it
        for time_of in ("createTime", "lastUpdateTime"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", data[time_of]), data
        assert data["dataType"] == ("EPHEMERAL" if data["dataKey"].startswith(f"{RUNS}/") else "PERSISTENT")
        ours.append((row["event_type"], data["dataKey"], data["dataValue"]))
    mark = str(result.master["deadline"])
    stamp = f"{result.master['stamp']}|UTC|{ALIVE}@{cluster.alive.startup_time}"
    written = [event for event in ours if event[1].startswith((f"{MARKS}/", f"{STAMPS}/"))]
    assert written[:2] == [("ADD", f"{STAMPS}/{DEAD}", stamp), ("ADD", f"{MARKS}/{DEAD}-unknown-unknown", mark)]
    assert [(kind, key) for kind, key, _ in written[2:]] == [("DELETE", f"{MARKS}/{old}")]
    # The row that the event speaks of is the row that stands there.
    row = cluster.db.row("SELECT * FROM t_ds_jdbc_registry_data WHERE data_key = ?", f"{MARKS}/{DEAD}-unknown-unknown")
    data = next(json.loads(each["jdbc_registry_data"]) for each in raw
                if json.loads(each["jdbc_registry_data"])["dataKey"] == row["data_key"])
    assert (data["id"], data["clientId"]) == (row["id"], row["client_id"])
    assert row["data_type"] == "PERSISTENT"


def test_a_second_failover_updates_the_mark_with_an_update_event(cluster):
    cluster.workflow()
    cluster.failover_master(code=0)
    time.sleep(1.5)  # past MySQL's rounding, here and below
    newer = cluster.workflow(start=now_ms())
    time.sleep(1.5)
    cluster.failover_master(code=(0, 3))
    cluster.assert_failed_over_once([newer])
    kinds = [event["type"] for event in cluster.registry.events()
             if event["dataKey"] == f"{MARKS}/{DEAD}-unknown-unknown"]
    assert kinds == ["ADD", "UPDATE"]


def test_nothing_of_ours_stays(cluster):
    before_clients, before_locks = clients(cluster), locks(cluster)
    cluster.workflow()
    cluster.failover_master(code=0)
    assert clients(cluster) == before_clients and locks(cluster) == before_locks


def test_our_client_is_fresh_and_the_lock_is_its_own_while_we_run(cluster):
    cluster.workflow()
    known = {client["id"] for client in clients(cluster)}
    lock = cluster.registry.lock(DEAD).wait()
    known.add(lock.session.id)
    run = cluster.start("failover-master", DEAD)
    [client] = until(lambda: [c for c in clients(cluster) if c["id"] not in known])
    assert re.fullmatch(r"[0-9a-fA-F.:]+_\d+", client["client_name"])
    assert json.loads(client["connection_config"]) == {"sessionTimeout": 10000}
    time.sleep(7)
    [later] = [c for c in clients(cluster) if c["id"] == client["id"]]
    assert later["last_heartbeat_time"] > client["last_heartbeat_time"]
    assert now_ms() - later["last_heartbeat_time"] < 6 * SECOND
    lock.release()
    run.finish(0)
    assert client["id"] not in {c["id"] for c in clients(cluster)}


def test_reading_writes_nothing_not_even_a_client(cluster):
    cluster.workflow()
    with cluster.nothing_changes():
        cluster.run("list-marks", code=0)
        cluster.run("global", "--dry-run", code=0)
        cluster.failover_master(address=ALIVE, code=4)


def beat(cluster, server, age):
    """The heartbeat in the node of a server, `age` old by its own clock; its row's times are of New York."""
    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET data_value = ?, last_update_time = ? WHERE data_key = ?",
                       registries.heartbeat(server.address, server.startup_time, server.process_id,
                                            report_time=ago(age)),
                       databases.to_text(ago(5 * HOUR)), server.path)


def beat_client(cluster, server, age):
    cluster.db.execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?,"
                       " connection_config = ? WHERE id = ?", ago(age), '{"sessionTimeout":60000}', server.session.id)


class Beating:
    """Writes a heartbeat every second, of a clock that is behind."""

    def __init__(self, write):
        self._write, self._stop = write, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        while not self._stop.wait(1):
            self._write()

    def __enter__(self):
        self._write()
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def test_a_master_without_a_client_row_is_alive_by_what_it_reports(cluster):
    """After a long pause the purge took its client row; it goes on working and writing its node, in
    its own zone."""
    master = cluster.register(DEAD)
    cluster.db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", master.session.id)
    beat(cluster, master, 20 * SECOND)
    workflow = cluster.workflow()
    assert cluster.failover_master(code=4).seconds < 6
    assert cluster.state(workflow) == 1


def test_a_living_master_whose_clock_is_behind(cluster):
    """Both its heartbeats look dead, and move: seen so by whoever looks, and its lock is its own."""
    master = cluster.register(DEAD)
    workflow = cluster.workflow(start=ago(MINUTE))

    def write():
        beat_client(cluster, master, 70 * SECOND)

    beat(cluster, master, 70 * SECOND)
    with Beating(write):
        cluster.failover_master(code=4)
        assert cluster.failover_master("--dry-run", code=4).seconds < 8
        status = cluster.run("status", code=0)
        assert DEAD in [each["address"] for each in status["masters"]]
        assert DEAD not in [each["address"] for each in status["needs_failover"]]
    assert cluster.state(workflow) == 1


def test_the_lock_of_a_living_holder_whose_clock_is_behind(cluster):
    holder = cluster.registry.lock(DEAD).wait()
    workflow = cluster.workflow()
    with Beating(lambda: cluster.db.execute(
            "UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?, connection_config = ?"
            " WHERE id = ?", ago(70 * SECOND), '{"sessionTimeout":60000}', holder.session.id)):
        result = cluster.failover_master("--lock-timeout", "14s", code=5)
    assert len(locks(cluster)) == 1 and cluster.state(workflow) == 1
    assert holder.session.name in result.said


def test_dead_servers_are_looked_at_together_and_once(cluster):
    """Two masters and a worker that nobody purged; status and dry runs look as patiently."""
    dead = [cluster.register(DEAD), cluster.register("127.0.1.3:5678"), cluster.register("127.0.2.7:1234", worker=True)]
    for server in dead:
        beat_client(cluster, server, 5 * MINUTE)
        beat(cluster, server, 5 * MINUTE)
    cluster.db.insert("t_ds_jdbc_registry_lock", lock_key=f"{LOCKS}/{DEAD}",
                      lock_owner="127.0.1.77_4711_MasterFailover-1", client_id=dead[0].session.id)
    workflow = cluster.workflow()
    runs = [cluster.start("status"), cluster.start("failover-master", DEAD, "--dry-run")]
    for run in runs:
        result = run.finish(0)
        assert 11 < result.seconds < 20
    assert result.workflows["selected"] == 1
    result = cluster.run("global", code=0)
    cluster.assert_failed_over_once([workflow])
    assert result.master_of(DEAD)["alive"] is False and locks(cluster) == []
    assert "127.0.1.77_4711" in result.said
    assert 11 < result.seconds < 30


def test_hosts_that_differ_only_in_case_are_named(make_cluster):
    cluster = make_cluster("jdbc", "mariadb")
    for table in ("data", "lock"):
        cluster.db.execute(f"ALTER TABLE t_ds_jdbc_registry_{table} CONVERT TO CHARACTER SET utf8mb4"
                           " COLLATE utf8mb4_general_ci")
    upper, lower = cluster.workflow(host="Ds-1.invalid:5678"), cluster.workflow(host="ds-1.invalid:5678")
    other = cluster.workflow(host="ds-2.invalid:5678")
    result = cluster.run("global", code=5)
    cluster.assert_failed_over_once([upper, other])
    assert cluster.state(lower) == 1 and result.seconds < 15
    [error] = [each for each in result["errors"] if "utf8mb4_bin" in each]
    assert "Ds-1.invalid:5678" in error and "ds-1.invalid:5678" in error
    # The lock is free now, the stamps are still the other's.
    result = cluster.run("failover-master", "ds-1.invalid:5678", code=5)
    assert "Ds-1.invalid:5678" in result.said and "utf8mb4_bin" in result.said and cluster.state(lower) == 1


@pytest.mark.parametrize("tie", ["client_id", "lock_owner"])
def test_the_lock_row_of_a_living_server_without_client_row_is_not_removed(cluster, tie):
    """The purge took its client row, but its node is fresh: that holder lives."""
    master = cluster.register("127.0.1.9:5678")
    client = master.session.id if tie == "client_id" else 777
    owner = f"127.0.1.9_{master.process_id}_MasterFailover-1"
    cluster.db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", master.session.id)
    cluster.db.insert("t_ds_jdbc_registry_lock", lock_key=f"{LOCKS}/{DEAD}",
                      lock_owner=owner if tie == "lock_owner" else "x_1_t", client_id=client)
    workflow = cluster.workflow()
    result = cluster.failover_master("--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1 and len(locks(cluster)) == 1
    assert "127.0.1.9:5678" in result.said


def test_a_lock_row_lost_to_the_purge_is_noticed_before_the_next_commit(cluster):
    if cluster.db.type == "sqlite":
        pytest.skip("the one file cannot be held still while a row of it is deleted")
    workflows = cluster.workflows(5)
    # Somebody holds one of the rows, so that the run waits with its lock taken and nothing committed.
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute("UPDATE t_ds_workflow_instance SET var_pool = var_pool WHERE id = ?", workflows[0])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    time.sleep(0.5)
    assert cluster.db.execute("DELETE FROM t_ds_jdbc_registry_lock WHERE lock_key = ?", f"{LOCKS}/{DEAD}") == 1
    holder.execute("ROLLBACK")
    run.finish(5)
    assert set(cluster.states(workflows).values()) == {1} and not cluster.commands()
    assert cluster.registry.marks() == {}
    holder.close()


def test_the_registry_in_another_database(request, make_cluster, postgresql, mariadb):
    """Workflows in PostgreSQL, registry in MariaDB."""
    cluster = make_cluster("jdbc", "postgresql")
    other = databases.on(mariadb)
    registry = registries.Jdbc(other, url=other.url)
    here = registry.register(ALIVE)
    workflow = cluster.workflow()
    result = cluster.run("failover-master", DEAD, code=0,
                         options=["--registry", other.url, "--database", cluster.db.url],
                         environment={"DSFAILOVER_REGISTRY_PASSWORD": other.password})
    cluster.assert_failed_over_once([workflow])
    assert registry.get(f"{MARKS}/{DEAD}-unknown-unknown") == str(result.master["deadline"])
    assert cluster.registry.marks() == {}
    here.leave()
    registry.close()


def test_no_registry_tables_there(cluster):
    cluster.db.execute("DROP TABLE t_ds_jdbc_registry_lock")
    cluster.workflow()
    result = cluster.failover_master(code=6)
    assert "t_ds_jdbc_registry_lock" in result.said


def test_a_killed_run_bars_the_next_one_only_briefly(cluster):
    workflows = cluster.workflows(5000)
    run = cluster.start("failover-master", DEAD)
    until(lambda: locks(cluster) or not run.running())
    run.kill()
    result = cluster.failover_master(code=0, timeout=60)
    assert result.seconds < 25
    cluster.assert_failed_over_once(workflows)


def test_gone_while_marks_are_removed(make_cluster, postgresql):
    """What was removed before is in the report, and the rest is not tried."""
    cluster = make_cluster("jdbc", "postgresql")
    cluster.registry.put_many(MARKS, {f"127.9.{number // 250}.{number % 250}:5678-7-7": str(ago(9 * DAY))
                                      for number in range(5000)})
    with Proxy("127.0.0.1", postgresql.port) as proxy:
        def before_commits(left):
            proxy.do_before(COMMIT["postgresql"], lambda: before_commits(left - 1) if left else proxy.refuse(True))
        before_commits(1)
        url = cluster.db.url.replace(f":{postgresql.port}/", f":{proxy.port}/")
        result = cluster.run("clean-marks", options=["--registry", "jdbc", "--database", url], code=1)
    marks = result["marks"]
    assert 0 < marks["removed"] == 5000 - len(cluster.registry.marks()) < 5000
    assert marks["examined"] == marks["removed"] + marks["failed"]
