"""--fence makes a living, hung server stop itself first; --wait sees recovery happen."""

import json
import re
import signal
import threading
import time

import pytest

from support import databases
from support.cluster import (ALIVE, DEAD, DEAD_WORKER, HOUR, MINUTE, SimulatedMaster, ago, command_param,
                             until)
from support.proxy import Proxy
from support.registries import MARKS, MASTERS, heartbeat


class ObedientServer(threading.Thread):
    """Stops itself when its heartbeat finds its own exact mark, as a master does."""

    def __init__(self, cluster, server):
        super().__init__(daemon=True)
        self.cluster, self.server, self.value = cluster, server, None
        self.mark = f"{server.address}-{server.startup_time}-{server.process_id}"
        self.start()

    def run(self):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.value is None:
            self.value = self.cluster.registry.get(f"{MARKS}/{self.mark}")
            time.sleep(0.1)
        time.sleep(1)
        self.server.leave()


def test_a_hung_master_stops_and_is_failed_over(cluster):
    hung = cluster.register(DEAD)
    workflow = cluster.workflow()
    obedient = ObedientServer(cluster, hung)
    result = cluster.failover_master("--fence", code=0)
    cluster.assert_failed_over_once([workflow])
    assert obedient.value == "0"  # a value that counts nowhere as a finished failover
    assert result.master["fence"]["stopped"] is True
    assert result.master["fence"]["path"].endswith(obedient.mark)
    assert cluster.mark_value(obedient.mark) == str(result.master["deadline"])


def test_one_that_ignores_its_mark_is_left_and_the_mark_taken_away(cluster):
    hung = cluster.register(DEAD)
    workflow = cluster.workflow()
    result = cluster.failover_master("--fence", "--fence-timeout", "3s", code=4)
    assert 3 <= result.seconds < 15
    assert cluster.state(workflow) == 1 and not cluster.commands()
    assert cluster.registry.marks() == {} and not cluster.registry.locked(DEAD)
    assert result.master["fence"]["stopped"] is False
    assert str(hung.startup_time) in str(result.master["fence"]["path"])


def test_a_fence_left_by_a_killed_run_is_taken_away_too(cluster):
    hung = cluster.register(DEAD)
    cluster.registry.mark(f"{DEAD}-{hung.startup_time}-{hung.process_id}", 0)
    cluster.failover_master("--fence", "--fence-timeout", "2s", code=4)
    assert cluster.registry.marks() == {}


def test_another_process_than_the_one_named_is_not_fenced(cluster):
    new = cluster.register(DEAD, startup_time=ago(20 * MINUTE))
    workflow = cluster.workflow(start=ago(3 * HOUR))
    cluster.task(workflow, submit=ago(2 * HOUR))
    cluster.failover_master("--fence", "--startup-time", ago(9 * HOUR), "--process-id", 7, code=0)
    cluster.assert_failed_over_once([workflow])
    assert cluster.mark_value(f"{DEAD}-{new.startup_time}-{new.process_id}") is None
    assert DEAD in cluster.registry.folder(MASTERS)


def test_the_process_named_is_fenced(cluster):
    hung = cluster.register(DEAD)
    cluster.workflow()
    ObedientServer(cluster, hung)
    cluster.failover_master("--fence", "--startup-time", hung.startup_time, "--process-id", hung.process_id, code=0)
    assert DEAD not in cluster.registry.folder(MASTERS)


def test_a_heartbeat_that_cannot_be_read_cannot_be_fenced(cluster):
    cluster.register(DEAD, value="no JSON")
    cluster.workflow()
    with cluster.nothing_changes():
        cluster.failover_master("--fence", code=4)


def test_a_dry_run_fences_nobody(cluster):
    cluster.register(DEAD)
    cluster.workflow()
    with cluster.nothing_changes():
        result = cluster.failover_master("--fence", "--dry-run")
    assert result.code in (0, 4)


