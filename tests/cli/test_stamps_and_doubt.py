"""Knowing what may be running again: our own stamps, and the masters' marks.

On 3.3.0 a recovered workflow keeps its old host and restart_time, so that "host = the dead master,
state = 1" says nothing about who runs it. Later releases set both on recovery.
"""

import pytest

from support import databases
from support.cluster import (ALIVE, DEAD, HOUR, MINUTE, OTHER_DEAD, SECOND, SimulatedMaster, ago, now_ms,
                             until)
from support.registries import STAMPS

SKIPPED_AS_OURS = {"done_before", "running_elsewhere", "settling", "in_doubt"}


def recovered(cluster, release="3.3.0", **options):
    """A workflow that we failed over and that a living master took and runs again."""
    workflow = cluster.workflow(**options)
    cluster.failover_master(code=0)
    master = SimulatedMaster(cluster, release=release)
    assert master.consume_all() == 1 and not master.problems
    master.db.close()
    return workflow


def reasons(result):
    return set(result.workflows["skipped"])


def test_what_we_failed_over_and_runs_again_is_not_failed_over_twice(cluster):
    workflow = recovered(cluster)
    assert cluster.instance(workflow)["host"] == DEAD  # as 3.3.0 leaves it
    for _ in range(2):
        result = cluster.failover_master(code=(0, 3))
        assert cluster.state(workflow) == 1 and not cluster.commands()
        assert reasons(result) <= SKIPPED_AS_OURS and sum(result.workflows["skipped"].values()) == 1


def test_global_does_not_do_it_twice_either(cluster):
    workflow = recovered(cluster)
    cluster.run("global", code=(0, 3))
    assert cluster.state(workflow) == 1 and not cluster.commands()


