"""Runs of dsfailover exclude each other, whatever they do and whichever lock they pass."""

import contextlib
import json
import os
import time

import pytest

from support import databases, registries
from support.cluster import ALIVE, DEAD, MINUTE, OTHER_DEAD, Cluster, ago, command_param, until
from support.registries import RUNS

REGISTRIES = ["zookeeper", "etcd", "jdbc"]


@pytest.fixture(params=REGISTRIES)
def cluster(request, make_cluster):
    return make_cluster(request.param, "sqlite")


@contextlib.contextmanager
def another_run(cluster, path=f"{RUNS}/{DEAD}"):
    session = cluster.registry.session()
    session.put_ephemeral(path, json.dumps({"user": "ops", "host": "bastion-1", "process_id": 4711,
                                            "started_at": "2026-11-23T06:14:40.242Z"}))
    yield session
    session.end()


def watched(cluster, host=DEAD):
    """A workflow over which a requeue stands 15 s: nobody takes its command."""
    workflow = cluster.workflow(state=18, host=host)
    cluster.db.insert("t_ds_command", command_type=2, workflow_instance_id=workflow,
                      workflow_definition_code=1, workflow_definition_version=1,
                      command_param=command_param(1), update_time=databases.to_text(ago(10 * MINUTE)))
    return workflow


def test_another_run_is_named_and_not_passed(cluster):
    workflow = cluster.workflow(state=18)
    with another_run(cluster):
        result = cluster.run("requeue", "--lock-timeout", "1s", code=5)
        assert cluster.commands() == [] and cluster.registry.stamps(DEAD) == []
        error, = result["errors"]
        for part in (f"{RUNS}/{DEAD}", "ops@bastion-1", "process 4711", "2026-11-23T06:14:40.242Z",
                     "another run of dsfailover, or one that was killed up to 10 s ago"):
            assert part in error
        assert "no-lock" not in result.said
        cluster.run("requeue", "--no-lock", code=2)  # there is no such thing
        assert cluster.run("requeue", "--dry-run", code=0)["workflows"]["selected"] == 1
    cluster.run("requeue", "--lock-timeout", "1s", code=0)
    cluster.assert_failed_over_once([workflow])


def test_it_waits_for_the_other_run_and_looks_again(cluster):
    done, left = cluster.workflows(2, state=18)
    with another_run(cluster):
        run = cluster.start("requeue")
        until(lambda: "waiting for" in run.stderr_so_far())
        cluster.db.execute("UPDATE t_ds_workflow_instance SET state = 1 WHERE id = ?", done)
    result = run.finish(0)
    assert result["workflows"]["selected"] == result["workflows"]["requeued"] == 1
    assert cluster.commands_per_workflow() == {left: 1}


def test_only_the_hosts_of_its_workflows_are_taken(cluster):
    ours, theirs = cluster.workflow(state=18), cluster.workflow(state=18, host=OTHER_DEAD)
    nobodys = cluster.workflow(state=18, host=None)
    with another_run(cluster, f"{RUNS}/{OTHER_DEAD}"):
        cluster.run("requeue", ours, nobodys, "--lock-timeout", "1s", code=0)
        cluster.run("requeue", "--lock-timeout", "1s", code=5)
    assert theirs not in cluster.commands_per_workflow()
    assert cluster.registry.folder(RUNS) == {}, "given up at the end"


@pytest.mark.usefixtures("normal_master")
def test_the_node_says_whose_it_is_and_goes_with_a_killed_run(cluster):
    workflow = watched(cluster)
    run = cluster.start("requeue")
    until(lambda: "watching" in run.stderr_so_far())
    (name, value), = cluster.registry.folder(RUNS).items()
    said = json.loads(value)
    assert name == DEAD and said["process_id"] == run.process.pid and said["host"] == os.uname().nodename
    assert set(said) == {"user", "host", "process_id", "started_at"}
    run.kill()
    killed = time.monotonic()
    cluster.db.execute("DELETE FROM t_ds_command")
    result = cluster.run("requeue", code=0)  # the same workflow, which has no command now
    assert result["workflows"]["requeued"] == 1 and time.monotonic() - killed < 16
    cluster.assert_failed_over_once([workflow])


def test_a_run_whose_node_is_lost_commits_nothing(make_cluster):
    cluster = make_cluster("zookeeper", "postgresql")
    cluster.workflow(state=18)
    with contextlib.closing(cluster.db.clone()) as somebody:
        somebody.execute("BEGIN")
        somebody.execute("SELECT id FROM t_ds_workflow_instance WHERE state = 18 FOR UPDATE")
        run = cluster.start("requeue")
        until(lambda: cluster.db.value("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, 60)
        cluster.registry.delete(f"{RUNS}/{DEAD}")
        somebody.execute("COMMIT")
    result = run.finish(5)
    assert cluster.commands() == [] and result["workflows"]["requeued"] == 0
    assert RUNS in "\n".join(result["errors"])


@pytest.mark.slow
def test_two_nodes_of_one_database_give_one_command(zookeeper):
    """Each run in a registry of its own, so that nothing but the database keeps them apart."""
    from support.galera import GaleraCluster
    with GaleraCluster() as galera:
        clusters = [Cluster(registries.ZooKeeper(zookeeper), db, living=False)
                    for db in galera.databases()]
        for cluster in clusters:
            cluster.register(ALIVE)
        workflows = clusters[0].workflows(2000, state=18)
        until(lambda: len(clusters[1].instances()) == len(workflows))
        runs = [cluster.start("requeue") for cluster in clusters]
        results = [run.finish((0, 3)) for run in runs]
        clusters[0].assert_failed_over_once(workflows)
        assert sum(each["workflows"]["requeued"] for each in results) == len(workflows)
        for cluster in clusters:
            cluster.registry.close()
