"""failover-worker: each task by what became of its workflow's master."""

import json
import threading
import time

import pytest

from support.cluster import (ALIVE, DEAD, DEAD_WORKER, HOUR, MINUTE, OTHER_DEAD, ago, command_param, until)
from support.registries import LOCKS, MARKS

DISPATCH, RUNNING, SUCCESS, NEED_FAULT_TOLERANCE = 17, 1, 7, 8


def failover_worker(cluster, *arguments, address=DEAD_WORKER, **options):
    return cluster.run("failover-worker", address, *arguments, **options)


def routes(result):
    return {item["id"]: item["route"] for item in result["worker"]["tasks"]["items"]}


def task_row(cluster, task):
    return cluster.db.row("SELECT * FROM t_ds_task_instance WHERE id = ?", task)


def test_a_living_worker_is_refused(cluster):
    worker = cluster.register(DEAD_WORKER, worker=True)
    workflow = cluster.workflow()
    cluster.task(workflow)
    with cluster.nothing_changes():
        assert failover_worker(cluster, code=4)["outcome"] == "refused"
        failover_worker(cluster, "--startup-time", worker.startup_time, "--process-id", worker.process_id, code=4)


def test_nothing_to_do(cluster):
    """A mark for no task would only age the evidence of others."""
    cluster.task(cluster.workflow(), state=SUCCESS)
    started = ago(5 * HOUR)
    cluster.registry.mark(f"{DEAD_WORKER}-{started}-6", ago(HOUR))
    for more in ([], ["--startup-time", started, "--process-id", 6]):
        with cluster.nothing_changes():
            result = failover_worker(cluster, *more, code=0)
        assert result["worker"]["tasks"]["selected"] == 0
        assert result["worker"]["outcome"] == result["outcome"] == "nothing_to_do" and result["worker"]["mark"] is None


def test_without_tasks_an_exact_process_is_fenced(cluster):
    started = ago(5 * HOUR)
    process = ("--startup-time", started, "--process-id", 99)
    path = f"{MARKS}/{DEAD_WORKER}-{started}-99"
    planned = failover_worker(cluster, *process, "--dry-run", code=0)["worker"]["mark"]
    assert planned == {"path": path, "value": 0, "previous_value": None, "written": False}
    result = failover_worker(cluster, *process, code=0)
    assert result["worker"]["mark"] == {**planned, "written": True} and cluster.registry.get(path) == "0"
    with cluster.nothing_changes():
        failover_worker(cluster, *process, code=0)


def test_exactly_the_tasks_that_the_worker_may_have_been_running(cluster):
    event_time = ago(MINUTE)
    workflow = cluster.workflow(start=ago(3 * HOUR))
    selected = {cluster.task(workflow, state=state, name=f"t{state}") for state in (DISPATCH, RUNNING)}
    for number, state in enumerate((0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14)):
        cluster.task(workflow, state=state, name=f"o{number}")
    cluster.task(workflow, host="127.0.2.2:1234", name="other worker")
    cluster.task(workflow, host=None, name="no worker")
    cluster.task(workflow, flag=0, name="replaced")
    cluster.task(workflow, submit=event_time, name="submitted at the deadline")
    finished = cluster.workflow(state=7)
    cluster.task(finished, name="of a finished workflow")
    result = failover_worker(cluster, "--event-time", event_time, "--dry-run", code=(0, 3))
    assert set(routes(result)) == selected
    assert result["worker"]["tasks"]["selected"] == 2


def test_a_gone_master_is_failed_over_whole(cluster):
    with_task, without_task = cluster.workflow(), cluster.workflow(state=4)
    task = cluster.task(with_task)
    before = task_row(cluster, task)
    result = failover_worker(cluster, code=0)
    assert routes(result) == {task: "workflow_failover"}
    cluster.assert_failed_over_once([with_task, without_task])
    assert {c["command_param"] for c in cluster.commands()} == {command_param(1), command_param(4)}
    assert result.master_of(DEAD)["outcome"] == "completed"
    # The recovering master takes the task over from the worker or starts it anew, by itself.
    assert task_row(cluster, task) == before
    marks = cluster.registry.marks()
    assert f"{DEAD}-unknown-unknown" in marks
    assert marks[f"{DEAD_WORKER}-unknown-unknown"] == str(result["worker"]["deadline"])


