"""Names and values that want to be SQL, escape sequences, another encoding, or simply large: they are texts, in reports,
on terminals and on the way back to the server."""

import base64

import pytest

from support.cluster import DAY, HOUR, ago
from support.registries import MARKS, MASTERS

MEGABYTE = 1 << 20
NAMES = ["'; DROP TABLE t_ds_command; --", "\"; DELETE FROM t_ds_workflow_instance; --", "\\'; SELECT pg_sleep(60); --",
         "\x1b[2J\x1b]0;owned\x07", "\x9b31m\x7f", "line\nbreak\ttab\r", "%s%n%p {} {0} {:d}", "$(reboot) `id` ${HOME}",
         "\u202etxt.exe \u2028 \ufeff", "<script>alert(1)</script> & \"'", "ÿ☃𝄞", "?" * 200]
VALUES = ["{", "[" * 100_000, '{"processId": 1e400, "startupTime": -1, "serverStatus": 7}', "null", "7",
          '{"startupTime": "%s"}' % ("9" * 5000), '{"host": {"a": [1]}, "port": "x"}', "\x1b[2J", "x" * (MEGABYTE - 1000)]


@pytest.fixture(params=[("zookeeper", "mariadb"), ("etcd", "sqlite"), ("jdbc", "postgresql")], ids="-".join)
def cluster(request, make_cluster):
    return make_cluster(*request.param)


def assert_harmless(text):
    """Nothing that a terminal obeys."""
    assert [c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160] == []


def looks(cluster, *arguments):
    """Runs it as JSON and as a table; returns the report."""
    result = cluster.run(*arguments, code=(0, 3))
    assert_harmless(result.stdout + result.stderr)
    table = cluster.run(*arguments, "--format", "table", "--utc", code=result.code)
    assert_harmless(table.stdout + table.stderr)
    return result.report


def test_names_of_workflows_and_tasks(cluster):
    workflows = {cluster.workflow(name=name): name for name in NAMES}
    for workflow, name in workflows.items():
        cluster.task(workflow, name=name, host=name[:60], submit=ago(HOUR), execute_path=name)
    with cluster.nothing_changes():
        looks(cluster, "status")
        cluster.run("status", "--format", "prometheus", code=0)
        explained = looks(cluster, "explain", *workflows)
        assert {each["id"]: each["name"] for each in explained["explained"]} == workflows
        looks(cluster, "global", "--dry-run")
    result = cluster.failover_master(code=0)
    cluster.assert_failed_over_once(list(workflows), result.master["stamp"])
    assert {each["id"]: each["name"] for each in cluster.instances().values() if each["id"] in workflows} == workflows


def test_hosts_that_are_no_addresses(cluster):
    names = [name[:120] for name in NAMES]  # the column's length
    odd = [cluster.workflow(host=name) for name in names]
    good = cluster.workflow()
    with cluster.nothing_changes():
        status = looks(cluster, "status")
        looks(cluster, "explain", *odd)
    result = looks(cluster, "global")
    odd_hosts, = [each for each in status["checks"] if each["name"] == "odd_hosts"]
    assert f"{len(NAMES)} hosts" in odd_hosts["detail"]
    cluster.assert_failed_over_once([good])
    assert set(cluster.states(odd).values()) == {1} and result["masters"]


def test_names_and_values_of_marks(cluster):
    # ZooKeeper itself takes no control characters.
    names = [name.replace("/", "|")[:150] for name in NAMES
             if cluster.registry.type != "zookeeper" or name.isprintable() and max(name) < "\uf000"]
    for number, name in enumerate(names):
        cluster.registry.mark(f"{name}:5678-1-{number}", VALUES[number % len(VALUES)])
        cluster.registry.mark(name, ago(9 * DAY))
    listed = looks(cluster, "list-marks")
    assert {each["name"] for each in listed["marks"]["items"]} >= {*names}
    before = cluster.registry.marks()
    removed = {each["name"] for each in looks(cluster, "clean-marks")["marks"]["items"] if each["outcome"] == "removed"}
    assert removed and set(cluster.registry.marks()) == set(before) - removed
    assert cluster.db.value("SELECT count(*) FROM t_ds_workflow_instance") == 1


def test_heartbeats(cluster):
    """Who registers is alive, whatever the heartbeat is."""
    for number, value in enumerate(VALUES):
        cluster.register(f"127.0.3.{number}:5678", value=value)
    workflow = cluster.workflow()
    with cluster.nothing_changes():
        status = looks(cluster, "status")
        assert {f"127.0.3.{number}:5678" for number in range(len(VALUES))} <= {each["address"] for each in status["masters"]}
        for number in (0, len(VALUES) - 1):
            cluster.failover_master(address=f"127.0.3.{number}:5678", code=4)
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


BYTES = [b"\xff\xfe broken", b"a zero \0 byte", b"\xc3", b"\xed\xa0\x80 half a pair", b"\0"]


def test_bytes_of_zookeeper_that_are_no_text(make_cluster):
    cluster = make_cluster()
    client, full = cluster.registry.client, cluster.registry.full
    for number, value in enumerate(BYTES):
        client.create(full(f"{MARKS}/127.9.0.{number}:5678-1-1"), value)
        client.create(full(f"{MASTERS}/127.0.3.{number}:5678"), value, ephemeral=True)
    workflow = cluster.workflow()
    with cluster.nothing_changes():
        assert len(looks(cluster, "list-marks")["marks"]["items"]) == len(BYTES)
        assert len(looks(cluster, "status")["masters"]) == len(BYTES) + 1
        cluster.failover_master(address="127.0.3.0:5678", code=4)
        looks(cluster, "clean-marks")
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


def test_keys_of_etcd_that_are_no_text(make_cluster):
    cluster = make_cluster("etcd")
    registry = cluster.registry

    def put(key, value):
        registry.call("kv/put", **{name: base64.b64encode(bytes_).decode() for name, bytes_ in
                                   (("key", registry.full(MARKS).encode() + b"/" + key), ("value", value))})
    for key in BYTES:
        put(key, str(ago(9 * DAY)).encode())
        put(b"127.9.0.1:5678-1-" + key, key)
    assert looks(cluster, "list-marks")["marks"]["examined"] == 2 * len(BYTES)
    cluster.run("clean-marks", code=3)
    assert cluster.run("list-marks", code=(0, 3))["marks"]["examined"] == len(BYTES)


def test_texts_of_sqlite_that_are_none_or_endless(make_cluster):
    """Other databases take neither."""
    cluster = make_cluster()
    cluster.db.connection.text_factory = lambda text: text.decode(errors="replace")
    workflows = cluster.workflows(len(BYTES) + 1)
    for workflow, value in zip(workflows, [*BYTES, b"x" * MEGABYTE]):
        for column in ("name", "global_params", "tenant_code"):
            cluster.db.execute(f"UPDATE t_ds_workflow_instance SET {column} = CAST(? AS TEXT) WHERE id = ?", value, workflow)
    odd = cluster.workflow()
    cluster.db.execute("UPDATE t_ds_workflow_instance SET host = CAST(? AS TEXT) WHERE id = ?", b"127.0.1.1:5678\0\xff", odd)
    looks(cluster, "explain", *workflows, odd)
    with cluster.nothing_changes():
        looks(cluster, "status")
    result = cluster.failover_master(code=3)  # for the odd host
    cluster.assert_failed_over_once(workflows, result.master["stamp"])
    assert cluster.state(odd) == 1
