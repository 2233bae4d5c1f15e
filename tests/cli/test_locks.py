"""The failover lock: we and the masters exclude each other, and a leaked lock has a way on."""

import re
import signal
import time

import pytest

from support.cluster import ALIVE, DEAD, HOUR, MINUTE, OTHER_DEAD, ago, command_param, now_ms, until
from support.registries import LOCKS


def claims(cluster, address=DEAD):
    return cluster.registry.folder(f"{LOCKS}/{address}")


def test_a_held_lock_makes_us_wait_and_its_release_lets_us_go_on(cluster):
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD)
    until(lambda: len(claims(cluster)) == 2)
    time.sleep(1)
    assert run.running() and cluster.state(workflow) == 1
    lock.release()
    result = run.finish(0)
    cluster.assert_failed_over_once([workflow])
    assert result.master["lock"]["waited_ms"] >= 1000


def test_a_lock_that_does_not_come_ends_in_exit_5_naming_its_session(cluster):
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    result = cluster.failover_master("--lock-timeout", "2s", code=5)
    assert 2 <= result.seconds < 8
    assert "another run of dsfailover, or one killed up to 10 s ago" in result.said
    assert "--no-lock" not in result.said
    session = f"{lock.session.id & 0xffffffffffffffff:x}"
    assert session in result.said.lower(), session
    assert session in (result.master["lock"]["holder"] or "").lower()
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}
    assert len(claims(cluster)) == 1  # ours left the queue
    lock.release()


def test_the_master_whose_session_holds_the_lock_is_named(cluster):
    cluster.workflow()
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    result = cluster.failover_master("--lock-timeout", "2s", code=5)
    assert ALIVE in result.master["lock"]["holder"]
    assert ALIVE in "\n".join(result["errors"])


def test_ours_makes_a_curator_waiter_wait_in_turn(cluster):
    workflow = cluster.workflow()
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    waiter = cluster.registry.lock(DEAD)
    time.sleep(0.5)
    assert not waiter.holds()
    writer.execute("ROLLBACK")
    waiter.wait()
    # Whoever comes after us sees all of our work.
    assert cluster.state(workflow) == 18 and cluster.mark_value()
    run.finish(0)
    waiter.release()


def test_we_queue_behind_those_who_came_before(cluster):
    cluster.workflow()
    first = cluster.registry.lock(DEAD).wait()
    second = cluster.registry.lock(DEAD)
    run = cluster.start("failover-master", DEAD)
    until(lambda: len(claims(cluster)) == 3)
    third = cluster.registry.lock(DEAD)
    first.release()
    second.wait()
    time.sleep(1)
    assert run.running() and not third.holds()
    second.release()
    run.finish(0)
    third.wait().release()


def test_a_waiter_that_leaves_before_us_does_not_let_us_through(cluster):
    workflow = cluster.workflow()
    holder = cluster.registry.lock(DEAD).wait()
    leaver = cluster.registry.lock(DEAD)
    run = cluster.start("failover-master", DEAD)
    until(lambda: len(claims(cluster)) == 3)
    leaver.release()
    time.sleep(1)
    assert run.running() and cluster.state(workflow) == 1
    holder.release()
    run.finish(0)


def test_another_address_s_lock_is_none_of_ours(cluster):
    cluster.workflow()
    lock = cluster.registry.lock(OTHER_DEAD).wait()
    cluster.failover_master("--lock-timeout", "2s", code=0)
    lock.release()


def test_a_lock_lost_before_the_commit_means_nothing_is_committed(cluster):
    workflows = cluster.workflows(10)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    cluster.lose_lock()
    writer.execute("ROLLBACK")
    result = run.finish(5)
    assert set(cluster.states(workflows).values()) == {1}
    assert not cluster.commands() and cluster.registry.marks() == {}
    assert result.workflows["failed_over"] == 0
    assert "lock" in "\n".join(result["errors"])


def test_the_lock_is_given_back_after_every_kind_of_end(cluster):
    cluster.workflow()
    for arguments in ([], ["--limit", "1"], ["--dry-run"]):
        cluster.failover_master(*arguments)
        assert not claims(cluster)


# -- leaked locks


def leak(cluster):
    """A living master holds the lock of an address that it failed over long ago."""
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))


def test_a_suspected_leaked_lock_is_called_so_and_no_lock_is_the_way_on(cluster):
    leak(cluster)
    cluster.workflow(start=ago(HOUR))
    result = cluster.failover_master("--lock-timeout", "2s", code=5)
    assert "leaked" in result.said and "--no-lock" in result.said and ALIVE in result.said


def test_who_holds_and_that_it_looks_leaked_is_said_when_the_wait_begins(cluster):
    leak(cluster)
    cluster.workflow(start=ago(HOUR))
    run = cluster.start("failover-master", DEAD)
    until(lambda: "waiting for the lock" in run.stderr_so_far(), 8)
    assert "suspected leaked" in run.stderr_so_far() and ALIVE in run.stderr_so_far()
    assert "--no-lock" in run.stderr_so_far()
    run.kill()


def test_a_lock_of_a_killed_run_is_waited_for_and_had_with_no_lock_too(cluster):
    """Passed, it would go away while we work."""
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD, "--no-lock")
    until(lambda: "waiting for the lock" in run.stderr_so_far())
    lock.release()
    result = run.finish(0)
    assert "going on past" not in result.said
    cluster.assert_failed_over_once([workflow])


