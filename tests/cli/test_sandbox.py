"""The sandbox: a whole cluster in one file, to rehearse on."""

import json
import sqlite3

import pytest

from support import program
from support.cluster import HOUR, ago
from support.databases import Sqlite, to_text

NO_WAIT = {"DSFAILOVER_GRACE": "0s"}


@pytest.fixture
def sandbox(tmp_path):
    path = tmp_path / "sandbox.db"
    program.run("sandbox", "create", path, code=0)
    return path


def run(path, *arguments, **options):
    return program.run(*arguments, "--database", f"sqlite:{path}", "--registry", "jdbc",
                       environment=NO_WAIT, **options)


def rows(path, sql):
    db = Sqlite(path)
    try:
        return db.rows(sql)
    finally:
        db.close()


def dump_of(path):
    """Every row, but not how many ids were handed out: a lock row comes and goes."""
    return [line for line in sqlite3.connect(path).iterdump() if "sqlite_sequence" not in line]


def masters(path):
    """(living, dead) master addresses, by the registry's own rules: a client's heartbeat."""
    import time
    clients = {row["id"]: row for row in rows(path, "SELECT * FROM t_ds_jdbc_registry_client_heartbeat")}
    living = set()
    for row in rows(path, "SELECT * FROM t_ds_jdbc_registry_data WHERE data_key LIKE '/nodes/master/%'"):
        client = clients.get(row["client_id"])
        timeout = client and json.loads(client["connection_config"])["sessionTimeout"]
        if client and client["last_heartbeat_time"] + timeout > time.time() * 1000:
            living.add(row["data_key"].rpartition("/")[2])
    hosts = {row["host"] for row in rows(path, "SELECT DISTINCT host FROM t_ds_workflow_instance"
                                               " WHERE state IN (1, 2, 4) AND host IS NOT NULL")}
    return living, hosts - living


def test_it_is_a_small_believable_cluster(sandbox):
    living, dead = masters(sandbox)
    assert len(living) == 1 and len(dead) == 1
    [dead_master] = dead
    states = {row["state"] for row in
              rows(sandbox, f"SELECT state FROM t_ds_workflow_instance WHERE host = '{dead_master}'")}
    assert {1, 2, 4} < states
    assert rows(sandbox, "SELECT id FROM t_ds_command")
    assert rows(sandbox, "SELECT id FROM t_ds_task_instance")
    marks = rows(sandbox, "SELECT data_value FROM t_ds_jdbc_registry_data"
                          " WHERE data_key LIKE '/nodes/failover-finish-nodes/%'")
    assert any(not row["data_value"].isdigit() for row in marks)  # a broken one
    workers = rows(sandbox, "SELECT data_key FROM t_ds_jdbc_registry_data WHERE data_key LIKE '/nodes/worker/%'")
    assert workers


def test_create_refuses_a_file_that_exists(sandbox, tmp_path):
    before = sandbox.read_bytes()
    result = program.run("sandbox", "create", sandbox)
    assert result.code in (1, 2, 6) and str(sandbox) in result.said
    assert sandbox.read_bytes() == before
    text = tmp_path / "text"
    text.write_text("mine")
    assert program.run("sandbox", "create", text).code in (1, 2, 6)
    assert text.read_text() == "mine"


def test_create_names_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "no" / "such" / "sandbox.db"
    result = program.run("sandbox", "create", path)
    assert result.code in (1, 2, 6) and str(path) in result.said


def test_show_prints_the_same_twice_and_changes_nothing(sandbox):
    before = dump_of(sandbox)
    first = program.run("sandbox", "show", sandbox, code=0)
    second = program.run("sandbox", "show", sandbox, code=0)
    assert first.stdout and _timeless(first) == _timeless(second)
    assert dump_of(sandbox) == before
    table = program.run("sandbox", "show", sandbox, "--format", "table", code=0)
    assert table.stdout and not table.stdout.startswith("{")