def test_the_worker_s_mark_is_the_exact_one_where_the_process_is_known(cluster):
    workflow = cluster.workflow()
    cluster.task(workflow)
    started = ago(5 * HOUR)
    failover_worker(cluster, "--startup-time", started, "--process-id", 99, code=0)
    assert f"{DEAD_WORKER}-{started}-99" in cluster.registry.marks()


@pytest.mark.parametrize("exact", [False, True])
def test_a_dry_run_shows_the_mark(cluster, exact):
    cluster.task(cluster.workflow())
    cluster.task(cluster.workflow(host=ALIVE))
    started = ago(5 * HOUR)
    process = ("--startup-time", started, "--process-id", 99) if exact else ()
    name = f"{DEAD_WORKER}-{started}-99" if exact else f"{DEAD_WORKER}-unknown-unknown"
    event_time = ago(MINUTE)
    cluster.registry.mark(name, ago(HOUR) if exact else "odd")
    previous = int(cluster.mark_value(name)) if exact else "odd"
    with cluster.nothing_changes():
        result = failover_worker(cluster, *process, "--event-time", event_time, "--dry-run", code=0)
    assert result["worker"]["mark"] == {"path": f"{MARKS}/{name}", "value": event_time, "previous_value": previous,
                                        "written": False}
    assert result["worker"]["outcome"] == "planned"


@pytest.mark.parametrize("what", ["stuck", "not announced", "in doubt", "beyond the limit"])
def test_nor_does_a_dry_run_where_there_will_be_none(cluster, what):
    task = cluster.task(cluster.workflow())
    more = []
    if what == "stuck":
        cluster.task(cluster.workflow(state=18))
    elif what == "not announced":
        cluster.task(cluster.workflow(host=ALIVE))
        more = ["--no-announce"]
    elif what == "in doubt":
        cluster.alive.leave()
        cluster.task(cluster.workflow(command_type=3))
    else:
        cluster.workflow()
        more = ["--limit", 1]
    result = failover_worker(cluster, "--dry-run", *more, code=3)
    assert result["worker"]["mark"] is None and task in routes(result)


def test_redispatch_replaces_the_task_in_the_same_transaction(cluster):
    workflow = cluster.workflow()
    task = cluster.task(workflow, start=ago(20 * MINUTE), pid=77, app_link="application_1")
    before = task_row(cluster, task)
    result = failover_worker(cluster, "--redispatch", code=0)
    assert routes(result) == {task: "redispatched"}
    cluster.assert_failed_over_once([workflow])
    old = task_row(cluster, task)
    assert (old["flag"], old["state"]) == (0, NEED_FAULT_TOLERANCE)
    [clone] = cluster.db.rows("SELECT * FROM t_ds_task_instance WHERE workflow_instance_id = ? AND id <> ?",
                              workflow, task)
    assert (clone["state"], clone["flag"], clone["test_flag"]) == (0, 1, 0)
    for column in ("host", "var_pool", "log_path", "execute_path"):
        assert clone[column] is None, column
    assert cluster.db_ms(clone["submit_time"]) >= cluster.db_ms(before["submit_time"])
    for column in ("name", "task_type", "task_code", "task_definition_version", "workflow_instance_id", "project_code",
                   "worker_group", "environment_code", "retry_times", "executor_id", "first_submit_time", "dry_run",
                   "task_params", "task_group_id", "max_retry_times", "cpu_quota", "memory_max"):
        assert clone[column] == before[column], column


def test_nothing_is_redispatched_for_a_worker_that_comes_back(cluster):
    workflow = cluster.workflow()
    task = cluster.task(workflow)
    before = task_row(cluster, task)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-worker", DEAD_WORKER, "--redispatch")
    until(lambda: cluster.registry.stamps(DEAD))
    cluster.register(DEAD_WORKER, worker=True)
    writer.execute("ROLLBACK")
    run.finish(4)
    assert task_row(cluster, task) == before
    assert cluster.state(workflow) == 1 and not cluster.commands()


def test_redispatch_on_a_schema_without_test_flag(make_cluster):
    cluster = make_cluster(release="3.3.1")
    workflow = cluster.workflow()
    task = cluster.task(workflow)
    failover_worker(cluster, "--redispatch", code=0)
    assert task_row(cluster, task)["flag"] == 0
    assert cluster.db.value("SELECT count(*) FROM t_ds_task_instance WHERE workflow_instance_id = ? AND flag = 1",
                            workflow) == 1
    cluster.assert_failed_over_once([workflow])


