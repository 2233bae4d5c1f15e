"""Commands of others: what waits for a master, or was just taken by one, is not ours to fail over."""

import contextlib
import time

import pytest

from support.cluster import (DEAD, DEAD_WORKER, HOUR, ago, hold, now_ms, take_the_old_way,
                             until, waits_for_a_row)
from support.registries import STAMPS

DATABASES = ["sqlite", "postgresql", "mariadb"]
COMMANDS = {"failover-master": ("failover-master", DEAD), "global": ("global",),
            "failover-worker": ("failover-worker", DEAD_WORKER, "--wait", "0s"),
            "redispatch": ("failover-worker", DEAD_WORKER, "--redispatch", "--wait", "0s")}


def begin_in_a_gap(writer):
    """Between two chunks of a run on SQLite, whose own waiting would sleep through it."""
    writer.execute("PRAGMA busy_timeout = 0")

    def begun():
        with contextlib.suppress(Exception):
            writer.execute("BEGIN IMMEDIATE")
            return True
    end = time.monotonic() + 30
    while not begun():
        assert time.monotonic() < end, "there was no gap"


def reasons(result, address=DEAD):
    return result.master_of(address)["workflows"]["skipped"]


# -- taken while we work


@pytest.mark.parametrize("name, database", [*(("failover-master", each) for each in DATABASES),
                                            ("global", "postgresql"), ("redispatch", "postgresql")])
def test_what_a_master_took_during_the_run_is_its(make_cluster, name, database):
    """The last ones have a command of somebody else; a master takes those while the first are failed over."""
    cluster = make_cluster(database=database)
    workflows = cluster.workflows(10_300)
    foreign = cluster.workflows(200, state=18)
    cluster.db.insert_many("t_ds_command", [cluster.command_row(workflow) for workflow in foreign])
    cluster.task(workflows[0])
    blocker = hold(cluster, workflows[-1]) if database != "sqlite" else cluster.db.clone()
    run = cluster.start(*COMMANDS[name])
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > len(foreign), 60)
    if database == "sqlite":
        begin_in_a_gap(blocker)
    assert cluster.db.value("SELECT count(*) FROM t_ds_command") < len(workflows) + len(foreign)
    take_the_old_way(blocker, foreign)
    result = run.finish(3 if name == "redispatch" else 0)  # --wait 0s sees no recovery
    cluster.assert_failed_over_once(workflows)
    commands = cluster.commands_per_workflow()
    assert not [w for w in foreign if w in commands], "failed over although a master had just taken them"
    assert set(cluster.states(foreign).values()) == {1}
    assert reasons(result) == {"running_elsewhere": 200}


@pytest.mark.parametrize("database", DATABASES)
def test_what_a_master_took_during_the_grace_time_is_its(make_cluster, database):
    """It was seen with its command before."""
    cluster = make_cluster(database=database)
    in_failover, running, mine = cluster.workflow(state=18), cluster.workflow(), cluster.workflow()
    for workflow in (in_failover, running):
        cluster.command(workflow)
    master = cluster.db.clone()
    run = cluster.start("failover-master", DEAD, "--grace", "3s")
    until(lambda: "--grace" in run.stderr_so_far())
    time.sleep(0.5)
    master.execute(master.begin)
    take_the_old_way(master, [in_failover, running])
    result = run.finish(0)
    cluster.assert_failed_over_once([mine])
    assert cluster.states([in_failover, running]) == {in_failover: 1, running: 1}
    assert len(cluster.commands()) == 1 and reasons(result) == {"running_elsewhere": 2}