def _timeless(result):
    return {key: value for key, value in result.report.items()
            if key not in ("started_at", "finished_at", "duration_ms")}


def test_show_shows_rows_that_somebody_spoilt_as_they_stand(sandbox):
    with sqlite3.connect(sandbox) as connection:
        connection.execute("UPDATE t_ds_workflow_instance SET state = 77, start_time = 'noon' WHERE id = 7")
    result = program.run("sandbox", "show", sandbox, code=0)
    [spoilt] = [each for each in json.loads(result.stdout)["sandbox"]["workflows"] if each["id"] == 7]
    assert spoilt["state"] == "77" and spoilt["start_time"] == "noon"


def test_the_dead_master_is_failed_over_and_a_second_run_touches_nothing(sandbox):
    _, [dead] = masters(sandbox)
    unfinished = {row["id"]: row["state"] for row in rows(
        sandbox, f"SELECT id, state FROM t_ds_workflow_instance WHERE host = '{dead}' AND state IN (1, 2, 4)")}
    before = {row["id"] for row in rows(sandbox, "SELECT id FROM t_ds_command")}
    first = run(sandbox, "failover-master", dead, code=3)  # one is in doubt
    assert first.workflows["skipped"] == {"in_doubt": 1, "running_elsewhere": 1}
    after = {row["id"]: row["state"] for row in rows(sandbox, "SELECT id, state FROM t_ds_workflow_instance")}
    failed_over = {w for w in unfinished if after[w] == 18}
    assert len(failed_over) == len(unfinished) - 2 == first.workflows["failed_over"]
    new = [row for row in rows(sandbox, "SELECT * FROM t_ds_command") if row["id"] not in before]
    assert sorted(row["workflow_instance_id"] for row in new) == sorted(failed_over)
    assert rows(sandbox, f"SELECT data_value FROM t_ds_jdbc_registry_data WHERE data_key = "
                         f"'/nodes/failover-finish-nodes/{dead}-unknown-unknown'")[0]["data_value"] == str(
                             first.master["deadline"])

    dump = dump_of(sandbox)
    second = run(sandbox, "failover-master", dead, code=3)
    assert second.workflows["failed_over"] == 0
    assert dump_of(sandbox) == dump


def changed(before, after):
    """{id: {field: (before, after)}} of the rows that differ."""
    old = {row["id"]: row for row in before}
    assert set(old) <= {row["id"] for row in after}, "rows went away"
    differences = {row["id"]: {key: (old.get(row["id"], {}).get(key), value)
                               for key, value in row.items()
                               if old.get(row["id"], {}).get(key) != value} for row in after}
    return {key: fields for key, fields in differences.items() if fields}


def test_show_shows_what_a_failover_did_and_that_it_did_nothing_else(sandbox):
    _, [dead] = masters(sandbox)
    before = program.run("sandbox", "show", sandbox, code=0)["sandbox"]
    report = run(sandbox, "failover-master", dead, code=3)
    after = program.run("sandbox", "show", sandbox, code=0)["sandbox"]

    # 1 runs elsewhere, 7 is in doubt, 15 to 17 were failed over before, 18 had not started.
    assert report.items("id", "reason") >= {(1, "running_elsewhere"), (7, "in_doubt")}
    workflows = changed(before["workflows"], after["workflows"])
    assert set(workflows) == {8, 9, 10, 11, 12}
    for fields in workflows.values():
        # The one master that lives becomes their host.
        assert set(fields) == {"state", "restart_time", "host"}
        assert fields["host"] == (dead, report.master["new_host"])
        assert fields["state"][1] == "FAILOVER" and fields["restart_time"][0] is None
    commands = changed(before["commands"], after["commands"])
    assert {fields["workflow_instance_id"] for fields in commands.values()} == {
        (None, each) for each in workflows}
    assert [node for node in after["marks"] if node not in before["marks"]] == [
        {"name": f"{dead}-unknown-unknown", "value": report.master["mark"]["value"]}]
    assert {each["name"] for each in after["stamps"]} == {dead, report.master["new_host"]}
    for stamps in after["stamps"]:
        assert stamps["value"].startswith(f"{report.master['stamp']}|UTC|")
    for unchanged in ("tasks", "error_commands", "locks", "servers"):
        assert after[unchanged] == before[unchanged]


