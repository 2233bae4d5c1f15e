"""A server that lives, comes back, or may be living is not failed over."""

import contextlib
import sqlite3
import time

import pytest

from support.cluster import ALIVE, DEAD, HOUR, MINUTE, OTHER_DEAD, SECOND, ago, now_ms, until
from support.registries import LOCKS, MASTERS


def lock_folder_exists(cluster):
    return cluster.registry.client.exists(cluster.registry.full("/lock")) is not None


@pytest.fixture(params=["3.3.0", "3.3.1"])
def both_releases(make_cluster, request):
    return make_cluster(release=request.param)


def test_a_living_master_is_refused_and_nothing_is_written(cluster):
    cluster.workflows(3, host=ALIVE)
    with cluster.nothing_changes():
        result = cluster.failover_master(address=ALIVE, code=4)
    assert result["outcome"] == "refused"
    assert result.master["alive"] is True
    assert result.master["startup_time"] == cluster.alive.startup_time
    assert ALIVE in "\n".join(result["errors"])
    assert not lock_folder_exists(cluster)


def test_the_refusal_names_global_as_the_way_for_a_restarted_master(cluster):
    result = cluster.failover_master(address=ALIVE, code=4)
    assert "global" in result.said


def test_the_same_living_process_is_refused(cluster):
    cluster.workflow(host=ALIVE)
    with cluster.nothing_changes():
        result = cluster.failover_master("--startup-time", cluster.alive.startup_time, "--process-id",
                                         cluster.alive.process_id, address=ALIVE, code=4)
    assert result["outcome"] == "refused"
    assert not lock_folder_exists(cluster)


@pytest.mark.parametrize("heartbeat", ["", "no JSON", "{", "null", "[]", "{}", '{"startupTime":"x"}',
                                       '{"startupTime":null,"processId":1}'])
def test_a_heartbeat_that_cannot_be_read_is_a_life_sign(cluster, heartbeat):
    cluster.register(DEAD, value=heartbeat)
    cluster.workflow()
    with cluster.nothing_changes():
        assert cluster.failover_master(code=4)["outcome"] == "refused"
        assert cluster.failover_master("--startup-time", ago(5 * HOUR), "--process-id", 1,
                                       code=4)["outcome"] == "refused"


def test_where_a_new_process_lives_the_deadline_is_its_startup(both_releases):
    cluster = both_releases
    old, new = ago(5 * HOUR), ago(20 * MINUTE)
    cluster.register(DEAD, startup_time=new)
    orphan = cluster.workflow(start=ago(3 * HOUR))
    cluster.task(orphan, submit=ago(2 * HOUR))
    its_own = cluster.workflow(start=ago(10 * MINUTE))
    cluster.task(its_own, submit=ago(9 * MINUTE))
    result = cluster.failover_master("--startup-time", old, "--process-id", 77, code=0)
    assert result.master["deadline"] == new and result.master["alive"] is True
    assert cluster.state(orphan) == 18 and cluster.state(its_own) == 1
    assert result.workflows["skipped"] == {"started_after_deadline": 1}
    assert cluster.mark_value(f"{DEAD}-{old}-77") == str(new)


def test_an_earlier_event_time_is_the_deadline_where_a_new_process_lives(cluster):
    cluster.register(DEAD, startup_time=ago(20 * MINUTE))
    event_time = ago(HOUR)
    result = cluster.failover_master("--startup-time", ago(5 * HOUR), "--process-id", 77,
                                     "--event-time", event_time)
    assert result.master["deadline"] == event_time


