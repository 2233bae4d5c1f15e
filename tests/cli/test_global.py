"""global: every master that owns unfinished workflows and is gone or was restarted."""

import pytest

from support.cluster import (ALIVE, DEAD, DEAD_WORKER, HOUR, MINUTE, OTHER_DEAD, SimulatedMaster, ago, now_ms, until)


def addresses(result):
    return {master["address"] for master in result["masters"]}


def test_every_gone_master_and_no_living_one(cluster):
    mine = cluster.workflows(3)
    others = cluster.workflows(2, host=OTHER_DEAD, state=4)
    living = cluster.workflows(2, host=ALIVE)
    for workflow in living:
        cluster.task(workflow, submit=ago(MINUTE))
    result = cluster.run("global", code=0)
    cluster.assert_failed_over_once(mine + others)
    assert set(cluster.states(living).values()) == {1}
    assert result["event"]["type"] == "GlobalMasterFailoverEvent"
    assert addresses(result) >= {DEAD, OTHER_DEAD}
    assert set(cluster.registry.marks()) == {f"{DEAD}-unknown-unknown", f"{OTHER_DEAD}-unknown-unknown"}


def test_one_event_time_for_all(cluster):
    cluster.workflow()
    cluster.workflow(host=OTHER_DEAD)
    begun = now_ms()
    result = cluster.run("global", code=0)
    deadlines = {result.master_of(a)["deadline"] for a in (DEAD, OTHER_DEAD)}
    assert len(deadlines) == 1 and begun <= deadlines.pop() <= now_ms()
    marks = cluster.registry.marks()
    assert set(marks.values()) == {str(result.master_of(DEAD)["deadline"])}


def test_a_restarted_master_s_old_workflows(cluster):
    restarted = "127.0.1.8:5678"
    cluster.register(restarted, startup_time=ago(10 * MINUTE))
    old = cluster.workflow(host=restarted, start=ago(2 * HOUR))
    cluster.task(old, submit=ago(HOUR))
    new = cluster.workflow(host=restarted, start=ago(5 * MINUTE))
    cluster.task(new, submit=ago(4 * MINUTE))
    result = cluster.run("global", code=0)
    assert cluster.states([old, new]) == {old: 18, new: 1}
    master = result.master_of(restarted)
    assert master["alive"] is True
    assert cluster.mark_value(f"{restarted}-unknown-unknown") == str(master["deadline"])


def test_addresses_with_nothing_to_do_get_no_lock_and_no_mark(cluster):
    lock = cluster.registry.lock(ALIVE).wait()  # would make us wait
    mine = cluster.workflow()
    result = cluster.run("global", "--lock-timeout", "3s", code=0)
    cluster.assert_failed_over_once([mine])
    assert f"{ALIVE}-unknown-unknown" not in cluster.registry.marks()
    assert result.seconds < 3
    lock.release()


def test_one_lock_that_does_not_come_does_not_keep_the_others(cluster):
    held, free = cluster.workflow(), cluster.workflow(host=OTHER_DEAD)
    lock = cluster.registry.lock(DEAD).wait()
    result = cluster.run("global", "--lock-timeout", "2s", code=5)
    assert cluster.states([held, free]) == {held: 1, free: 18}
    assert result.master_of(OTHER_DEAD)["outcome"] == "completed"
    assert set(cluster.registry.marks()) == {f"{OTHER_DEAD}-unknown-unknown"}
    lock.release()


def test_several_locks_share_one_time_limit(cluster):
    hosts = [f"127.0.5.{number}:5678" for number in range(4)]
    for host in hosts:
        cluster.workflow(host=host)
    locks = [cluster.registry.lock(host).wait() for host in hosts]
    result = cluster.run("global", "--lock-timeout", "3s", code=5)
    assert result.seconds < 8
    for lock in locks:
        lock.release()


def test_an_empty_cluster(cluster):
    with cluster.nothing_changes():
        result = cluster.run("global", code=0)
    assert result["outcome"] == "nothing_to_do"


def test_limit_counts_over_all_addresses(cluster):
    workflows = cluster.workflows(3) + cluster.workflows(3, host=OTHER_DEAD)
    result = cluster.run("global", "--limit", "4", code=3)
    assert len(cluster.commands()) == 4
    assert sum(m["workflows"]["failed_over"] for m in result["masters"]) == 4
    # Only an address of which nothing is left gets its mark.
    for master in result["masters"]:
        done = master["workflows"]["failed_over"] == 3
        assert (f"{master['address']}-unknown-unknown" in cluster.registry.marks()) == done
    cluster.run("global", code=0)
    cluster.assert_failed_over_once(workflows)