def test_redispatched_twice_leaves_one_valid_row(cluster):
    workflow = cluster.workflow()
    cluster.task(workflow)
    for _ in range(2):
        failover_worker(cluster, "--redispatch", code=(0, 3))
    assert cluster.db.value("SELECT count(*) FROM t_ds_task_instance WHERE workflow_instance_id = ? AND flag = 1",
                            workflow) == 1
    cluster.assert_failed_over_once([workflow])


def test_a_living_master_s_tasks_are_never_edited(cluster):
    workflow = cluster.workflow(host=ALIVE)
    task = cluster.task(workflow)
    row = task_row(cluster, task)
    for extra in ([], ["--redispatch"]):
        result = failover_worker(cluster, "--no-announce", *extra)
        assert routes(result)[task] == "announced"
        assert task_row(cluster, task) == row and cluster.state(workflow) == 1
    assert not cluster.commands()


def test_waiting_for_recovery_is_pending_with_a_command_and_stuck_without(cluster):
    waiting, stuck = cluster.workflow(state=18), cluster.workflow(state=18)
    cluster.db.insert("t_ds_command", command_type=2, workflow_definition_code=1, workflow_definition_version=1,
                      workflow_instance_id=waiting, command_param=command_param(1))
    tasks = {cluster.task(waiting): "pending", cluster.task(stuck): "stuck"}
    result = failover_worker(cluster, code=3)
    assert routes(result) == tasks
    assert "requeue" in result.said
    assert len(cluster.commands()) == 1


def test_a_doubtful_workflow_is_not_failed_over_on_the_way(cluster):
    cluster.registry.mark(f"{DEAD}-1-5", ago(10 * MINUTE))
    doubtful = cluster.workflow(start=ago(HOUR))
    task = cluster.task(doubtful)
    result = failover_worker(cluster, "--no-announce", code=3)
    assert cluster.state(doubtful) == 1 and not cluster.commands()
    assert routes(result)[task] == "announced"


def test_a_mark_of_the_worker_does_not_mean_done(cluster):
    cluster.registry.mark(f"{DEAD_WORKER}-1-2", ago(MINUTE))
    cluster.registry.mark(f"{DEAD_WORKER}-unknown-unknown", ago(MINUTE))
    workflow = cluster.workflow()
    cluster.task(workflow)
    failover_worker(cluster, code=0)
    cluster.assert_failed_over_once([workflow])


def test_a_newer_mark_of_the_worker_is_kept(cluster):
    newer = ago(-2000)
    cluster.registry.mark(f"{DEAD_WORKER}-unknown-unknown", newer)
    workflow = cluster.workflow()
    cluster.task(workflow)
    failover_worker(cluster, "--event-time", ago(MINUTE), code=(0, 3))
    assert cluster.mark_value(f"{DEAD_WORKER}-unknown-unknown") == str(newer)


def test_a_restarted_worker_s_old_tasks_cannot_be_announced(cluster):
    new = ago(10 * MINUTE)
    cluster.register(DEAD_WORKER, worker=True, startup_time=new)
    workflow = cluster.workflow(host=ALIVE)
    old = cluster.task(workflow, submit=ago(20 * MINUTE), name="old")
    cluster.task(workflow, submit=ago(5 * MINUTE), name="new")
    result = failover_worker(cluster, "--startup-time", ago(5 * HOUR), "--process-id", 9, code=3)
    assert result["worker"]["deadline"] == new
    assert routes(result) == {old: "not_announceable"}
    assert ALIVE in result.said
    # The living process's node is untouched.
    assert cluster.registry.get(f"/nodes/worker/{DEAD_WORKER}") is not None


def test_several_gone_masters_on_the_way(cluster):
    workflows = [cluster.workflow(), cluster.workflow(host=OTHER_DEAD)]
    for workflow in workflows:
        cluster.task(workflow)
    result = failover_worker(cluster, code=0)
    cluster.assert_failed_over_once(workflows)
    assert {m["address"] for m in result["masters"]} >= {DEAD, OTHER_DEAD}