@pytest.mark.parametrize("moment", ["submit", "start", "end"])
def test_what_the_new_process_works_on_is_running_elsewhere(both_releases, moment):
    # Triggered before the new process started, taken by it afterwards.
    cluster = both_releases
    new = ago(20 * MINUTE)
    cluster.register(DEAD, startup_time=new)
    taken = cluster.workflow(start=ago(3 * HOUR))
    cluster.task(taken, **{"submit": ago(2 * HOUR), moment: ago(MINUTE)})
    result = cluster.failover_master("--startup-time", ago(5 * HOUR), "--process-id", 77)
    assert cluster.state(taken) == 1 and not cluster.commands()
    assert result.workflows["skipped"] == {"running_elsewhere": 1}


def test_without_a_task_of_the_old_process_it_is_in_doubt(both_releases):
    cluster = both_releases
    cluster.register(DEAD, startup_time=ago(20 * MINUTE))
    unknown = cluster.workflow(start=ago(3 * HOUR))
    options = ["--startup-time", ago(5 * HOUR), "--process-id", 77]
    result = cluster.failover_master(*options, code=3)
    assert cluster.state(unknown) == 1
    assert result.workflows["skipped"] == {"in_doubt": 1}
    # A person who knows better may say so.
    cluster.failover_master(*options, "--in-doubt", unknown, code=0)
    cluster.assert_failed_over_once([unknown])


def test_neither_time_where_one_lives_is_no_start_time(cluster):
    cluster.register(DEAD, startup_time=ago(20 * MINUTE))
    workflow = cluster.workflow(start_time=None)
    result = cluster.failover_master("--startup-time", ago(5 * HOUR), "--process-id", 77)
    assert cluster.state(workflow) == 1
    assert result.workflows["skipped"] == {"no_start_time": 1}


def test_the_grace_is_waited_out(cluster):
    workflow = cluster.workflow()
    result = cluster.failover_master("--grace", "3s", code=0)
    assert 3 <= result.seconds < 10
    cluster.assert_failed_over_once([workflow])


def test_no_grace_takes_one_look_and_warns(cluster):
    cluster.workflow()
    result = cluster.failover_master("--grace", "0s", code=0)
    assert any("grace" in warning for warning in result["warnings"])
    assert result.seconds < 5


def test_the_wait_for_the_lock_counts_as_grace(cluster):
    cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD, "--grace", "6s")
    time.sleep(5)
    lock.release()
    assert run.finish(0).seconds < 9


def test_a_master_that_comes_back_during_the_grace_is_refused(cluster):
    workflow = cluster.workflow()
    run = cluster.start("failover-master", DEAD, "--grace", "8s")
    time.sleep(2)
    cluster.register(DEAD, startup_time=ago(HOUR))
    result = run.finish(4, timeout=20)
    assert result["outcome"] == "refused"
    assert cluster.state(workflow) == 1 and not cluster.commands()
    assert cluster.registry.marks() == {}


def test_a_master_that_comes_back_while_we_wait_for_the_lock_is_refused(cluster):
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD)
    until(lambda: len(cluster.registry.folder(f"{LOCKS}/{DEAD}")) == 2)
    cluster.register(DEAD, startup_time=ago(HOUR))
    time.sleep(0.5)
    lock.release()
    run.finish(4)
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}


def test_a_master_that_was_back_for_a_moment_while_we_waited_for_the_lock_is_refused(cluster):
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD)
    until(lambda: len(cluster.registry.folder(f"{LOCKS}/{DEAD}")) == 2)
    returned = cluster.register(DEAD, startup_time=ago(HOUR))
    until(lambda: len(cluster.registry.folder(f"{LOCKS}/{DEAD}")) == 1)  # we left the queue
    returned.leave()
    lock.release()
    run.finish(4)
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}


def test_a_master_that_was_back_for_a_moment_while_we_watched_the_lock_is_refused(cluster):
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()  # leaked: there is a mark
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    workflow = cluster.workflow(start=ago(HOUR))
    run = cluster.start("failover-master", DEAD, "--no-lock", "--lock-timeout", "60s")
    until(lambda: "watching" in run.stderr_so_far())
    returned = cluster.register(DEAD, startup_time=ago(HOUR))
    until(lambda: not run.running())
    returned.leave()
    run.finish(4)
    assert cluster.state(workflow) == 1