# -- waiting


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_waits_already_stays_the_only_one(make_cluster, database, name):
    """Hand-made SQL cut short, or a person's: state 1, 2 or 4 with a command in the queue."""
    cluster = make_cluster(database=database)
    waiting = {cluster.workflow(state=state): kind for state in (1, 2, 4) for kind in (0, 2, 3, 7)}
    for workflow, kind in waiting.items():
        cluster.command(workflow, kind)
    mine = cluster.workflow()
    for workflow in (*waiting, mine):
        cluster.task(workflow)
    before = {workflow: cluster.instance(workflow) for workflow in waiting}
    commands = cluster.commands()
    tasks = {row["id"]: row for row in cluster.db.rows("SELECT * FROM t_ds_task_instance")
             if row["workflow_instance_id"] in waiting}
    # Nothing overrules it.
    for arguments in ([], ["--in-doubt", "all"], ["--in-doubt", next(iter(waiting))]):
        result = cluster.run(*COMMANDS[name], *arguments, code=3)
        cluster.assert_failed_over_once([mine])
        assert {workflow: cluster.instance(workflow) for workflow in waiting} == before
        assert [each for each in cluster.commands() if each["workflow_instance_id"] != mine] == commands
        assert {row["id"]: row for row in cluster.db.rows("SELECT * FROM t_ds_task_instance")
                if row["workflow_instance_id"] in waiting} == tasks
        if not arguments:
            assert reasons(result) == {"command_pending": len(waiting)}
            items = {item["id"]: item["reason"] for item in result.master_of(DEAD)["workflows"]["items"]}
            assert {items[workflow] for workflow in waiting} == {"command_pending"}


def test_on_later_releases_too(make_cluster):
    cluster = make_cluster(release="3.3.1")
    workflow = cluster.workflow()
    cluster.command(workflow)
    with cluster.nothing_changes():
        assert reasons(cluster.failover_master(code=3)) == {"command_pending": 1}


def test_a_dry_run_says_so(cluster):
    workflow = cluster.workflow()
    cluster.command(workflow, 7)
    result = cluster.failover_master("--dry-run", code=3)
    assert (workflow, "command_pending") in result.items("id", "reason")


@pytest.mark.parametrize("kind", [0, 2])
@pytest.mark.parametrize("database", DATABASES)
def test_a_command_that_comes_between_our_look_and_our_commit(make_cluster, database, kind):
    """Even while our statement waits for a row of the same chunk: its snapshot is older then."""
    cluster = make_cluster(database=database)
    workflows = cluster.workflows(6)
    held, beside = workflows[2], workflows[4]
    other = hold(cluster, held)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.get(f"{STAMPS}/{DEAD}"))  # the reading is over
    until(lambda: waits_for_a_row(cluster.db))
    for workflow in (held, beside):
        cluster.command(workflow, kind, db=other)
    other.execute("COMMIT")
    result = run.finish(3)
    cluster.assert_failed_over_once([w for w in workflows if w not in (held, beside)])
    assert cluster.commands_per_workflow() == {w: 1 for w in workflows}
    assert cluster.states([held, beside]) == {held: 1, beside: 1}
    assert reasons(result) == {"command_pending": 2}
    kinds = {row["workflow_instance_id"]: row["command_type"] for row in cluster.commands()}
    assert (kinds[held], kinds[beside]) == (kind, kind)


@pytest.mark.parametrize("database", DATABASES[1:])
def test_a_command_with_an_older_id_that_is_committed_late(make_cluster, database):
    """Its id is older than thousands of ours that are in the table when it appears there."""
    cluster = make_cluster(database=database)
    workflows = cluster.workflows(5_100)
    late = workflows[-1]
    inserting = cluster.db.clone()
    inserting.execute("BEGIN")
    cluster.command(late, 7, db=inserting)
    other = hold(cluster, workflows[-2])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") >= 4_000, 60)
    until(lambda: waits_for_a_row(cluster.db))
    inserting.execute("COMMIT")
    other.execute("COMMIT")
    result = run.finish(3)
    assert cluster.commands_per_workflow() == {w: 1 for w in workflows}
    assert cluster.state(late) == 1 and reasons(result) == {"command_pending": 1}