def test_a_lock_held_by_another_ends_in_exit_5(cluster):
    workflow = cluster.workflow()
    cluster.task(workflow)
    lock = cluster.registry.lock(DEAD).wait()
    failover_worker(cluster, "--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1
    assert f"{DEAD_WORKER}-unknown-unknown" not in cluster.registry.marks()
    lock.release()


def test_a_worker_that_comes_back_while_its_masters_are_failed_over_gets_no_mark(cluster):
    """An exact mark would make it stop itself."""
    workflow = cluster.workflow()
    cluster.task(workflow)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    started = ago(5 * HOUR)
    run = cluster.start("failover-worker", DEAD_WORKER, "--startup-time", started, "--process-id", 99)
    until(lambda: cluster.registry.stamps(DEAD))
    cluster.register(DEAD_WORKER, worker=True, startup_time=started, process_id=99)
    writer.execute("ROLLBACK")
    result = run.finish(4)
    cluster.assert_failed_over_once([workflow])  # that is its master's affair, and was right
    assert result["worker"]["outcome"] == "refused" and result["worker"]["mark"] is None
    assert f"{DEAD_WORKER}-{started}-99" not in cluster.registry.marks()


def test_a_lost_lock_does_not_hide_that_the_worker_came_back(make_cluster):
    """It goes between the last commit and the master's mark: exit 5, and the worker's return counts all the same."""
    cluster = make_cluster(database="postgresql")
    workflow = cluster.workflow()
    cluster.task(workflow)
    holder, queued = cluster.db.clone(), cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflow)
    run = cluster.start("failover-worker", DEAD_WORKER)
    until(lambda: cluster.registry.stamps(DEAD))
    queued.execute("BEGIN")
    # Next after the run's transaction, which waits for the holder, and before its second reading.
    lock = threading.Thread(target=queued.execute,
                            args=("LOCK TABLE t_ds_workflow_instance IN ACCESS EXCLUSIVE MODE",), daemon=True)
    lock.start()
    until(lambda: cluster.db.value("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"))
    holder.execute("ROLLBACK")
    until(cluster.commands)
    lock.join(20)
    cluster.lose_lock()
    cluster.register(DEAD_WORKER, worker=True)
    queued.execute("ROLLBACK")
    result = run.finish(5)
    for connection in (holder, queued):
        connection.close()
    cluster.assert_failed_over_once([workflow])
    assert result["worker"]["outcome"] == "refused" and result["worker"]["mark"] is None
    assert any("no mark was written" in error and DEAD_WORKER in error for error in result["errors"])
    assert not [name for name in cluster.registry.marks() if name.startswith(DEAD_WORKER)]


def test_another_master_s_return_does_not_label_the_worker(cluster):
    failed_over, left = cluster.workflow(), cluster.workflow(host=OTHER_DEAD)
    for workflow in (failed_over, left):
        cluster.task(workflow)
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-worker", DEAD_WORKER, "--lock-timeout", "60s")
    until(lambda: len(cluster.registry.folder(f"{LOCKS}/{DEAD}")) > 1)
    cluster.register(OTHER_DEAD)
    time.sleep(2.5)  # it looks once a second
    lock.release()
    result = run.finish(4)
    cluster.assert_failed_over_once([failed_over])
    assert cluster.state(left) == 1
    assert result.master_of(OTHER_DEAD)["outcome"] == "refused"
    assert result["worker"]["outcome"] == "partial" and result["worker"]["mark"] is None
    assert f"{DEAD_WORKER}-unknown-unknown" not in cluster.registry.marks()


def test_another_master_s_trouble_keeps_no_mark_from_a_worker_all_of_whose_tasks_are_dealt_with(cluster):
    """One workflow of the master cannot be failed over; none of its tasks was the worker's."""
    good, bad = cluster.workflow(), cluster.workflow()
    task = cluster.task(good)
    cluster.db.execute("CREATE TRIGGER no BEFORE INSERT ON t_ds_command WHEN NEW.workflow_instance_id = "
                       f"{bad} BEGIN SELECT RAISE(ABORT, 'no'); END")
    result = failover_worker(cluster, code=3)
    cluster.assert_failed_over_once([good])
    assert routes(result) == {task: "workflow_failover"} and result.master_of(DEAD)["outcome"] == "partial"
    assert result["worker"]["outcome"] == "completed"
    assert cluster.mark_value(f"{DEAD_WORKER}-unknown-unknown") == str(result["worker"]["deadline"])


def test_redispatch_is_not_for_a_worker_that_was_restarted(cluster):
    cluster.register(DEAD_WORKER, worker=True, startup_time=ago(10 * MINUTE))
    workflow = cluster.workflow()
    task = cluster.task(workflow, submit=ago(20 * MINUTE))
    before = task_row(cluster, task)
    result = failover_worker(cluster, "--redispatch", "--startup-time", ago(5 * HOUR), "--process-id", 9, code=0)
    assert routes(result) == {task: "workflow_failover"} and task_row(cluster, task) == before
    cluster.assert_failed_over_once([workflow])