def test_no_lock_passes_a_leaked_lock_after_watching_it(cluster):
    leak(cluster)
    workflow = cluster.workflow(start=ago(HOUR))
    result = cluster.failover_master("--no-lock", "--lock-timeout", "3s", code=0)
    assert result.seconds >= 3
    cluster.assert_failed_over_once([workflow])
    assert cluster.mark_value() == str(result.master["deadline"])
    assert ALIVE in (result.master["lock"]["holder"] or "")


def test_no_lock_is_refused_for_a_lock_taken_after_the_newest_mark(cluster):
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    workflow = cluster.workflow(start=ago(HOUR))
    cluster.failover_master("--no-lock", "--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1


def test_no_lock_respects_a_master_that_registered_since_the_first_look(cluster):
    leak(cluster)
    cluster.workflow(start=ago(HOUR))
    workflow = cluster.workflow(host=OTHER_DEAD, start=ago(HOUR))
    run = cluster.start("global", "--no-lock", "--lock-timeout", "4s")
    until(lambda: "watching" in run.stderr_so_far())  # the lock of the first
    newcomer = cluster.register("127.0.1.7:5678")
    cluster.registry.lock(OTHER_DEAD, session=newcomer.session).wait()
    result = run.finish(5)
    assert "127.0.1.7:5678" in result.master_of(OTHER_DEAD)["lock"]["holder"]
    assert result.master_of(DEAD)["outcome"] == "completed"
    assert cluster.state(workflow) == 1


def test_a_fence_is_no_sign_of_a_leak(cluster):
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", 0)
    workflow = cluster.workflow(start=ago(HOUR))
    cluster.failover_master("--no-lock", "--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1


def test_a_mark_of_another_address_is_no_sign_of_a_leak(cluster):
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{OTHER_DEAD}-unknown-unknown", ago(6 * HOUR))
    cluster.registry.mark(f"{DEAD}9-unknown-unknown", ago(6 * HOUR))
    workflow = cluster.workflow(start=ago(HOUR))
    cluster.failover_master("--no-lock", "--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1


def test_no_lock_passes_a_lock_whose_holder_is_no_living_server(cluster):
    lock = cluster.registry.lock(DEAD).wait()
    workflow = cluster.workflow()
    cluster.failover_master("--no-lock", "--lock-timeout", "2s", code=0)
    cluster.assert_failed_over_once([workflow])
    lock.release()


def test_no_lock_stops_when_another_takes_the_lock_that_was_passed(cluster):
    workflow = cluster.workflow()
    passed = cluster.registry.lock(DEAD).wait()
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD, "--no-lock", "--lock-timeout", "1s")
    until(lambda: cluster.registry.stamps(DEAD))
    another = cluster.registry.lock(DEAD)
    passed.release()
    another.wait()
    writer.execute("ROLLBACK")
    run.finish(5)
    another.release()
    assert cluster.state(workflow) == 1 and not cluster.commands()
    assert cluster.registry.marks() == {}


def test_no_lock_stops_when_the_lock_that_was_passed_becomes_free(cluster):
    """A queued master may have taken it, failed over, and given it back while we stood still."""
    workflow = cluster.workflow(start=ago(HOUR))
    leak(cluster)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD, "--no-lock", "--lock-timeout", "1s")
    until(lambda: cluster.registry.stamps(DEAD))
    run.process.send_signal(signal.SIGSTOP)
    cluster.alive.leave()
    writer.execute("ROLLBACK")
    claim = cluster.registry.lock(DEAD).wait()
    claim.release()
    run.process.send_signal(signal.SIGCONT)
    result = run.finish(5)
    assert "which was passed changed hands" in result.said and "Run the command again" in result.said
    assert not cluster.commands() and cluster.state(workflow) == 1


@pytest.mark.parametrize("sign", ["mark", "command", "holder"])
def test_no_lock_is_refused_when_the_holder_acts_while_we_watch(cluster, sign):
    leak(cluster)
    workflow = cluster.workflow(start=ago(HOUR))
    if sign == "holder":  # another living master waits behind the leaked lock
        second = cluster.register("127.0.1.7:5678")
        waiter = cluster.registry.lock(DEAD, session=second.session)
    run = cluster.start("failover-master", DEAD, "--no-lock", "--lock-timeout", "6s")
    time.sleep(2.5)
    if sign == "mark":
        cluster.registry.mark(f"{DEAD}-{ago(8 * HOUR)}-2", now_ms())
    elif sign == "command":
        taken = cluster.workflow(start=ago(HOUR), state=18)
        cluster.db.insert("t_ds_command", command_type=2, workflow_definition_code=1,
                          workflow_definition_version=1, workflow_instance_id=taken,
                          command_param=command_param(1))
    else:
        cluster.alive.leave()
        waiter.wait()
    run.finish(5)
    assert cluster.state(workflow) == 1
    assert not [c for c in cluster.commands() if c["workflow_instance_id"] == workflow]


@pytest.mark.parametrize("name", ["DSFAILOVER_NO_LOCK", "DSFAILOVER_IN_DOUBT", "DSFAILOVER_FENCE"])
def test_dangerous_options_do_not_come_from_the_environment(cluster, name):
    lock = cluster.registry.lock(DEAD).wait()
    workflow = cluster.workflow()
    value = "all" if name.endswith("DOUBT") else "true"
    result = cluster.failover_master("--lock-timeout", "1s", environment={name: value})
    assert result.code in (2, 5)
    assert cluster.state(workflow) == 1
    lock.release()


def test_the_wait_is_seen_on_stderr_and_names_the_holder(cluster):
    cluster.workflow()
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    result = cluster.failover_master("--lock-timeout", "4s", code=5)
    assert ALIVE in result.stderr and re.search(r"wait", result.stderr)