@pytest.mark.parametrize("content", [b"", b"no database " * 100])
def test_show_refuses_what_is_no_sandbox(tmp_path, content):
    path = tmp_path / "other.db"
    path.write_bytes(content)
    assert str(path) in program.run("sandbox", "show", path, code=6).said
    assert path.read_bytes() == content


def test_the_living_master_is_refused(sandbox):
    [living], _ = masters(sandbox)
    dump = dump_of(sandbox)
    run(sandbox, "failover-master", living, code=4)
    assert dump_of(sandbox) == dump


@pytest.mark.parametrize("client", ["no time-out of its own", "purged, and the node is written on"])
def test_show_and_status_say_the_same_of_who_lives(sandbox, client):
    db = Sqlite(sandbox)
    node, = db.rows("SELECT * FROM t_ds_jdbc_registry_data WHERE data_key = '/nodes/master/127.0.1.2:5678'")
    if client == "no time-out of its own":
        db.execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET connection_config = '{}', last_heartbeat_time = ?"
                   " WHERE id = ?", ago(HOUR), node["client_id"])
        db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = '2026-01-01 00:00:00.000' WHERE id = ?",
                   node["id"])
    else:
        db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", node["client_id"])
        db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = ? WHERE id = ?", to_text(ago(0)), node["id"])
    db.close()
    living = {server["address"] for kind in ("masters", "workers")
              for server in run(sandbox, "status", code=0)[kind]}
    shown = program.run("sandbox", "show", sandbox, code=0)["sandbox"]["servers"]
    assert {server["address"] for server in shown if server["alive"]} == living
    assert "127.0.1.2:5678" in living  # its reportTime is of now


def test_global_and_the_marks_commands(sandbox):
    _, [dead] = masters(sandbox)
    listed = run(sandbox, "list-marks", code=(0, 3))
    assert listed["marks"]["examined"] >= 3
    cleaned = run(sandbox, "clean-marks", code=3)  # the broken one
    assert cleaned["marks"]["removed"] >= 1 and cleaned["marks"]["failed"] >= 1
    result = run(sandbox, "global", code=3)
    assert result.master_of(dead)["workflows"]["failed_over"] >= 3


def test_the_dead_worker(sandbox):
    dead_workers = {row["host"] for row in rows(
        sandbox, "SELECT DISTINCT host FROM t_ds_task_instance WHERE state IN (1, 17) AND flag = 1")}
    results = [run(sandbox, "failover-worker", worker, "--dry-run") for worker in sorted(filter(None, dead_workers))]
    assert any(result.code != 4 and result["worker"]["tasks"]["selected"] > 0 for result in results)


def test_nothing_of_ours_stays_in_the_registry(sandbox):
    _, [dead] = masters(sandbox)
    clients = rows(sandbox, "SELECT id FROM t_ds_jdbc_registry_client_heartbeat ORDER BY id")
    locks = rows(sandbox, "SELECT id FROM t_ds_jdbc_registry_lock ORDER BY id")
    run(sandbox, "failover-master", dead, code=3)
    assert rows(sandbox, "SELECT id FROM t_ds_jdbc_registry_client_heartbeat ORDER BY id") == clients
    assert rows(sandbox, "SELECT id FROM t_ds_jdbc_registry_lock ORDER BY id") == locks


def test_without_registry_option_a_sandbox_file_is_not_guessed(sandbox):
    """It never makes a registry up."""
    _, [dead] = masters(sandbox)
    result = program.run("failover-master", dead, "--database", f"sqlite:{sandbox}", code=2)
    assert "--registry" in result.said
