"""--dry-run reads everything and writes nothing."""

import pytest

from support.cluster import ALIVE, DEAD, HOUR, OTHER_DEAD, ago


@pytest.mark.parametrize("release", ["3.3.0", "3.3.1"])
def test_failover_master_plans_and_touches_nothing(make_cluster, release):
    cluster = make_cluster(release=release)
    workflows = [cluster.workflow(state=state) for state in (1, 2, 4)]
    cluster.workflow(state=7)
    with cluster.nothing_changes():
        result = cluster.failover_master("--dry-run", code=0)
    assert result["dry_run"] is True and result["outcome"] == "planned"
    assert result.workflows["selected"] == 3 and result.workflows["failed_over"] == 0
    assert result.items("id", "outcome") == {(workflow, "planned") for workflow in workflows}
    assert result.master["mark"] == {"path": f"/nodes/failover-finish-nodes/{DEAD}-unknown-unknown",
                                     "value": result.master["deadline"], "previous_value": None, "written": False}


def test_a_mark_is_to_be_written_only_where_the_run_would_write_one(cluster):
    cluster.workflows(2)
    plan = ("--dry-run", "--format", "table")
    assert "to be written" in cluster.failover_master(*plan).stdout
    limited = cluster.failover_master("--dry-run", "--limit", "1", code=3)
    assert limited.master["mark"] is None
    cluster.failover_master(code=0)
    again = cluster.failover_master(*plan).stdout
    assert "already_failed_over" in again and "not written" in again


def test_the_run_does_what_the_plan_said(cluster):
    cluster.workflows(3)
    cluster.workflow(restart=ago(10))
    cluster.workflow(start=ago(-1000))
    event_time = ago(60_000)
    plan = cluster.failover_master("--dry-run", "--event-time", event_time)
    run = cluster.failover_master("--event-time", event_time)
    assert plan.items("id") == run.items("id")
    assert plan.workflows["selected"] == run.workflows["failed_over"]
    assert plan.workflows["skipped"] == run.workflows["skipped"]
    assert plan.master["deadline"] == run.master["deadline"] == event_time


def test_global_plans_and_touches_nothing(cluster):
    cluster.workflows(2)
    cluster.workflows(3, host=OTHER_DEAD)
    with cluster.nothing_changes():
        result = cluster.run("global", "--dry-run", code=0)
    assert result["outcome"] == "planned"
    assert {m["address"]: m["workflows"]["selected"] for m in result["masters"]} == {
        DEAD: 2, OTHER_DEAD: 3}


def test_it_waits_for_nothing_and_takes_no_lock(cluster):
    cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    result = cluster.failover_master("--dry-run", "--grace", "10m", "--lock-timeout", "10m", timeout=20)
    lock.release()
    assert result.code == 0 and result["outcome"] == "planned"
    assert result.seconds < 10


def test_a_living_master_is_refused_in_a_dry_run_too(cluster):
    with cluster.nothing_changes():
        result = cluster.failover_master("--dry-run", address=ALIVE, code=4)
    assert result["outcome"] == "refused"


def test_clean_marks_plans_and_touches_nothing(cluster):
    cluster.registry.mark(f"{OTHER_DEAD}-1-2", ago(9 * 24 * HOUR))
    with cluster.nothing_changes():
        result = cluster.run("clean-marks", "--dry-run", code=0)
    assert result["outcome"] == "planned"
    assert [item["outcome"] for item in result["marks"]["items"]] == ["planned"]


def test_failover_worker_plans_and_touches_nothing(cluster):
    workflow = cluster.workflow()
    cluster.task(workflow)
    with cluster.nothing_changes():
        result = cluster.run("failover-worker", "127.0.2.1:1234", "--dry-run", code=(0, 3))
    assert result["worker"]["tasks"]["selected"] == 1
    assert result["worker"]["tasks"]["routes"] == {"workflow_failover": 1}


def test_no_audit_log_is_made(cluster, tmp_path):
    cluster.workflow()
    log = tmp_path / "audit.jsonl"
    cluster.failover_master("--dry-run", "--audit-log", log, code=0)
    assert not log.exists()