def test_every_other_one_of_many_gets_a_command_meanwhile(make_cluster):
    """What is left between them is failed over all the same, and in reasonable time."""
    cluster = make_cluster(database="postgresql")
    workflows = cluster.workflows(1000)
    other = hold(cluster, workflows[0])
    run = cluster.start("failover-master", DEAD)
    until(lambda: waits_for_a_row(cluster.db))
    with contextlib.closing(other.connection.cursor()) as cursor:
        cursor.execute("INSERT INTO t_ds_command (command_type, workflow_instance_id, workflow_definition_code)"
                       " SELECT 7, id, 1 FROM t_ds_workflow_instance WHERE host = %s AND id %% 2 = 0", (DEAD,))
    other.execute("COMMIT")
    result = run.finish(3, timeout=60)
    assert cluster.commands_per_workflow() == {w: 1 for w in workflows}
    assert cluster.states(workflows) == {w: 1 if w % 2 == 0 else 18 for w in workflows}
    assert reasons(result) == {"command_pending": 500} and result.seconds < 40


# -- moving


def test_a_task_that_moves_while_we_wait_says_that_somebody_has_it(make_cluster):
    """On every release: no master is asked here, and a dead one moves nothing."""
    moved, still, runs = {}, {}, []
    for release, name in (("3.3.0", "failover-master"), ("3.3.1", "global")):
        cluster = make_cluster(release=release)
        moved[cluster] = cluster.workflows(3)
        still[cluster] = cluster.workflows(2)
        runs.append((cluster, cluster.start(*COMMANDS[name], "--grace", "8s"), now_ms()))
    for cluster, _, _ in runs:
        cluster.task(still[cluster][0], submit=now_ms())  # so late nothing needs to have seen its master die
    for cluster, _, begun in runs:
        time.sleep(max(0.0, (begun + 6500 - now_ms()) / 1000))
        submitted, started, ended = moved[cluster]
        cluster.task(submitted, submit=now_ms())
        cluster.task(started, submit=ago(HOUR), start=now_ms())
        cluster.task(ended, submit=ago(HOUR), start=ago(HOUR), end=now_ms(), state=7)
    for cluster, run, _ in runs:
        result = run.finish(0)
        cluster.assert_failed_over_once(still[cluster])
        assert set(cluster.states(moved[cluster]).values()) == {1} and len(cluster.commands()) == 2
        assert reasons(result) == {"running_elsewhere": 3}


@pytest.mark.parametrize("release", ["3.3.0", "3.3.1"])
def test_a_row_that_changed_and_changed_back_is_looked_at_again(make_cluster, release):
    """PostgreSQL says so. A master had it meanwhile: a task has moved."""
    cluster = make_cluster(database="postgresql", release=release)
    workflows = cluster.workflows(4)
    taken = workflows[1]
    other = cluster.db.clone()
    other.execute("BEGIN")
    for state in (18, 1):
        other.execute("UPDATE t_ds_workflow_instance SET state = ? WHERE id = ?", state, taken)
    run = cluster.start("failover-master", DEAD, "--grace", "6s")  # so long it takes until a move counts
    until(lambda: waits_for_a_row(cluster.db))
    cluster.task(taken, submit=now_ms(), db=other)
    other.execute("COMMIT")
    result = run.finish(0)
    assert cluster.state(taken) == 1 and cluster.commands_per_workflow().get(taken) is None
    cluster.assert_failed_over_once([w for w in workflows if w != taken])
    assert reasons(result) == {"running_elsewhere": 1}


def test_a_row_that_changed_and_changed_back_without_more_is_failed_over_in_the_next_round(make_cluster):
    cluster = make_cluster(database="postgresql")
    workflows = cluster.workflows(4)
    other = cluster.db.clone()
    other.execute("BEGIN")
    for text in ("'[1]'", "'[]'"):
        other.execute(f"UPDATE t_ds_workflow_instance SET var_pool = {text} WHERE id = ?", workflows[1])
    run = cluster.start("failover-master", DEAD)
    until(lambda: waits_for_a_row(cluster.db))
    other.execute("COMMIT")
    run.finish(0)
    cluster.assert_failed_over_once(workflows)