def test_a_workflow_without_a_host_is_stuck(cluster):
    task = cluster.task(cluster.workflow(host=None))
    result = failover_worker(cluster, code=3)
    item, = result["worker"]["tasks"]["items"]
    assert (item["id"], item["route"], item["outcome"]) == (task, "stuck", "left") and "no host" in item["reason"]


def test_a_leaked_lock_is_named_because_it_makes_masters_deaf(cluster):
    lock = cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{DEAD}-unknown-unknown", ago(MINUTE))
    cluster.task(cluster.workflow(host=ALIVE))
    said = failover_worker(cluster, "--no-announce", code=3).said
    assert "suspected leaked" in said and ALIVE in said and "workers included" in said
    lock.release()


def test_interrupted_after_a_commit_it_tells_what_was_done(make_cluster, tmp_path):
    cluster = make_cluster(database="postgresql")
    workflows = [cluster.workflow(), cluster.workflow(host=OTHER_DEAD)]
    tasks = [cluster.task(workflow) for workflow in workflows]
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflows[1])
    log = tmp_path / "audit.log"
    run = cluster.start("failover-worker", DEAD_WORKER, "--redispatch", "--audit-log", log)
    until(cluster.commands)
    run.interrupt()
    holder.execute("ROLLBACK")
    holder.close()
    result = run.finish(130)
    done = {task for task in tasks if task_row(cluster, task)["flag"] == 0}
    assert tasks[0] in done and result["worker"]["outcome"] == "interrupted"
    assert {item["id"] for item in result["worker"]["tasks"]["items"] if item["outcome"] == "redispatched"} == done
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert {entry["id"] for entry in entries if entry["kind"] == "task"} == done


def test_interrupted_in_its_grace_time(cluster):
    cluster.task(cluster.workflow())
    run = cluster.start("failover-worker", DEAD_WORKER, environment={"DSFAILOVER_GRACE": "60s"})
    until(lambda: "(--grace)" in run.stderr_so_far())
    run.interrupt()
    assert run.finish(130)["worker"]["outcome"] == "interrupted"


# -- announcing the departure


def test_the_departure_is_announced_to_the_living_masters(cluster):
    """A watcher sees the worker come, BUSY, with a heartbeat it can parse, and go again."""
    seen = []
    path = cluster.registry.full("/nodes/worker")

    @cluster.registry.client.ChildrenWatch(path)
    def changed(children):
        seen.append(DEAD_WORKER in children)
        if DEAD_WORKER in children:
            value, stat = cluster.registry.client.get(f"{path}/{DEAD_WORKER}")
            seen.append((json.loads(value), stat.ephemeralOwner != 0))

    workflow = cluster.workflow(host=ALIVE)
    task = cluster.task(workflow)
    started = ago(5 * HOUR)
    result = failover_worker(cluster, "--startup-time", started, "--process-id", 99, "--wait", "0s", code=3)
    assert routes(result) == {task: "announced"} and result["worker"]["announced"] is True
    states = [each for each in seen if isinstance(each, bool)]
    assert states == [False, True, False]
    [(heartbeat, ephemeral)] = [each for each in seen if isinstance(each, tuple)]
    assert ephemeral
    assert heartbeat["serverStatus"] == "BUSY"
    assert (heartbeat["startupTime"], heartbeat["processId"]) == (started, 99)
    assert (heartbeat["host"], heartbeat["port"]) == ("127.0.2.1", 1234)
    assert result.seconds >= 2


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_the_announcement_never_outlives_the_run(cluster, number):
    import signal
    workflow = cluster.workflow(host=ALIVE)
    cluster.task(workflow)
    run = cluster.start("failover-worker", DEAD_WORKER)
    until(lambda: cluster.registry.get(f"/nodes/worker/{DEAD_WORKER}") is not None)
    run.interrupt(getattr(signal, number))
    result = run.finish({"SIGINT": 130, "SIGTERM": 143}[number])
    assert cluster.registry.get(f"/nodes/worker/{DEAD_WORKER}") is None
    # Masters saw it come and go.
    assert result["worker"]["announced"] is True and result["worker"]["outcome"] == "interrupted"
    assert [item["outcome"] for item in result["worker"]["tasks"]["items"]] == ["announced"]
