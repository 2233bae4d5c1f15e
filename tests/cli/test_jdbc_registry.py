"""The JDBC registry: its change events, client rows, lock rows and their purge."""

import json
import re
import time

import pytest

from support import databases, registries
from support.cluster import (ALIVE, DAY, DEAD, HOUR, MINUTE, SECOND, Cluster, ago, now_ms, until)
from support.proxy import COMMIT, Proxy
from support.registries import LOCKS, MARKS, MASTERS, STAMPS


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def cluster(request, make_cluster):
    return make_cluster("jdbc", request.param)


def clients(cluster):
    return cluster.db.rows("SELECT * FROM t_ds_jdbc_registry_client_heartbeat ORDER BY id")


def locks(cluster):
    return cluster.db.rows("SELECT * FROM t_ds_jdbc_registry_lock ORDER BY id")


def test_every_put_and_delete_has_its_well_formed_event(cluster):
    cluster.workflow()
    old = "10.9.0.1:1-1-1"
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
        assert data["dataType"] == "PERSISTENT"
        ours.append((row["event_type"], data["dataKey"], data["dataValue"]))
    stamp, mark = str(result.master["stamp"]), str(result.master["deadline"])
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


def test_a_master_past_its_session_timeout_is_not_alive(cluster):
    """All masters died at once: nobody purged, and their rows look alive."""
    stale = cluster.register(DEAD)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?, connection_config = ?"
                       " WHERE id = ?", ago(5 * MINUTE), '{"sessionTimeout":60000}', stale.session.id)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = ? WHERE data_key = ?",
                       databases.to_text(ago(5 * MINUTE)), f"{MASTERS}/{DEAD}")
    workflow = cluster.workflow()
    result = cluster.run("global", code=0)
    cluster.assert_failed_over_once([workflow])
    assert result.master_of(DEAD)["alive"] is False


def test_a_master_without_a_client_row_is_alive_while_its_node_is_fresh(cluster):
    """After a long pause the purge took its client row; it goes on working and writing its node."""
    master = cluster.register(DEAD)
    cluster.db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", master.session.id)
    cluster.workflow()
    cluster.failover_master(code=4)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = ? WHERE data_key = ?",
                       databases.to_text(ago(2 * MINUTE)), f"{MASTERS}/{DEAD}")
    cluster.failover_master(code=0)


def test_a_client_just_past_its_time_out_is_looked_at_again(cluster):
    """Its heartbeat is one interval late, not dead."""
    master = cluster.register(DEAD)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?, connection_config = ?"
                       " WHERE id = ?", ago(61 * SECOND), '{"sessionTimeout":60000}', master.session.id)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = ? WHERE data_key = ?",
                       databases.to_text(ago(2 * MINUTE)), f"{MASTERS}/{DEAD}")
    workflow = cluster.workflow()
    run = cluster.start("failover-master", DEAD)
    time.sleep(3)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ? WHERE id = ?",
                       now_ms(), master.session.id)
    run.finish(4)
    assert cluster.state(workflow) == 1


def test_the_lock_row_of_a_dead_client_is_removed_and_reported(cluster):
    workflow = cluster.workflow()
    cluster.db.insert("t_ds_jdbc_registry_lock", lock_key=f"{LOCKS}/{DEAD}",
                      lock_owner="10.0.0.77_4711_MasterFailover-1", client_id=777)
    result = cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])
    assert "10.0.0.77_4711" in result.said and locks(cluster) == []


@pytest.mark.parametrize("tie", ["client_id", "lock_owner"])
def test_the_lock_row_of_a_living_server_without_client_row_is_not_removed(cluster, tie):
    """The purge took its client row, but its node is fresh: that holder lives."""
    master = cluster.register("10.0.0.9:5678")
    client = master.session.id if tie == "client_id" else 777
    owner = f"10.0.0.9_{master.process_id}_MasterFailover-1"
    cluster.db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", master.session.id)
    cluster.db.insert("t_ds_jdbc_registry_lock", lock_key=f"{LOCKS}/{DEAD}",
                      lock_owner=owner if tie == "lock_owner" else "x_1_t", client_id=client)
    workflow = cluster.workflow()
    result = cluster.failover_master("--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1 and len(locks(cluster)) == 1
    assert "10.0.0.9:5678" in result.said


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
    cluster.registry.put_many(MARKS, {f"10.9.{number // 250}.{number % 250}:5678-7-7": str(ago(9 * DAY))
                                      for number in range(5000)})
    with Proxy("127.0.0.1", postgresql.port) as proxy:
        def before_commits(left):
            proxy.do_before(COMMIT["postgresql"], lambda: before_commits(left - 1) if left else proxy.refuse(True))
        before_commits(3)
        url = cluster.db.url.replace(f":{postgresql.port}/", f":{proxy.port}/")
        result = cluster.run("clean-marks", options=["--registry", "jdbc", "--database", url], code=1)
    marks = result["marks"]
    assert 0 < marks["removed"] == 5000 - len(cluster.registry.marks()) < 5000
    assert marks["examined"] == marks["removed"] + marks["failed"]