def test_a_master_that_comes_back_before_the_first_commit_stops_it(cluster):
    workflows = cluster.workflows(10)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    cluster.register(DEAD, startup_time=ago(HOUR))
    writer.execute("ROLLBACK")
    result = run.finish(4)
    assert set(cluster.states(workflows).values()) == {1}
    assert not cluster.commands() and cluster.registry.marks() == {}
    assert result.workflows["failed_over"] == 0


def begin_in_a_gap(writer):
    """SQLite itself would sleep between its tries, and miss the short moments between two chunks."""
    writer.execute("PRAGMA busy_timeout = 0")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(sqlite3.OperationalError):
            return writer.execute("BEGIN IMMEDIATE")
    raise AssertionError("there was no gap")


def test_a_master_that_comes_back_between_two_chunks_stops_the_run(cluster):
    workflows = cluster.workflows(30_000)
    writer = cluster.db.clone()
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command"))
    begin_in_a_gap(writer)
    committed = cluster.db.value("SELECT count(*) FROM t_ds_command")
    assert committed < len(workflows), "the run was over before the test came between"
    cluster.register(DEAD, startup_time=ago(HOUR))
    writer.execute("ROLLBACK")
    result = run.finish(4)
    assert len(cluster.commands()) == committed == result.workflows["failed_over"]
    assert cluster.registry.marks() == {}
    assert result["outcome"] in ("refused", "partial")


def test_all_masters_dead_is_no_reason_to_hurry(make_cluster):
    cluster = make_cluster(living=False)
    workflow = cluster.workflow()
    result = cluster.failover_master("--grace", "3s", code=0)
    assert result.seconds >= 3
    cluster.assert_failed_over_once([workflow])


def test_a_living_worker_of_the_same_name_does_not_count(cluster):
    cluster.register(DEAD, worker=True)
    workflow = cluster.workflow()
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


def test_hosts_are_compared_as_written(cluster):
    # A neighbour whose address begins or ends alike is somebody else.
    dead = "s-1.invalid:5678"
    for neighbour in ("s-1.invalid:56789", "ds-1.invalid:5678", "s-1.invalid:567"):
        cluster.register(neighbour)
    workflow = cluster.workflow(host=dead)
    cluster.failover_master(address=dead, code=0)
    cluster.assert_failed_over_once([workflow])


def test_global_waits_for_a_master_on_its_way_back(cluster):
    workflow = cluster.workflow(host=OTHER_DEAD)
    run = cluster.start("global", "--grace", "6s")
    time.sleep(1.5)
    cluster.register(OTHER_DEAD, startup_time=ago(HOUR))
    run.finish((0, 3, 4))
    assert cluster.state(workflow) == 1 and not cluster.commands()
    assert f"{OTHER_DEAD}-unknown-unknown" not in cluster.registry.marks()


def test_an_event_time_in_the_future_is_refused(cluster):
    cluster.workflow()
    with cluster.nothing_changes():
        result = cluster.failover_master("--event-time", now_ms() + 30 * SECOND, code=2)
    assert "future" in result.said


def test_an_event_time_in_the_past_is_warned_about_while_masters_live(cluster):
    cluster.workflow(start=ago(3 * HOUR))
    result = cluster.failover_master("--event-time", ago(HOUR), code=0)
    assert any("event" in warning and "past" in warning for warning in result["warnings"])


@pytest.mark.parametrize("status", ["NORMAL", "BUSY"])
def test_a_busy_master_lives(cluster, status):
    cluster.register(DEAD, status=status)
    cluster.failover_master(code=4)


def test_a_run_that_is_refused_leaves_no_session_behind(cluster):
    cluster.failover_master(address=ALIVE, code=4)
    assert cluster.registry.folder(MASTERS).keys() == {ALIVE}