def test_the_event_time_of_an_older_run_does_not_undo_that(cluster):
    workflow = recovered(cluster)
    for event_time in (ago(0), ago(HOUR // 2)):
        result = cluster.failover_master("--event-time", event_time)
        assert cluster.state(workflow) == 1 and not cluster.commands()
        # done_before is decided before started_after_deadline.
        assert "started_after_deadline" not in reasons(result)


def test_with_task_activity_since_it_is_running_elsewhere(cluster):
    workflow = recovered(cluster)
    last = now_ms() + 2
    cluster.task(workflow, submit=last)
    result = cluster.failover_master(code=0)
    assert result.workflows["skipped"] == {"running_elsewhere": 1}
    [item] = [item for item in result.workflows["items"] if item["id"] == workflow]
    assert item["outcome"] == "skipped" and str(last) in str(item)


def test_without_task_activity_it_settles_for_four_minutes_and_then_is_in_doubt(cluster):
    workflow = recovered(cluster)
    stamp = cluster.restart_ms(workflow)
    result = cluster.failover_master(code=3)
    assert result.workflows["skipped"] == {"settling": 1}
    assert "look again at " + databases.to_text(stamp + 4 * MINUTE)[:19].replace(" ", "T") in result.said
    assert cluster.failover_master("--in-doubt", "all", code=3).workflows["skipped"] == {"settling": 1}
    cluster.age_handovers()
    result = cluster.failover_master(code=3)
    assert result.workflows["skipped"] == {"in_doubt": 1}
    assert cluster.state(workflow) == 1 and not cluster.commands()


def test_what_settles_can_be_taken_by_its_id(cluster):
    workflow = recovered(cluster)
    cluster.failover_master("--in-doubt", workflow, code=0)
    cluster.assert_failed_over_once([workflow])


def test_running_elsewhere_needs_every_master_that_lived_when_the_stamp_was_written(cluster):
    second = cluster.register("127.0.1.7:5678")
    workflow = recovered(cluster)
    cluster.age_handovers()
    cluster.task(workflow, submit=ago(MINUTE))
    assert cluster.failover_master(code=0).workflows["skipped"] == {"running_elsewhere": 1}
    second.leave()
    assert cluster.failover_master(code=3).workflows["skipped"] == {"in_doubt": 1}
    # Nor is a new process at the address the master that lived then.
    cluster.register("127.0.1.7:5678", startup_time=now_ms() - 1)
    assert cluster.failover_master(code=3).workflows["skipped"] == {"in_doubt": 1}


def test_without_a_living_master_task_activity_proves_nothing(cluster):
    workflow = recovered(cluster)
    cluster.task(workflow, submit=now_ms() + 2)
    cluster.alive.leave()
    result = cluster.failover_master(code=3)
    assert result.workflows["skipped"] == {"in_doubt": 1}


def test_in_doubt_all_takes_those_in_doubt_and_not_those_running_elsewhere(cluster):
    doubtful, running = cluster.workflows(2)
    cluster.failover_master(code=0)
    master = SimulatedMaster(cluster)
    assert master.consume_all() == 2
    cluster.age_handovers()
    cluster.task(running, submit=ago(MINUTE))
    result = cluster.failover_master("--in-doubt", "all")
    assert cluster.states([doubtful, running]) == {doubtful: 18, running: 1}
    assert result.workflows["failed_over"] == 1
    assert result.workflows["skipped"] == {"running_elsewhere": 1}
    # It must be named, and then it is done.
    cluster.failover_master("--in-doubt", running, code=0)
    cluster.assert_failed_over_once([doubtful, running])
    master.db.close()


def test_in_doubt_all_leaves_what_another_run_did_while_we_waited(cluster):
    """It was in doubt when the operator looked; now that run's work is being taken up."""
    meanwhile, doubtful = cluster.workflow(command_type=4), cluster.workflow(command_type=4)
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD, "--in-doubt", "all")
    until(lambda: "waiting for the lock" in run.stderr_so_far())
    stamp = now_ms()
    cluster.registry.put(f"{STAMPS}/{DEAD}", str(stamp))
    cluster.db.execute("UPDATE t_ds_workflow_instance SET restart_time = ? WHERE id = ?", databases.to_text(stamp), meanwhile)
    lock.release()
    result = run.finish(3)
    assert cluster.state(meanwhile) == 1
    cluster.assert_failed_over_once([doubtful], result.master["stamp"])


def test_in_doubt_takes_exactly_the_ids_named(cluster):
    workflows = cluster.workflows(4)
    cluster.failover_master(code=0)
    master = SimulatedMaster(cluster)
    assert master.consume_all() == 4
    master.db.close()
    cluster.failover_master("--in-doubt", f"{workflows[0]},{workflows[2]}", code=3)
    assert [cluster.state(w) for w in workflows] == [18, 1, 18, 1]


def test_each_failover_has_a_later_stamp(cluster):
    workflow = recovered(cluster)
    cluster.age_handovers()
    first = cluster.registry.stamps(DEAD)
    cluster.failover_master("--in-doubt", "all", code=0)
    stamps = cluster.registry.stamps(DEAD)
    assert stamps[:1] == first and len(stamps) == 2 and stamps[1] > stamps[0]
    assert cluster.restart_ms(workflow) == stamps[1]


def test_a_stamp_is_later_than_every_earlier_one_even_of_a_fast_clock(cluster):
    future = now_ms() + 20 * SECOND
    cluster.registry.put(f"{STAMPS}/{DEAD}", str(future))
    cluster.workflow()
    result = cluster.failover_master(code=0)
    assert result.master["stamp"] > future


def test_stamps_are_dropped_only_beyond_64_and_never_while_carried(cluster):
    old = [ago(9 * HOUR) + number for number in range(70)]
    cluster.registry.put(f"{STAMPS}/{DEAD}", ",".join(map(str, old)))
    carrier = cluster.workflow(restart=old[0])
    waiting = cluster.workflow(restart=old[1], state=18)
    cluster.workflow(restart=old[2], state=7)  # finished: needs its stamp no more
    cluster.workflow()
    result = cluster.failover_master(code=(0, 3))
    stamps = cluster.registry.stamps(DEAD)
    assert old[0] in stamps and old[1] in stamps and result.master["stamp"] in stamps
    assert old[2] not in stamps
    assert 64 <= len(stamps) <= 66
    assert cluster.state(carrier) == 1 and cluster.state(waiting) == 18


def test_stamps_of_the_last_hour_are_not_dropped(cluster):
    # Another run may have written its stamp and be about to commit.
    fresh = [ago(MINUTE) + number for number in range(70)]
    cluster.registry.put(f"{STAMPS}/{DEAD}", ",".join(map(str, fresh)))
    cluster.workflow()
    result = cluster.failover_master(code=0)
    assert cluster.registry.stamps(DEAD) == [*fresh, result.master["stamp"]]


@pytest.mark.parametrize("release", ["3.3.0", "3.3.1"])
def test_stamps_that_cannot_be_read_stop_their_own_address_alone(make_cluster, release):
    cluster = make_cluster(release=release)
    cluster.registry.put(f"{STAMPS}/{OTHER_DEAD}", "rubbish")
    left = cluster.workflow(host=OTHER_DEAD)
    done = cluster.workflow()
    result = cluster.failover_master(code=3 if release == "3.3.0" else 0)
    assert result.master["outcome"] == "completed"
    assert any("rubbish" in warning for warning in result["warnings"])
    another = cluster.workflow(start=now_ms())
    result = cluster.run("global", code=1)
    cluster.assert_failed_over_once([done, another])
    assert cluster.state(left) == 1 and list(cluster.registry.marks()) == [f"{DEAD}-unknown-unknown"]
    assert result.master_of(OTHER_DEAD)["outcome"] == "failed"
    assert sum("rubbish" in error for error in result["errors"]) == 1
    assert cluster.run("status").code != 1


def test_stamps_that_cannot_be_read_stop_the_run(cluster):
    cluster.registry.put(f"{STAMPS}/{DEAD}", "rubbish")
    workflow = cluster.workflow()
    result = cluster.failover_master()
    assert result.code != 0
    assert cluster.state(workflow) == 1 and not cluster.commands()
    assert "stamp" in result.said


def test_instances_older_than_the_newest_mark_are_in_doubt(cluster):
    # The masters failed this address over an hour ago: what is older may run anywhere.
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-5", ago(HOUR))
    older = cluster.workflow(start=ago(2 * HOUR))
    newer = cluster.workflow(start=ago(HOUR // 2))
    result = cluster.failover_master(code=3)
    assert cluster.states([older, newer]) == {older: 1, newer: 18}
    assert result.workflows["skipped"] == {"in_doubt": 1}


def test_at_the_mark_is_in_doubt_too(cluster):
    mark = ago(HOUR)
    cluster.registry.mark(f"{DEAD}-unknown-unknown", mark)
    at = cluster.workflow(start=mark)
    after = cluster.workflow(start=mark + 1)
    cluster.failover_master(code=3)
    assert cluster.states([at, after]) == {at: 1, after: 18}


def test_the_newest_of_the_marks_counts(cluster):
    cluster.registry.mark(f"{DEAD}-1-5", ago(9 * HOUR))
    cluster.registry.mark(f"{DEAD}-2-6", ago(HOUR))
    cluster.registry.mark(f"{DEAD}-unknown-unknown", ago(5 * HOUR))
    doubtful = cluster.workflow(start=ago(2 * HOUR))
    cluster.failover_master(code=3)
    assert cluster.state(doubtful) == 1


def test_a_fence_alone_does_not_make_an_address_failed_over(cluster):
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-77", 0)
    result = cluster.failover_master(code=0)
    assert result.master["outcome"] == "nothing_to_do"
    assert cluster.mark_value() is None


def test_a_fence_counts_nowhere_as_a_failover(cluster):
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-5", 0)
    workflow = cluster.workflow()
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


@pytest.mark.parametrize("value", ["rubbish", "", "12x", " 12"])
def test_an_unparsable_mark_of_the_address_puts_all_in_doubt(cluster, value):
    cluster.registry.mark(f"{DEAD}-7-5", value)
    workflow = cluster.workflow()
    result = cluster.failover_master(code=3)
    assert cluster.state(workflow) == 1
    assert result.workflows["skipped"] == {"in_doubt": 1}


def test_marks_of_others_raise_no_doubt(cluster):
    for name in (f"{OTHER_DEAD}-7-5", f"{DEAD}0-7-5", f"1{DEAD}-unknown-unknown", "rubbish"):
        cluster.registry.mark(name, now_ms())
    cluster.registry.mark(f"{OTHER_DEAD}-8-5", "rubbish")
    workflow = cluster.workflow()
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


@pytest.mark.parametrize("command_type, doubt", [(0, False), (1, False), (2, False), (3, True), (4, True),
                                                 (5, False), (6, False), (7, False), (None, False)])
def test_resumed_workflows_are_in_doubt(cluster, command_type, doubt):
    # A person resumed it after a pause or a failure: it may run on another master.
    workflow = cluster.workflow(command_type=command_type)
    cluster.failover_master(code=3 if doubt else 0)
    assert cluster.state(workflow) == (1 if doubt else 18)


@pytest.mark.parametrize("command_type", [3, 4])
def test_by_command_type_alone_it_is_never_running_elsewhere(cluster, command_type):
    workflow = cluster.workflow(command_type=command_type)
    cluster.task(workflow, submit=ago(SECOND))
    result = cluster.failover_master(code=3)
    assert result.workflows["skipped"] == {"in_doubt": 1}
    assert cluster.state(workflow) == 1


def test_activity_must_be_newer_than_every_master_s_newest_mark(cluster):
    # Since that activity another master died: it may have been the one that ran the workflow.
    cluster.registry.mark(f"{DEAD}-1-5", ago(HOUR))
    cluster.registry.mark(f"{OTHER_DEAD}-1-6", ago(10 * MINUTE))
    workflow = cluster.workflow(start=ago(2 * HOUR))
    task = cluster.task(workflow, submit=ago(20 * MINUTE))
    assert cluster.failover_master(code=3).workflows["skipped"] == {"in_doubt": 1}
    cluster.db.execute("UPDATE t_ds_task_instance SET end_time = ? WHERE id = ?",
                       databases.to_text(ago(5 * MINUTE)), task)
    assert cluster.failover_master().workflows["skipped"] == {"running_elsewhere": 1}


def test_failover_master_counts_the_doubtful_of_other_dead_masters(cluster):
    # The one that died now may have been running what another dead one once owned.
    cluster.registry.mark(f"{OTHER_DEAD}-1-5", ago(HOUR))
    elsewhere = cluster.workflow(host=OTHER_DEAD, start=ago(2 * HOUR))
    mine = cluster.workflow()
    result = cluster.failover_master(code=3)
    cluster.assert_failed_over_once([mine])
    assert cluster.state(elsewhere) == 1
    assert OTHER_DEAD in "\n".join(result["warnings"])


class TestLaterReleases:
    """Recovery sets the host: what still has a dead one is run by nobody."""

    @pytest.fixture
    def cluster(self, make_cluster):
        return make_cluster(release="3.3.1")

    def test_marks_and_command_types_raise_no_doubt(self, cluster):
        cluster.registry.mark(f"{DEAD}-1-5", ago(10 * MINUTE))
        cluster.registry.mark(f"{DEAD}-2-5", "rubbish")
        workflows = [cluster.workflow(command_type=kind) for kind in (0, 3, 4)]
        cluster.failover_master(code=0)
        cluster.assert_failed_over_once(workflows)

    def test_a_recovered_workflow_has_left_the_dead_host(self, cluster):
        workflow = recovered(cluster, release="3.3.1")
        assert cluster.instance(workflow)["host"] == ALIVE
        result = cluster.failover_master(code=0)
        assert result.workflows["selected"] == 0
        assert cluster.state(workflow) == 1 and not cluster.commands()

    def test_the_stamp_is_written_all_the_same(self, cluster):
        workflow = cluster.workflow()
        result = cluster.failover_master(code=0)
        assert cluster.registry.stamps(DEAD) == [result.master["stamp"]] == [cluster.restart_ms(workflow)]

    def test_an_instance_with_our_stamp_at_a_gone_address_is_failed_over_again(self, cluster):
        workflow = cluster.workflow()
        cluster.failover_master(code=0)
        stamp = cluster.restart_ms(workflow)
        cluster.db.execute("DELETE FROM t_ds_command")
        cluster.db.execute("UPDATE t_ds_workflow_instance SET state = 1 WHERE id = ?", workflow)
        result = cluster.failover_master(code=0)
        cluster.assert_failed_over_once([workflow])
        assert result.master["stamp"] > stamp