def test_twice(cluster):
    workflows = cluster.workflows(3)
    cluster.run("global", code=0)
    with cluster.nothing_changes():
        cluster.run("global", code=0)
    cluster.assert_failed_over_once(workflows)


def test_it_does_not_send_people_to_itself(cluster):
    workflow = cluster.workflow()
    run = cluster.start("global", environment={"DSFAILOVER_GRACE": "60s"})
    until(lambda: "(--grace)" in run.stderr_so_far())
    cluster.register(DEAD)
    result = run.finish(4)
    assert "came back" in result.said and "by the command global" not in result.said
    assert "when this command is run again" in result.said and cluster.state(workflow) == 1


@pytest.mark.parametrize("came", [False, True])
def test_whether_a_master_lives_is_looked_at_again_at_the_end(make_cluster, came):
    cluster = make_cluster(living=False)
    workflow = cluster.workflow()
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("global")
    until(lambda: cluster.registry.stamps(DEAD))
    if came:
        cluster.register(ALIVE)
    writer.execute("ROLLBACK")
    writer.close()
    result = run.finish(0)
    assert ("No master is alive" in result.said) is not came
    cluster.assert_failed_over_once([workflow])


@pytest.mark.parametrize("command", [["global"], ["failover-master", DEAD], ["failover-worker", DEAD_WORKER]])
def test_parents_whose_child_runs_too_are_named(cluster, command):
    parents = cluster.workflows(2)
    children = [cluster.workflow(host=ALIVE), cluster.workflow(), cluster.workflow(state=7)]
    cluster.task(parents[0])
    lonely = cluster.workflow()
    for parent, child in ((parents[0], children[0]), (parents[1], children[1]), (lonely, children[2])):
        cluster.db.insert("t_ds_relation_workflow_instance", parent_workflow_instance_id=parent,
                          parent_task_instance_id=1, workflow_instance_id=child)
    names = {workflow: cluster.instance(workflow)["name"] for workflow in (*parents, *children, lonely)}
    for more in (["--dry-run"], []):
        warning, = [each for each in cluster.run(*command, *more, code=0)["warnings"] if "child" in each]
        for workflow in (*parents, *children[:2]):
            assert f"{workflow} ({names[workflow]}" in warning
        assert f"RUNNING_EXECUTION at {ALIVE}" in warning and names[lonely] not in warning


def test_a_hundred_dead_masters(cluster):
    hosts = [f"127.1.0.{number}:5678" for number in range(100)]
    workflows = [w for host in hosts for w in cluster.workflows(5, host=host)]
    result = cluster.run("global", code=0)
    cluster.assert_failed_over_once(workflows)
    assert len(cluster.registry.marks()) == 100
    assert len(result["masters"]) >= 100


def test_the_doubtful_are_listed_and_left(cluster):
    workflow = cluster.workflow()
    cluster.run("global", code=0)
    master = SimulatedMaster(cluster)
    assert master.consume_all() == 1
    master.db.close()
    result = cluster.run("global", code=3)
    assert result.master_of(DEAD)["workflows"]["skipped"] == {"settling": 1}
    cluster.age_handovers()
    result = cluster.run("global", code=3)
    assert result.master_of(DEAD)["workflows"]["skipped"] == {"in_doubt": 1}
    item, = result.master_of(DEAD)["workflows"]["items"]
    assert (item["id"], item["name"]) == (workflow, cluster.instance(workflow)["name"])
    assert cluster.state(workflow) == 1
    cluster.run("global", "--in-doubt", str(workflow), code=0)
    assert cluster.state(workflow) == 18


def test_ownerless_are_counted_and_never_guessed(cluster):
    lost = cluster.workflow(host=None)
    result = cluster.run("global", code=(0, 3))
    assert cluster.state(lost) == 1
    assert "ownerless" in result.said or "no host" in result.said


def test_finished_addresses_stay_done_while_one_comes_back(cluster):
    lower, upper = cluster.workflows(10, host="127.0.1.1:1000"), cluster.workflows(10, host="127.0.1.9:1000")
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("global")
    until(lambda: cluster.registry.stamps("127.0.1.1:1000"))
    cluster.register("127.0.1.9:1000", startup_time=ago(HOUR))
    writer.execute("ROLLBACK")
    run.finish((3, 4))
    assert set(cluster.states(upper).values()) == {1}
    assert set(cluster.states(lower).values()) <= {1, 18}
    assert "127.0.1.9:1000-unknown-unknown" not in cluster.registry.marks()