@pytest.fixture
def hang_up_is_noticed():
    """By a run, which would inherit that it is ignored if the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up_is_noticed")
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_interrupted_while_fencing_the_mark_is_taken_away(cluster, number, code):
    cluster.register(DEAD)
    run = cluster.start("failover-master", DEAD, "--fence", "--fence-timeout", "60s")
    until(lambda: cluster.registry.marks())
    run.interrupt(number)
    result = run.finish(code)
    assert cluster.registry.marks() == {}
    assert result.master["outcome"] == "interrupted" and result.master["fence"]["stopped"] is False


@pytest.mark.parametrize("zone, code", [("Pacific/Honolulu", 6), ("Asia/Shanghai", 3)])
def test_a_wrong_zone_shows_while_the_master_still_lives(cluster, zone, code):
    cluster.register(DEAD)
    cluster.workflow()
    result = cluster.failover_master("--fence", "--fence-timeout", "1s", "--time-zone", zone, code=code)
    assert "--time-zone" in "\n".join(result["errors"])
    assert all(master["fence"] is None for master in result["masters"])
    assert cluster.registry.marks() == {} and DEAD in cluster.registry.folder(MASTERS)


def test_a_quiet_cluster_s_master_is_fenced_with_an_event_time(make_cluster):
    cluster = make_cluster(living=False)
    cluster.register(DEAD)
    cluster.workflow(start=ago(HOUR))
    arguments = ("--fence", "--fence-timeout", "1s")
    assert "--event-time" in cluster.failover_master(*arguments, code=3).said
    assert cluster.failover_master(*arguments, "--event-time", ago(0), code=4).master["fence"]["path"]


def test_what_fails_after_the_fence_does_not_say_that_nothing_was_written(cluster):
    hung = cluster.register(DEAD)
    cluster.workflow()
    run = cluster.start("failover-master", DEAD, "--fence")
    until(lambda: cluster.registry.marks())
    other = "127.0.1.4:5678"
    cluster.register(other, value=heartbeat(other, ago(HOUR), 7, report_time=ago(-2 * MINUTE)))
    hung.leave()
    result = run.finish(1)
    assert other in "\n".join(result["errors"]) and result.master["outcome"] == "failed"
    assert_left(result, hung, "its 1 workflow is")
    assert result.master["fence"]["stopped"] is True and result.master["alive"] is False


def test_what_fails_once_the_locks_are_held_does_not_say_so_either(cluster):
    hung = cluster.register(DEAD)
    cluster.workflow()
    run = cluster.start("failover-master", DEAD, "--fence")
    until(lambda: cluster.registry.marks())
    lock = cluster.registry.lock(DEAD).wait()
    hung.leave()
    until(lambda: "waiting for the lock" in run.stderr_so_far())
    cluster.workflow(start=ago(-10 * MINUTE))  # a wrong zone, it seems
    lock.release()
    result = run.finish(1)
    assert "--time-zone" in "\n".join(result["errors"]) and not cluster.commands()
    assert_left(result, hung, "its 2 workflows are")


def assert_left(result, server, what):
    """Said before all else: whose work is whose now, and how to go on."""
    assert result["errors"][0].startswith(f"{DEAD} was stopped by this run; {what} nobody's now."), result
    assert (f"dsfailover failover-master {DEAD} --startup-time {server.startup_time}"
            f" --process-id {server.process_id}") in result["errors"][0]


def test_a_lock_that_does_not_come_after_the_fence(cluster):
    hung = cluster.register(DEAD)
    workflow = cluster.workflow()
    run = cluster.start("failover-master", DEAD, "--fence", "--lock-timeout", "1s", "--no-lock")
    until(lambda: cluster.registry.marks())
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    hung.leave()
    result = run.finish(1)
    assert_left(result, hung, "its 1 workflow is")
    assert ALIVE in result["errors"][1] and cluster.state(workflow) == 1
    # The command it names does the rest.
    cluster.alive.leave()
    cluster.failover_master("--startup-time", hung.startup_time, "--process-id", hung.process_id, code=0)
    cluster.assert_failed_over_once([workflow])


def test_an_interruption_after_the_fence_stays_one(cluster):
    hung = cluster.register(DEAD)
    cluster.workflow()
    run = cluster.start("failover-master", DEAD, "--fence", environment={"DSFAILOVER_GRACE": "60s"})
    until(lambda: cluster.registry.marks())
    hung.leave()
    until(lambda: "--grace" in run.stderr_so_far())
    run.interrupt()
    assert_left(run.finish(130), hung, "its 1 workflow is")


# -- the lock comes before the fence


@pytest.mark.parametrize("options", [[], ["--no-lock"]])
def test_a_lock_that_is_not_to_be_had_fences_nobody(cluster, options):
    cluster.register(DEAD)
    cluster.workflow()
    lock = cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    with cluster.nothing_changes():
        run = cluster.start("failover-master", DEAD, "--fence", "--lock-timeout", "2s", *options)
        if not options:
            until(lambda: "held by master " + ALIVE in run.stderr_so_far())
        result = run.finish(5)
    assert ALIVE in result["errors"][0] and "was not fenced" in result["errors"][0]
    assert result.master["fence"] is None and result.master["outcome"] == "failed"
    with cluster.nothing_changes():
        dry = cluster.failover_master("--fence", "--dry-run", code=0)
    assert "would not be fenced then" in dry.said
    lock.release()


@pytest.mark.parametrize("registry", ["zookeeper", "jdbc", "etcd"])
def test_its_own_lock_counts_as_free(make_cluster, registry):
    cluster = make_cluster(registry)
    hung = cluster.register(DEAD)
    cluster.registry.lock(DEAD, session=hung.session).wait()
    workflow = cluster.workflow()
    obedient = ObedientServer(cluster, hung)
    result = cluster.failover_master("--fence", code=0)
    assert obedient.value == "0" and result.master["fence"]["stopped"] is True
    cluster.assert_failed_over_once([workflow])


def test_who_waits_behind_its_own_lock_gets_it(cluster):
    hung = cluster.register(DEAD)
    cluster.workflow()
    cluster.registry.lock(DEAD, session=hung.session).wait()
    cluster.registry.lock(DEAD, session=cluster.alive.session)
    until(lambda: len(cluster.registry.folder(f"/lock/master-failover/{DEAD}")) == 2)
    with cluster.nothing_changes():
        result = cluster.failover_master("--fence", code=5)
    assert ALIVE in result["errors"][0] and "waits for it" in result["errors"][0]


def test_a_leaked_lock_is_watched_before_the_fence_and_not_again(cluster):
    hung = cluster.register(DEAD)
    workflow = cluster.workflow(start=ago(HOUR))
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    run = cluster.start("failover-master", DEAD, "--fence", "--no-lock", "--lock-timeout", "5s")
    until(lambda: "looks leaked" in run.stderr_so_far())
    assert len(cluster.registry.marks()) == 1
    ObedientServer(cluster, hung)
    result = run.finish(0)
    cluster.assert_failed_over_once([workflow])
    assert result.stderr.count("watching the lock") == 1 and "going on past the lock" in result.said


def test_a_holder_that_acts_while_we_look_saves_the_server(cluster):
    cluster.register(DEAD)
    cluster.workflow(start=ago(HOUR))
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    run = cluster.start("failover-master", DEAD, "--fence", "--no-lock", "--lock-timeout", "9s")
    until(lambda: "looks leaked" in run.stderr_so_far())
    cluster.registry.mark(f"{DEAD}-{ago(8 * HOUR)}-2", ago(1))
    result = run.finish(5)
    assert "its holder is at work" in result.said and result.master["fence"] is None


def test_a_fence_stays_one_where_nothing_is_left(cluster):
    hung = cluster.register(DEAD)
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(HOUR))
    ObedientServer(cluster, hung)
    result = cluster.failover_master("--fence", code=0)
    assert result.master["fence"]["stopped"] is True
    assert cluster.mark_value(f"{DEAD}-{hung.startup_time}-{hung.process_id}") == "0"


def test_a_mark_that_stood_before_is_left_and_named(cluster):
    hung = cluster.register(DEAD)
    mark = f"{DEAD}-{hung.startup_time}-{hung.process_id}"
    cluster.registry.mark(mark, 1234567)
    result = cluster.failover_master("--fence", "--fence-timeout", "1s", code=4)
    assert "1234567 stands since before" in result.said and "removed" not in result.said
    assert cluster.mark_value(mark) == "1234567"


def test_the_right_startup_time_with_another_process_id_is_not_the_process_named(cluster):
    hung = cluster.register(DEAD)
    result = cluster.failover_master("--fence", "--startup-time", hung.startup_time, "--process-id",
                                     hung.process_id + 1, code=4)
    assert "not the process id" in result.said and "very process" not in result.said
    assert cluster.registry.marks() == {}


@pytest.mark.parametrize("registry", ["jdbc", "etcd"])
def test_fenced_elsewhere(make_cluster, registry):
    cluster = make_cluster(registry)
    hung = cluster.register(DEAD)
    workflow = cluster.workflow()
    run = cluster.start("failover-master", DEAD, "--fence")
    until(lambda: cluster.registry.marks())
    hung.leave()
    assert run.finish(0).master["fence"]["stopped"] is True
    cluster.assert_failed_over_once([workflow])


def test_a_heartbeat_that_only_pauses_is_no_stop(make_cluster):
    """On JDBC a client past its time-out is looked at again before it counts as gone."""
    cluster = make_cluster("jdbc")
    hung = cluster.register(DEAD)
    workflow = cluster.workflow()

    def beat(session_timeout, age):
        cluster.db.execute("UPDATE t_ds_jdbc_registry_client_heartbeat SET last_heartbeat_time = ?,"
                           " connection_config = ? WHERE id = ?", ago(age),
                           json.dumps({"sessionTimeout": session_timeout}), hung.session.id)

    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET data_value = ? WHERE data_key = ?",
                       heartbeat(DEAD, hung.startup_time, hung.process_id, report_time=ago(MINUTE)), hung.path)
    run = cluster.start("failover-master", DEAD, "--fence", "--fence-timeout", "3s")
    until(lambda: cluster.registry.marks())
    beat(5_000, 20_000)
    time.sleep(1.5)
    beat(5_000, 15_000)
    result = run.finish(4)
    assert result.master["fence"]["stopped"] is False and cluster.state(workflow) == 1


def test_a_hung_worker_stops_too(cluster):
    hung = cluster.register("127.0.2.1:1234", worker=True)
    workflow = cluster.workflow()
    cluster.task(workflow)
    ObedientServer(cluster, hung)
    result = cluster.run("failover-worker", "127.0.2.1:1234", "--fence", code=0)
    assert result["worker"]["fence"]["stopped"] is True
    cluster.assert_failed_over_once([workflow])


# -- --wait


def test_recovery_is_seen(cluster):
    cluster.workflows(5)
    with SimulatedMaster(cluster, release="3.3.0"):
        result = cluster.failover_master("--wait", "20s", code=0)
    assert result.master["recovery"] == {"recovered": 5, "pending": 0, "errored": 0, "unproven": 5, "lost": 0,
                                        "rehosted": 0}
    assert result.seconds < 15


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_lost_commit_inserted_is_followed_too(make_cluster, fails):
    """The ids of its commands are not known, and none may be waiting any more."""
    cluster = make_cluster(database="postgresql")
    workflows = cluster.workflows(3)
    # An older failure of one of them is none of ours.
    command = {"id": 0, "command_type": 2, "workflow_definition_code": 1, "workflow_definition_version": 1,
               "command_param": command_param(1), "workflow_instance_id": workflows[0], "executor_id": 7,
               "update_time": None}
    fail_command(cluster, command, "long ago")
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        url = cluster.db.url.replace(cluster.db.server.address, proxy.address)
        proxy.cut_after(b"COMMIT\0")
        run = cluster.start("failover-master", DEAD, "--wait", "20s",
                            options=["--registry", cluster.registry.url, "--database", url])
        # The first thing it asks once the marks are written.
        proxy_sees_follow = b"FROM t_ds_command WHERE workflow_instance_id"
        assert proxy.fired.wait(20)
        proxy.do_before(proxy_sees_follow, lambda: consume(cluster, fails))
        result = run.finish(3 if fails else 0)
    expected = {"recovered": 3, "pending": 0, "errored": 0, "unproven": 0, "lost": 0,
                                        "rehosted": 0}
    assert result.master["recovery"] == (expected | {"recovered": 2, "errored": 1} if fails else expected)
    assert ("as we speak" in result.said) == fails and "long ago" not in result.said


def consume(cluster, first_fails):
    db = cluster.db.clone()
    for number, command in enumerate(db.rows("SELECT * FROM t_ds_command ORDER BY id")):
        if first_fails and number == 0:
            fail_command(cluster, command, "as we speak")
        else:
            db.execute("DELETE FROM t_ds_command WHERE id = ?", command["id"])
    db.close()


def test_what_is_not_taken_in_time_is_pending(cluster):
    cluster.workflows(2)
    result = cluster.failover_master("--wait", "2s", code=3)
    assert result.master["recovery"] == {"recovered": 0, "pending": 2, "errored": 0, "unproven": 0, "lost": 0,
                                        "rehosted": 0}
    assert 2 <= result.seconds < 10
    # The failover itself is done.
    assert result.workflows["failed_over"] == 2 and len(cluster.registry.marks()) == 1


def test_some_recovered_some_errored_some_pending(cluster):
    workflows = cluster.workflows(6)
    run = cluster.start("failover-master", DEAD, "--wait", "6s")
    commands = {c["workflow_instance_id"]: c for c in until(lambda: len(cluster.commands()) == 6 and cluster.commands())}
    for workflow in workflows[:2]:
        fail_command(cluster, commands[workflow], "Duplicate key task-1\n\tat Stream.java")
    kept = {commands[workflow]["id"] for workflow in workflows[4:]}
    master = SimulatedMaster(cluster, takes=lambda command: command not in kept)
    assert master.consume_all() == 2
    master.db.close()
    result = run.finish(3)
    assert result.master["recovery"] == {"recovered": 2, "pending": 2, "errored": 2, "unproven": 2, "lost": 0,
                                        "rehosted": 0}
    assert "Duplicate key task-1" in json.dumps(result.report)


def fail_command(cluster, command, message):
    """As a master does with a command that it cannot handle."""
    with cluster.db.transaction():
        cluster.db.execute("DELETE FROM t_ds_command WHERE id = ?", command["id"])
        columns = ("id", "command_type", "workflow_definition_code", "command_param", "workflow_instance_id",
                   "workflow_definition_version", "executor_id", "update_time")
        cluster.db.execute(f"INSERT INTO t_ds_error_command ({', '.join(columns)}, message)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *(command[c] for c in columns), message)


START_A_MASTER = re.compile(r"\b(re)?start (a |the |another |any |that |your )?masters?\b"
                            r"|(its|their) restart|a master that starts takes")


def test_no_hint_advises_a_restart_while_workflows_are_in_doubt(cluster):
    cluster.workflow(command_type=3)
    cluster.workflow()
    result = cluster.failover_master("--wait", "1s", code=3)
    assert not START_A_MASTER.search(result.said.lower())


@pytest.mark.parametrize("in_doubt", [False, True])
def test_nor_for_a_worker_that_was_restarted(cluster, in_doubt):
    if in_doubt:
        cluster.workflow(command_type=3)  # no task of it is the worker's
    cluster.register(DEAD_WORKER, worker=True, startup_time=ago(10 * MINUTE))
    cluster.task(cluster.workflow(host=ALIVE), submit=ago(20 * MINUTE))
    result = cluster.run("failover-worker", DEAD_WORKER, "--startup-time", ago(5 * HOUR), "--process-id", 9, code=3)
    assert bool(START_A_MASTER.search(result.said.lower())) is not in_doubt
    assert ("settle those first" in result.said) is in_doubt


@pytest.mark.parametrize("in_doubt", [False, True])
def test_nor_for_commands_that_nobody_is_there_to_take(make_cluster, in_doubt):
    cluster = make_cluster(living=False)
    if in_doubt:
        cluster.workflow(command_type=3)
    cluster.db.insert("t_ds_command", command_type=2, workflow_definition_code=1,
                      workflow_instance_id=cluster.workflow(state=18), command_param=command_param(1),
                      update_time=databases.to_text(ago(HOUR)))
    result = cluster.run("requeue", code=3)
    assert bool(START_A_MASTER.search(result.said.lower())) is not in_doubt
    assert ("settle those first" in result.said) is in_doubt


def test_global_waits_for_all(cluster):
    cluster.workflows(2)
    cluster.workflows(2, host="127.0.1.3:5678")
    with SimulatedMaster(cluster):
        result = cluster.run("global", "--wait", "20s", code=0)
    assert sum(m["recovery"]["recovered"] for m in result["masters"] if m["recovery"]) == 4


def test_global_says_whose_commands_were_not_taken(cluster):
    cluster.workflow()
    cluster.workflows(2, host="127.0.1.3:5678")
    said = cluster.run("global", "--wait", "0s", code=3).said
    assert f"1 command for workflows of {DEAD} was not taken" in said
    assert "2 commands for workflows of 127.0.1.3:5678 were not taken" in said


def test_interrupted_while_waiting_for_recovery(cluster):
    cluster.workflows(2)
    run = cluster.start("failover-master", DEAD, "--wait", "60s")
    until(lambda: cluster.registry.marks())
    time.sleep(0.5)
    run.interrupt()
    result = run.finish(130)
    assert result.workflows["failed_over"] == 2 and len(cluster.registry.marks()) == 1
    assert result.master["recovery"] == {"recovered": 0, "pending": 2, "errored": 0, "unproven": 0, "lost": 0,
                                        "rehosted": 0}


@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_a_database_that_is_away_for_a_moment_does_not_end_the_watch(make_cluster, database):
    cluster = make_cluster(database=database)
    cluster.workflows(2)
    db = cluster.db
    with Proxy("127.0.0.1", db.server.port) as proxy:
        run = cluster.start("failover-master", DEAD, "--wait", "60s", options=[
            "--registry", cluster.registry.url, "--database", f"{db.server.scheme}://ds@{proxy.address}/{db.database}"])
        until(lambda: "2 commands waiting" in run.stderr_so_far())
        proxy.cut()
        until(lambda: "connecting again" in run.stderr_so_far())
        with SimulatedMaster(cluster):
            result = run.finish(0)
    assert result.master["recovery"] == {"recovered": 2, "pending": 0, "errored": 0, "unproven": 2, "lost": 0,
                                        "rehosted": 0}
