"""A run cut short, and the next one in another zone: whose work is whose shows all the same."""

from support.cluster import DEAD, HOUR, MINUTE, SimulatedMaster, ago, now_ms


def test_what_was_failed_over_in_one_zone_is_known_in_another(cluster):
    """The rows are UTC. The first run says so and is cut short, the second says Shanghai."""
    workflows = cluster.workflows(3)
    cluster.failover_master("--limit", "2", code=3)
    master = SimulatedMaster(cluster)
    assert master.consume_all() == 2
    master.db.close()
    recovered = [w for w, state in cluster.states(workflows).items() if state == 1 and cluster.restart_ms(w)]
    assert len(recovered) == 2
    cluster.failover_master("--time-zone", "Asia/Shanghai", code=(3, 6))
    counts = cluster.commands_per_workflow()
    assert all(counts.get(workflow, 0) == 0 for workflow in recovered), "a second command"


def test_a_run_killed_in_a_zone_that_is_behind_leaves_rows_ahead(cluster):
    """The other way round the first run's stamps lie hours ahead, and nothing is written over them."""
    workflows = cluster.workflows(3)
    result = cluster.failover_master("--limit", "2", "--time-zone", "Asia/Shanghai", code=3)
    assert "as UTC the newest row is" in result.said
    master = SimulatedMaster(cluster)
    assert master.consume_all() == 2
    master.db.close()
    with cluster.nothing_changes():
        result = cluster.failover_master(code=6)
    assert "give --time-zone Asia/Shanghai" in result.said
    assert set(cluster.states(workflows).values()) == {1}


def test_two_runs_side_by_side_in_two_zones(cluster):
    """One in a zone that the rows contradict writes nothing, whatever the other does."""
    workflows = cluster.workflows(20, start=ago(HOUR))
    cluster.task(cluster.quiet, state=7, submit=now_ms() - MINUTE)
    runs = [cluster.start("failover-master", DEAD, "--time-zone", zone)
            for zone in ("UTC", "America/New_York")]
    codes = sorted(run.finish().code for run in runs)
    assert codes == [0, 6]
    cluster.assert_failed_over_once(workflows)
